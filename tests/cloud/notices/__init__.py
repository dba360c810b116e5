"""Notices: who is told, by what channel, and what became of it."""
