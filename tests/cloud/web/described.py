"""The description of the interface, made once for all who read it: that takes some seconds."""

from cloud.app import make_app, openapi
from cloud.settings import Settings

DOCUMENT = openapi(make_app(Settings.nowhere(), ""))
"""OpenAPI; change a copy only."""
