"""Hazards that an authority makes known to the public (曝光): prepared by one, approved by another."""
