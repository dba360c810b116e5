"""The profiles that come with SiteWarden, as texts and as what they mean. Read once."""

from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import NamedTuple

from sitewarden.profiles import AnyProfile, load_profiles


class Shipped(NamedTuple):
    """A profile and the text that it was read from."""

    profile: AnyProfile
    text: str


@cache
def shipped() -> Mapping[str, Shipped]:
    """By name; a shipped file bears the name of its profile."""
    folder = resources.files("sitewarden.profiles")
    return {
        name: Shipped(profile, folder.joinpath(f"{name}.yaml").read_text(encoding="utf-8"))
        for name, profile in load_profiles().items()
    }
