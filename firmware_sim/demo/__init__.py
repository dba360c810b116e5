"""A whole site on one machine: real programs, simulated devices; and what can be measured on it."""
