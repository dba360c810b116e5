"""Reports upward: what is counted as of a cut-off, as printed, approved by a person, kept for good."""
