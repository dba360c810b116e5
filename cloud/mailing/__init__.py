"""Reports and packages of incidents that are handed in by mail."""
