"""From what devices, gateway and cloud wrote down to latencies and to what was lost or doubled. Pure.

How a latency is counted. It begins at the register write beyond the limit, by the simulator's ledger, that
made the alarm; the rule's on-delay is taken off, for waiting is what the rule asks. It ends

- `siren`: when the gateway's output driver had acted (the outputs log);
- `hazard`: when an MQTT client that sees every message had the cloud's receipt for the alarm's record. It is
  sent after the transaction with alarm and hazard was committed, so this is an upper bound of the commit;
- `sse`: when an HTTP client that follows the site's live stream had the alarm's event.

All clocks are of one machine. Alarms of rules that the ledger does not watch (moments, rates, bits) have no
known beginning and are not in the latencies; they are in the account of what was lost.
"""

import statistics
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import msgspec

from sitewarden.rules.binding import ParameterMissingError, bind
from sitewarden.rules.model import High, Rule

QUANTITIES = {
    "crane.load_ratio": "load_ratio",
    "pit.displacement.horizontal.cumulative": "displacement",
    "crane.wind_speed": "wind",
    "weather.wind_speed": "wind",
}
"""What the ledger calls the kinds that rules watch."""
STAMP_SLACK_MS = 60
"""A reading is stamped midway between request and answer; its value may be that much younger."""


class Crossed(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the simulator's ledger."""

    at_ms: int
    device: str
    point: str
    quantity: str
    change: Literal["beyond", "within"]
    limit: float
    value: float


class Sounded(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the gateway's outputs log."""

    at_ms: int
    change: Literal["raised", "cleared"]
    episode: str
    device: str
    point: str
    rule: str
    level: int
    reading_at_ms: int
    siren: Literal["off", "intermittent", "continuous"]
    lamp: Literal["off", "amber", "red"]


class Watched(msgspec.Struct, frozen=True, kw_only=True):
    """A rule whose limit the ledger can tell about."""

    limit: float
    on_delay_ms: int
    suppressed_by: Sequence[str] = ()
    """Rules of the device that hold it back."""


class Onset(msgspec.Struct, frozen=True, kw_only=True):
    """An alarm whose beginning is known."""

    episode: str
    rule: str
    due_ms: int
    """When the alarm was due: the register write beyond the limit, and the on-delay after it."""
    siren_ms: int


class Latency(msgspec.Struct, frozen=True, kw_only=True):
    """A distribution in a few numbers."""

    count: int
    p50: float | None
    max: float | None


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """What the cloud says that it holds."""

    episodes: Mapping[str, bool]
    """By episode: whether it is cleared."""
    transitions: int
    readings: int


class Decided(msgspec.Struct, frozen=True, kw_only=True):
    """What the gateway says that it decided and wrote."""

    sounded: Sequence[Sounded]
    readings_written: int
    readings_waiting: int = 0
    """Still in its outbox: neither lost nor arrived."""
    transitions_waiting: int = 0


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """What is missing and what is there too often."""

    lost_transitions: int
    lost_readings: int
    doubled_transitions: int
    doubled_readings: int

    @property
    def lost(self) -> int:
        """Everything that is missing."""
        return self.lost_transitions + self.lost_readings

    @property
    def doubled(self) -> int:
        """Everything that is there too often."""
        return self.doubled_transitions + self.doubled_readings


def watched_rules(
    device: str, rules: Iterable[Rule], parameters: Mapping[str, float | str]
) -> dict[tuple[str, str], Watched]:
    """By device and rule: the limit and delay of every rule that the ledger can tell about."""
    found = {}
    for rule in rules:
        if rule.watch not in QUANTITIES or not isinstance(rule.condition, High) or rule.arm:
            continue
        try:
            bound = bind(rule, device, parameters)
        except ParameterMissingError:
            continue
        found[device, rule.rule] = Watched(
            limit=bound.limit, on_delay_ms=bound.on_delay_ms, suppressed_by=rule.suppressed_by
        )
    return found


def onsets(
    crossed: Iterable[Crossed], sounded: Iterable[Sounded], rules: Mapping[tuple[str, str], Watched]
) -> list[Onset]:
    """Every raised alarm with the moment that it was due.

    That is the last time the registers passed the limit before the rule's delay began to run, or, where a
    graver alarm held it back until then, its own reading. An alarm without such a moment is left out here;
    `unexplained` names it.
    """
    sounded = list(sounded)
    beyond: dict[tuple[str, float], list[int]] = defaultdict(list)
    for line in crossed:
        if line.change == "beyond":
            beyond[line.point, round(line.limit, 6)].append(line.at_ms)
    found = []
    for alarm in sounded:
        rule = rules.get((alarm.device, alarm.rule))
        if alarm.change != "raised" or rule is None:
            continue
        latest_ms = alarm.reading_at_ms - rule.on_delay_ms + STAMP_SLACK_MS
        begins = [at for at in beyond[alarm.point, round(rule.limit, 6)] if at <= latest_ms]
        if begins:
            due_ms = max(begins) + rule.on_delay_ms
            if _was_held_back(alarm, due_ms, rule, sounded):
                due_ms = alarm.reading_at_ms
            onset = Onset(episode=alarm.episode, rule=alarm.rule, due_ms=due_ms, siren_ms=alarm.at_ms)
            found.append(onset)
    return found


def _was_held_back(alarm: Sounded, due_ms: int, rule: Watched, sounded: Iterable[Sounded]) -> bool:
    return any(
        line.change == "cleared"
        and line.device == alarm.device
        and line.rule in rule.suppressed_by
        and due_ms <= line.reading_at_ms <= alarm.reading_at_ms
        for line in sounded
    )


def unexplained(
    sounded: Iterable[Sounded], rules: Mapping[tuple[str, str], Watched], found: Iterable[Onset]
) -> list[Sounded]:
    """Alarms of watched rules without a crossing in the ledger: what was seen was not there."""
    explained = {onset.episode for onset in found}
    return [
        alarm
        for alarm in sounded
        if alarm.change == "raised" and (alarm.device, alarm.rule) in rules and alarm.episode not in explained
    ]


def took_ms(onset: Iterable[Onset], arrived_ms: Mapping[str, int]) -> list[int]:
    """How long after it was due each alarm arrived, by the instant of arrival of each episode."""
    return [arrived_ms[one.episode] - one.due_ms for one in onset if one.episode in arrived_ms]


def latency(took: Sequence[int]) -> Latency:
    """Latencies in ms, in a few numbers."""
    if not took:
        return Latency(count=0, p50=None, max=None)
    return Latency(count=len(took), p50=statistics.median(took), max=max(took))


def account(decided: Decided, held: Held) -> Account:
    """Compare by identity where there is one (episode and change), by number for readings."""
    made = {(line.episode, line.change) for line in decided.sounded}
    committed = {(episode, "raised") for episode in held.episodes}
    committed |= {(episode, "cleared") for episode, cleared in held.episodes.items() if cleared}
    foreign = len(committed - made)
    missing = decided.readings_written - decided.readings_waiting - held.readings
    return Account(
        lost_transitions=max(0, len(made - committed) - decided.transitions_waiting),
        lost_readings=max(0, missing),
        doubled_transitions=foreign + max(0, held.transitions - len(committed)),
        doubled_readings=max(0, held.readings - decided.readings_written),
    )
