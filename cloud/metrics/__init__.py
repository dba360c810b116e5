"""What the cloud's processes count of themselves, for Prometheus."""
