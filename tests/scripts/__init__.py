"""The set-up is what a newcomer meets first."""
