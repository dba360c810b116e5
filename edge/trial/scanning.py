"""Which units answer on a line, how fast, and to what: the first question about a device without papers."""

import statistics
from collections.abc import AsyncIterator, Sequence
from typing import Literal

import msgspec

from edge.drivers import Answer, Link, Request
from edge.settings import ModbusSettings
from edge.trial.line import OPEN_S, asked, closed_again, opened
from sitewarden.quality import Quality

Knows = Literal["answers", "knows", "lacks", "silent"]
"""Of a function: gives data at address 0; knows the function and has nothing there; does not know it; …"""

ASKED = (3, 4, 1, 2)
"""In this order: holding or input registers is what nearly everything has."""
_DECISIVE = (3, 4)
"""Who is silent to both is not there."""
_ILLEGAL_FUNCTION = 1


class UnitSeen(msgspec.Struct, frozen=True, kw_only=True):
    """One unit that answers."""

    unit: int
    functions: dict[int, Knows]
    """By function code; only those that read are ever sent."""
    median_ms: float
    """From request to whole answer."""
    words: dict[int, int]
    """By function: what stood at address 0, where it gave any."""
    is_replay: bool = False
    """It plays a recorded history: no device is there."""


def longest_s(settings: ModbusSettings, units: Sequence[int]) -> float:
    """How long a scan takes at most: nobody answers, and each silence is waited for."""
    quiet_ms = getattr(settings, "quiet_ms", 0)
    return OPEN_S + len(units) * len(ASKED) * (settings.timeout_ms + quiet_ms) / 1000


async def scanned(
    settings: ModbusSettings, units: Sequence[int]
) -> AsyncIterator[tuple[int, UnitSeen | None]]:
    """Each unit in turn and what was seen of it; raises `UnreachableError` where the line does not open."""
    async with opened(settings) as link:
        first = await asked(link, units[0], Request(ASKED[0], 0, 1), settings.timeout_ms / 1000, OPEN_S)
        if first.quality is Quality.DISCONNECTED:
            raise closed_again(settings)
        for unit in units:
            yield unit, await _seen(link, unit, settings.timeout_ms / 1000)


async def _seen(link: Link, unit: int, timeout_s: float) -> UnitSeen | None:
    functions: dict[int, Knows] = {}
    words: dict[int, int] = {}
    took_s: list[float] = []
    is_replay = False
    for function in ASKED:
        answer = await asked(link, unit, Request(function, 0, 1), timeout_s, OPEN_S)
        knows = functions[function] = _knows(answer)
        if knows == "silent":
            if function == _DECISIVE[-1] and not took_s:
                return None
            continue
        took_s.append(answer.answered_at - answer.asked_at)
        is_replay = is_replay or answer.is_replay
        if answer.registers:
            words[function] = answer.registers[0]
    return UnitSeen(
        unit=unit,
        functions=dict(sorted(functions.items())),
        median_ms=1000 * statistics.median(took_s),
        words=words,
        is_replay=is_replay,
    )


def _knows(answer: Answer) -> Knows:
    """What an answer says of its function; a converter's word that nobody is behind it is a silence."""
    if answer.quality is Quality.GOOD:
        return "answers"
    if answer.quality is not Quality.EXCEPTION or answer.is_silence:
        return "silent"
    return "lacks" if answer.exception == _ILLEGAL_FUNCTION else "knows"
