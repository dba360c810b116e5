"""The simulator's faults against the real gateway: what it makes of each, and what it never does."""
