"""Devices tried over their gateway: asked for here, made there, kept here."""
