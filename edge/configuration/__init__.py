"""Configurations of the cloud: kept on the disk, checked, put in force on probation, and taken back."""
