"""Pictures of cameras: brought by gateways piece by piece, put beside alarms and records, seen by few."""
