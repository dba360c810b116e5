"""The devices of a construction site, played: real registers over real Modbus, from physics."""
