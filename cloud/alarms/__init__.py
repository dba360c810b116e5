"""Alarms: transitions as gateways send them, and the episodes that they tell of."""
