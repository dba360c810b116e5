"""Work cycles in SQL: each once by device and start, however often it is told."""

from typing import LiteralString, NamedTuple

from cloud.database import Connection, Row, instant
from cloud.ingest.model import GatewayKey
from sitewarden.messages import ClockState, HookPlace, Readings, WorkCycle

CYCLES: LiteralString = """
    SELECT site, device, started_at, ended_at, peak_load, peak_load_ratio, peak_moment, peak_moment_ratio,
           picked_radius, picked_slew, picked_height, set_down_radius, set_down_slew, set_down_height,
           broken_off, mode, clock, received_at
      FROM work_cycle
"""
"""As they are shown, but for the places, which `placed` puts together."""

OF_SPAN: LiteralString = """
    WHERE site = %(site)s AND mode = %(mode)s AND device = %(device)s
      AND started_at >= %(start)s AND started_at < %(end)s
    ORDER BY started_at
"""
"""One crane's lifts that began within a span, the oldest first."""


class ToldCycle(NamedTuple):
    """A work cycle, and who told of it."""

    key: GatewayKey
    gateway_id: int
    clock: ClockState
    cycle: WorkCycle

    @classmethod
    def of(cls, key: GatewayKey, gateway_id: int, message: Readings) -> "list[ToldCycle]":
        """All that a message tells of."""
        return [cls(key, gateway_id, message.clock, cycle) for cycle in message.cycles]


def store_cycles(connection: Connection, cycles: list[ToldCycle], now_ms: int) -> None:
    """Store cycles once each; the first telling stands."""
    if not cycles:
        return
    # In the order of their keys, so that two workers never wait for each other.
    ordered = sorted(cycles, key=lambda told: (told.key, told.cycle.device, told.cycle.started_at))
    with connection.cursor() as cursor:
        cursor.executemany(
            """
            INSERT INTO work_cycle (
                    site, mode, device, started_at, ended_at, gateway_id, peak_load, peak_load_ratio,
                    peak_moment, peak_moment_ratio, picked_radius, picked_slew, picked_height,
                    set_down_radius, set_down_slew, set_down_height, broken_off, clock, received_at)
                VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
                ON CONFLICT DO NOTHING
            """,
            [_row(told, now_ms) for told in ordered],
        )


def placed(row: Row) -> Row:
    """A row of `CYCLES` with its places as records of their own."""
    places = {
        place: {name: row[f"{place}_{name}"] for name in ("radius", "slew", "height")}
        for place in ("picked", "set_down")
    }
    return {**row, **places}


def _row(told: ToldCycle, now_ms: int) -> tuple[object, ...]:
    key, gateway_id, clock, cycle = told
    return (
        *(key.site, key.mode, cycle.device, instant(cycle.started_at), instant(cycle.ended_at), gateway_id),
        *(cycle.peak_load, cycle.peak_load_ratio, cycle.peak_moment, cycle.peak_moment_ratio),
        *_place(cycle.picked),
        *_place(cycle.set_down),
        *(cycle.broken_off, clock, instant(now_ms)),
    )


def _place(place: HookPlace) -> tuple[float | None, float | None, float | None]:
    return place.radius, place.slew, place.height
