"""How a device comes to be in use: tried, bound to its file, run on trial, witnessed, commissioned."""
