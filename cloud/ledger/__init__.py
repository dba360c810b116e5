"""Ledgers beside the hazard records: chained events that nobody changes, signed where a person answers for them."""
