"""Hazard records (隐患): opened by alarms, kept with the chain of what was done to each."""
