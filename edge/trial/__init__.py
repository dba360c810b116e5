"""Trying a device from the command line, before anybody relies on it. Only ever reads."""
