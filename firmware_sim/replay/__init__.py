"""Recorded history served as the registers of the devices that it was recorded from."""
