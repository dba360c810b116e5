"""Real services for tests: each starts on a port or in a folder of its own and goes away with the session."""
