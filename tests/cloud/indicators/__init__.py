"""Indicators, the board, figures of alarms."""
