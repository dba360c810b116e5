"""Upkeep of devices: when one is mended (检修), and what is to be done at it."""
