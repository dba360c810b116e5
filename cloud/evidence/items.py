"""An item of evidence, as guards judge by it. Pure."""

from typing import Literal

from cloud.hazards import guards

Kind = Literal["series", "photo", "video", "document", "still", "device_file", "rule", "configuration"]
Stage = Literal["found", "before", "after", "review", "judgement"]


class EvidenceItem(guards.EvidenceItem, frozen=True, kw_only=True):
    """What is known of an item; its bytes rest apart. `at` is when it was put there."""

    kind: Kind
    sha256: str
    """Hexadecimal, of the bytes as they are kept."""
    account_id: int | None
    """Who did; `None`: the machine."""
