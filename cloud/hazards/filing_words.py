"""As what people file hazards, as `filing.yaml` says. Pure, but for reading that file once."""

from functools import cache
from importlib import resources
from typing import Literal

import msgspec

from sitewarden import documents
from sitewarden.text import Text

Source = Literal["self", "inspection", "public_report"]


class Detail(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How it came to light."""

    label: Text
    site: Source | None = None
    """As what it counts where somebody of the site files it; `None`: he cannot say so."""
    authority: Source | None = None
    """The same of an authority."""
    photos: int = 1
    """So many must be there."""

    def source(self, side: str) -> Source | None:
        """As what it counts when somebody of that side files it; `None`: not his to say."""
        return self.authority if side == "authority" else self.site


class FilingWords(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All of them, and where they come from."""

    source: Text
    categories: dict[str, Text]
    accidents: dict[str, Text]
    details: dict[str, Detail]


@cache
def filing_words() -> FilingWords:
    """What `filing.yaml` says."""
    with resources.as_file(resources.files("cloud.hazards") / "filing.yaml") as file:
        return documents.load(file, FilingWords)
