"""The records that ingest hands from step to step."""

from collections.abc import Iterable
from typing import NamedTuple, cast

import msgspec

from sitewarden.errors import MessageError
from sitewarden.messages import MediaAnswers
from sitewarden.topics import Mode, Topic

REASONS = (
    "garbage",
    "version",
    "oversized",
    "topic",
    "gateway",
    "unknown_point",
    "implausible",
    "mode",
    "refused",
    "failed",
)
"""Under which dead letters are counted; `refused`: by the database; `failed`: this program stumbled."""

MENDABLE = frozenset({"version", "gateway", "failed"})
"""Dead letters that another program version or a line of configuration would have taken.

They are counted but never receipted: their gateway keeps the record, and a later resend is stored.
"""


class Delivery(NamedTuple):
    """A message as the broker handed it over."""

    topic: str
    body: bytes
    retained: bool
    received_ms: int
    """By the cloud's clock."""
    mid: int
    """Message id of the broker, to acknowledge it."""
    link: int
    """Number of the connection it came over; an id means nothing on the next one."""


class GatewayKey(NamedTuple):
    """A gateway in one mode."""

    mode: Mode
    site: str
    gateway: str

    @classmethod
    def of(cls, topic: Topic) -> "GatewayKey":
        """Whose topic that is."""
        # `topics.parse` let it pass.
        return cls(cast("Mode", topic.mode), topic.site, topic.gateway)


class Settled(NamedTuple):
    """A record that the gateway may now forget."""

    key: GatewayKey
    boot: str
    seq: int


class DeadLetter(NamedTuple):
    """A message that will not be stored as what it claims to be."""

    delivery: Delivery
    reason: str
    detail: str
    site: str
    """Counted under this and the mode; empty where none that we know could be read."""
    key: GatewayKey | None
    boot: str | None
    seq: int | None

    @property
    def mode(self) -> str:
        """Of the topic; empty where none could be read. Letters of one mode never count in another."""
        return self.key.mode if self.key is not None else ""

    @property
    def settled(self) -> Settled | None:
        """What to receipt, where the record could be named and is given up for good."""
        if self.key is None or self.boot is None or self.seq is None or self.reason in MENDABLE:
            return None
        return Settled(self.key, self.boot, self.seq)


class Outcome(msgspec.Struct, kw_only=True):
    """What one transaction did, acted upon after its commit."""

    settled: list[Settled] = []
    dead: list[DeadLetter] = []
    homeless: list[tuple[GatewayKey, Delivery]] = []
    """Messages whose points are not known yet: neither stored nor receipted; the birth is asked for."""
    answers: list[tuple[GatewayKey, MediaAnswers]] = []
    """What gateways are told of the pictures that they have."""
    changed: bool = False
    """Whether viewers have something new to see."""
    rows: dict[str, int] = {}
    """What became of the readings or alarms of the batch: `accepted`, of these `late`, `duplicate`, …"""
    newest_ms: int | None = None
    """Instant of the newest live record."""
    raised_ms: list[int] = []
    """Instants at which live alarms of the batch were raised."""

    def add(self, **rows: int) -> None:
        """Of so many rows more it became that."""
        for outcome, n in rows.items():
            self.rows[outcome] = self.rows.get(outcome, 0) + n

    def note_instant(self, at_ms: int) -> None:
        """A live record of that instant is among them."""
        self.newest_ms = at_ms if self.newest_ms is None else max(self.newest_ms, at_ms)


class UnreadableRecordError(MessageError):
    """A message refused after its boot and seq could be read, so that it can be receipted."""

    def __init__(self, reason: str, detail: str, boot: str | None, seq: int | None) -> None:
        """`reason` is one of `REASONS`."""
        super().__init__(reason, detail)
        self.boot, self.seq = boot, seq


def ranges(seqs: Iterable[int]) -> list[tuple[int, int]]:
    """Exactly these numbers as ranges, both ends included, ascending."""
    found: list[tuple[int, int]] = []
    for seq in sorted(set(seqs)):
        if found and found[-1][1] == seq - 1:
            found[-1] = found[-1][0], seq
        else:
            found.append((seq, seq))
    return found


def receipts_due(settled: Iterable[Settled]) -> dict[tuple[GatewayKey, str], list[tuple[int, int]]]:
    """The ranges to receipt, a gateway and boot."""
    seqs: dict[tuple[GatewayKey, str], list[int]] = {}
    for record in settled:
        seqs.setdefault((record.key, record.boot), []).append(record.seq)
    return {whose: ranges(numbers) for whose, numbers in seqs.items()}
