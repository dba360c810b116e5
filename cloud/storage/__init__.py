"""How readings rest: by day, packed or compressed, rolled up, let go of; with and without TimescaleDB."""
