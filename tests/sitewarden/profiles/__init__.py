"""Device profiles: what is refused, and what is made of raw words."""
