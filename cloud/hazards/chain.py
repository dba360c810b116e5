"""The chain of a hazard's events: each hash covers the one before, so no change goes unseen. Pure."""

import hashlib
from collections.abc import Iterable
from typing import Any

import msgspec


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """An event as it is stored."""

    seq: int
    record: str
    prev_hash: bytes
    hash: bytes


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """What an event says, before it has its place in the chain."""

    at: str
    actor: str
    kind: str
    body: dict[str, Any]
    account: int | None = None
    """Whose act it was, in which role and on which side; of the machine there is none."""
    role: str | None = None
    side: str | None = None


def link(hazard: str, last: tuple[int, bytes] | None, event: Event) -> Link:
    """The event as the next of its hazard's chain, whose last sequence number and hash are `last`."""
    seq, prev_hash = (1, b"") if last is None else (last[0] + 1, last[1])
    said = {name: value for name, value in msgspec.structs.asdict(event).items() if value is not None}
    record = canonical({**said, "hazard": hazard, "seq": seq})
    return Link(seq=seq, record=record, prev_hash=prev_hash, hash=digest(prev_hash, record))


def canonical(value: Any) -> str:
    """JSON with sorted keys and no spaces: the same content is always the same bytes."""
    return msgspec.json.encode(value, order="deterministic").decode()


def digest(prev_hash: bytes, record: str) -> bytes:
    """SHA-256 over the previous hash and the record."""
    return hashlib.sha256(prev_hash + record.encode()).digest()


def first_broken(links: Iterable[Link]) -> int | None:
    """The place, from 1, at which a chain does not hold; `None` where all of it does."""
    prev_hash = b""
    for place, found in enumerate(links, start=1):
        if (
            found.seq != place
            or found.prev_hash != prev_hash
            or found.hash != digest(prev_hash, found.record)
        ):
            return place
        prev_hash = found.hash
    return None
