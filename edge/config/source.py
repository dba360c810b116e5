"""The file under check: what it says, where it lies, and how an error points into it."""

import difflib
from collections.abc import Mapping
from typing import Any, NamedTuple

from edge.settings import GatewayFile
from sitewarden import documents
from sitewarden.derived import DerivedPoint
from sitewarden.errors import ConfigurationError
from sitewarden.profiles import Profile
from sitewarden.rules.packs import RulePack


class Source:
    """One file under check: what it says, where it lies, and how an error points into it."""

    def __init__(self, document: documents.Document[GatewayFile], *, with_secrets: bool) -> None:
        """Without secrets passwords, tokens and PIN stay unread."""
        self._document, self.file = document, document.value
        self.with_secrets = with_secrets
        self.folder = document.file.resolve().parent

    def error(self, field: str, message: str, mend: str) -> ConfigurationError:
        """What is wrong with a field, and the mend."""
        return self._document.error(field, message, mend)

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
