"""Device profiles that people bring, beside the shipped ones, and models that are not let in."""
