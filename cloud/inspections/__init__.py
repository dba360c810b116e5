"""Inspections (检查), led checks, remote patrols: recorded, signed, put right, kept as a file."""
