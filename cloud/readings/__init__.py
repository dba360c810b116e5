"""Readings: stored as whole multiples of a resolution, shown as newest values and as series."""
