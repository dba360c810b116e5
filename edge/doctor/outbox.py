"""Checks of the outbox: how much waits, since when, and what could not be read any more."""

import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

from edge.glance import Glance, glance, set_aside
from sitewarden import messages
from sitewarden.doctor.model import Check, Result

OLD_S = 300.0
"""The cloud answers in seconds, and what an outage held back is soon made up for."""

WAITING = Check(
    "outbox.waiting",
    f"how many records wait for the cloud's receipt, and since when; {OLD_S / 60:g} minutes are too long",
    "What waits, nobody but the site itself knows; where the outbox is full, the oldest is given up.",
)
SET_ASIDE = Check(
    "outbox.set-aside",
    "whether files or records of the outbox were damaged and set aside",
    "The card or the power supply has failed once; what could not be read is lost to the cloud.",
)


def outbox_results(folder: Path) -> Iterator[Result]:
    """Of both lanes under `folder`."""
    damaged = 0
    for lane in get_args(messages.Lane):
        file = folder / f"{lane}.db"
        try:
            seen = glance(file) if file.exists() else None
        except PermissionError as exc:
            yield WAITING.unknown(f"cannot be seen: {exc.strerror}", "run the doctor as root", subject=lane)
        except sqlite3.Error as exc:
            yield WAITING.unknown(f"cannot be read just now: {exc}", "ask again in a minute", subject=lane)
        else:
            damaged += seen.damaged if seen else 0
            yield lane_result(lane, seen, time.time())
    yield _set_aside(folder, damaged)


def lane_result(lane: str, seen: Glance | None, now_s: float) -> Result:
    """What a glance at a lane's file comes to."""
    if seen is None:
        return WAITING.unknown("there is none yet, the first start makes it", subject=lane)
    gone = f"; {seen.dropped} given up since it began" if seen.dropped else ""
    if seen.oldest_at_ms is None:
        return WAITING.ok(f"nothing waits{gone}", subject=lane)
    age_s = max(0.0, now_s - seen.oldest_at_ms / 1000)
    told = f"{seen.depth} waiting, the oldest for {age_s:.0f} s{gone}"
    if age_s > OLD_S:
        mend = "does the agent run, is the broker reached, does the cloud know this gateway (dead letters)?"
        return WAITING.finding(told, mend, subject=lane)
    return WAITING.ok(told, subject=lane)


def _set_aside(folder: Path, damaged: int) -> Result:
    try:
        files = set_aside(folder)
    except FileNotFoundError:
        files = []  # the first start makes the folder
    except OSError as exc:
        return SET_ASIDE.unknown(f"cannot be seen: {exc.strerror}", "run the doctor as root")
    if not files and not damaged:
        return SET_ASIDE.ok("none")
    mend = "replace the card or mend its power supply"
    if files:
        mend += f"; keep a copy of {files[0].name}, then rm {folder}/*.db.broken-*"
    return SET_ASIDE.finding(f"{len(files)} files, {damaged} records", mend)
