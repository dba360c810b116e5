"""Gateways come by a one-time code, and go when they are revoked."""
