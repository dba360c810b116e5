"""Sites, their gateways, devices and points."""
