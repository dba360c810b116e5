"""The file under check: what it says, where it lies, and how an error points into it.

Where the cloud says what is connected there are two: the gateway's own file, and the document of the cloud.
"""

import difflib
from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from edge.settings import GatewayDocument, GatewayFile
from sitewarden import documents
from sitewarden.derived import DerivedPoint
from sitewarden.errors import ConfigurationError
from sitewarden.profiles import Profile
from sitewarden.rules.packs import RulePack

CLOUD_KEYS = GatewayDocument.__struct_fields__
"""What the cloud says in place of the file."""


class Source:
    """What is under check: what it says, where it lies, and how an error points into it."""

    def __init__(
        self,
        own: documents.Document[GatewayFile],
        told: documents.Document[GatewayDocument] | None = None,
        *,
        with_secrets: bool,
    ) -> None:
        """`told` wins over the gateway's own file. Without secrets passwords, tokens and PIN stay unread."""
        self._own, self._told = own, told
        self.file = own.value
        if told is not None:
            said = {key: getattr(told.value, key) for key in CLOUD_KEYS}
            self.file = msgspec.structs.replace(own.value, **said)
        self.with_secrets = with_secrets
        self.own_file = own.file
        self.home = own.file.resolve().parent
        """Where the gateway's own file lies, and its secrets, data and diaries."""
        self.folder = (own if told is None else told).file.resolve().parent
        """Where charts, packs, profiles and histories lie."""

    @property
    def is_told(self) -> bool:
        """Whether the cloud has written what is read here, who must not reach beyond its own texts."""
        return self._told is not None

    def error(self, field: str, message: str, mend: str) -> ConfigurationError:
        """What is wrong with a field, and the mend."""
        if self._told is not None and field.partition(".")[0] in CLOUD_KEYS:
            return self._told.error(field, message, mend)
        return self._own.error(field, message, mend)

    def pointed(self, exc: ConfigurationError, field: str) -> ConfigurationError:
        """An error without a line of its own (`there is no such pack`) stands where the name was written."""
        return exc if exc.line else self.error(field, exc.message, exc.mend)


class Known(NamedTuple):
    """What a file may refer to."""

    profiles: Mapping[str, Profile]
    packs: list[RulePack]
    group_points: Mapping[str, tuple[DerivedPoint, ...]]
    """By device what it has from the group that it is in."""


def nearest(name: str, known: Mapping[str, Any] | set[str], otherwise: str) -> str:
    """The mend of a name that is none: the one that was meant, or all that there are."""
    near = difflib.get_close_matches(name, known, n=1)
    if near:
        return f"Did you mean `{near[0]}`?"
    return f"{otherwise} {', '.join(sorted(known))}." if known else "Remove the line."
