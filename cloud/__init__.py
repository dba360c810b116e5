"""The cloud: takes in what gateways send, opens hazard records, shows them to people as they happen."""
