"""Gateways of messages and calls, as `providers.yaml` says. Pure, but for reading that file once."""

from functools import cache
from importlib import resources
from typing import Any, Literal

import msgspec

from sitewarden import documents
from sitewarden.text import Text

Asked = Literal["key_id", "sign_name", "template", "app", "url", "own"]


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of the file."""


class Where(_Part, frozen=True, kw_only=True):
    """Where something stands in an answer."""

    code: list[str]
    text: list[str] = []


class Answer(_Part, frozen=True, kw_only=True):
    """How an answer is read."""

    paths: list[Where]
    accepted: list[str]
    may_pass: list[str] = []
    """Refusals that another try may mend."""
    any_of_last: bool = False
    """Whatever stands at the last path means that it was taken."""


class Provider(_Part, frozen=True, kw_only=True):
    """One gateway."""

    kind: Literal["sms", "voice"]
    label: Text
    source: str
    confidence: str
    asks: list[Asked]
    """What a channel must say beside its key."""
    signing: Literal["acs3", "tc3", "own"]
    answer: Answer
    url: str = ""
    headers: dict[str, str] = {}
    query: dict[str, str] = {}
    json: dict[str, Any] = {}
    prefix: str = ""
    """Before every number."""
    most_numbers: int = 100


class Providers(_Part, frozen=True, kw_only=True):
    """All of them."""

    providers: dict[str, Provider]


@cache
def providers() -> dict[str, Provider]:
    """What `providers.yaml` says."""
    with resources.as_file(resources.files("cloud.notices") / "providers.yaml") as file:
        return documents.load(file, Providers).providers
