"""Incidents (险情、事故): what has happened, in three ledgers, reported in time and closed only with its lessons."""
