"""How a gateway gets its name and its password: by a one-time code, from the cloud."""
