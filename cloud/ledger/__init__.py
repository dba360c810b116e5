"""Ledgers beside the hazard records: chained events that nobody changes, signed where somebody answers."""
