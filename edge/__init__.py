"""The agent on the gateway: reads devices, judges, sounds the siren, keeps what the cloud lacks."""
