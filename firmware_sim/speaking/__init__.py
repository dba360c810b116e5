"""Devices that nobody asks: they speak by themselves to a gateway that listens."""
