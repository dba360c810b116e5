"""Incidents (险情、事故): three ledgers of what has happened, closed only with its lessons."""
