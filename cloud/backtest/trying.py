"""A back-test on behalf of somebody who waits for it: bounded in range, readings and time."""

import time
from collections.abc import Sequence

import psycopg

from cloud.backtest.asked import Asked, TooMuchError
from cloud.backtest.in_force import in_force, shipped_packs
from cloud.backtest.model import BacktestShown, RulesShown, Trial
from cloud.backtest.proposal import proposed_rules
from cloud.backtest.service import DatabaseSource, open_history
from cloud.backtest.shown import report_shown, rules_shown
from cloud.backtest.store import points_of
from cloud.database import Connection, connect
from sitewarden.backtest.binding import points_needed
from sitewarden.backtest.changes import put_upon
from sitewarden.backtest.judging import Span
from sitewarden.backtest.silence import witnesses
from sitewarden.backtest.trial import Report, TooManyAlarmsError, backtest, warmed
from sitewarden.rules.packs import RulePack
from sitewarden.topics import Mode

LONGEST_MS = 31 * 86_400_000
MOST_READINGS = 8_000_000
"""Four crane-days of twice a second and twelve points; about a hundred bytes each while it runs."""
LONGEST_S = 60.0


def read_rules(dsn: str, site: str, mode: Mode) -> RulesShown:
    """The rules in force on a site."""
    with connect(dsn) as connection:
        points = points_of(connection, site, mode).values()
        return rules_shown(in_force(points, shipped_packs()), {point.kind for point in points})


def run_trial(dsn: str, asked: Asked, trial: Trial) -> BacktestShown:
    """Judge and show; raises as `judge_trial`."""
    begun = time.monotonic()
    with connect(dsn) as connection:
        report = judge_trial(connection, asked, trial)
    return report_shown(report, round((time.monotonic() - begun) * 1000))


def judge_trial(connection: Connection, asked: Asked, trial: Trial) -> Report:
    """Judge; raises `TooMuchError`, `ConfigurationError` of a rule, `NoSuchDeviceError`."""
    if asked.until_ms - asked.since_ms > LONGEST_MS:
        raise TooMuchError(f"a range has at most {LONGEST_MS // 86_400_000} days")
    deadline = time.monotonic() + LONGEST_S

    def go_on() -> None:
        if time.monotonic() > deadline:
            raise TooMuchError(f"it took longer than {LONGEST_S:g} s; ask for one device, or a shorter range")

    connection.execute("SELECT set_config('statement_timeout', %s, false)", [f"{LONGEST_S:g}s"])
    source = open_history(connection, asked)
    before = source.header.rules
    after = put_upon(before, [proposed_rules(trial.rules, before)], trial.removed)
    span = Span(0, asked.since_ms, asked.until_ms)
    try:
        _refuse_too_many(source, (*before, *after), span)
        return backtest(source, before, after, span, notes=source.notes, go_on=go_on)
    except TooManyAlarmsError as exc:
        raise TooMuchError(str(exc)) from exc
    except psycopg.errors.QueryCanceled as exc:
        raise TooMuchError(f"the database took longer than {LONGEST_S:g} s") from exc


def _refuse_too_many(source: DatabaseSource, packs: Sequence[RulePack], span: Span) -> None:
    left = MOST_READINGS
    for device in source.header.devices:
        first_ms = warmed(span, device, packs).warm_ms
        points = points_needed(device, packs)
        asked = [*points, *witnesses(device, points)]
        left -= source.count(asked, first_ms, span.until_ms, left)
        if left < 0:
            message = f"more than {MOST_READINGS:,} readings; ask for one device, or a shorter range"
            raise TooMuchError(message)
