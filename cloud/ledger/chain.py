"""An event of a ledger and its place in the chain; the same hashes as of a hazard's events. Pure."""

from typing import Any, Literal, Protocol

import msgspec

from cloud.hazards.chain import Link, canonical, digest

Ledger = Literal["incident", "enforcement", "report", "inspection", "exposure"]


class Signer(Protocol):
    """A person's own key, opened by his password."""

    @property
    def key(self) -> int:
        """Which of his keys."""

    @property
    def account_id(self) -> int:
        """Whose."""

    def sign(self, digest: bytes) -> bytes:
        """His signature over the digest."""


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """What was done, before it has its place in the chain."""

    at: str
    actor: str
    """Name of the account, or `sitewarden` where no person acted."""
    account: int | None
    role: str
    """In which he acted; empty where no person did."""
    kind: str
    body: Any


def linked(ledger: Ledger, of: str, last: tuple[int, bytes] | None, event: Event) -> Link:
    """The event as the next of its record's chain, whose last sequence number and hash are `last`."""
    seq, prev_hash = (1, b"") if last is None else (last[0] + 1, last[1])
    record = canonical({**msgspec.structs.asdict(event), "ledger": ledger, "of": of, "seq": seq})
    return Link(seq=seq, record=record, prev_hash=prev_hash, hash=digest(prev_hash, record))
