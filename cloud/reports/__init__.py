"""Reports upward: what is counted as of a cut-off, in the printed layouts, approved by a person and kept for good."""
