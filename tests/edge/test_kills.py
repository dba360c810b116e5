"""Agent and broker killed again and again, receipts withheld: nothing lost, nothing doubled."""

import asyncio
import json
import random
import signal
import sqlite3
from collections import Counter
from functools import partial
from pathlib import Path

from sitewarden.messages import readings_of
from tests.edge.cloud import Cloud, listening
from tests.edge.conftest import GATEWAY_NAME, SITE_NAME, Configure
from tests.edge.test_agent import EMPTY, OVERLOAD, Crane, agent, site
from tests.support.broker import Broker
from tests.support.waiting import ended, until

KILLS = 5


async def lift(crane: Crane, dice: random.Random) -> None:
    """Overload and let down, for ever."""
    while True:
        await asyncio.sleep(dice.uniform(0.1, 0.3))
        crane.load = OVERLOAD if crane.load == EMPTY else EMPTY


def has_gone_on(crane: Crane, cloud: Cloud, asked: int, alarms: int) -> bool:
    """Whether polls and alarms have come since."""
    return crane.asked > asked + 5 and len(cloud.alarms) > alarms


def counters(folder: Path, lane: str) -> dict[str, int]:
    with sqlite3.connect(folder / "data" / f"{lane}.db") as db:
        rows = db.execute("SELECT depth, dropped, written FROM tally").fetchall()
    db.close()
    return dict(zip(("depth", "dropped", "written"), rows[0], strict=True)) if rows else {}


async def test_whatever_is_killed_nothing_is_lost_and_nothing_doubled(
    configured: Configure, fresh_broker: Broker, tmp_path: Path
) -> None:
    dice = random.Random(7)
    async with site() as (server, crane):
        file = configured(server, fresh_broker)
        with listening(fresh_broker, SITE_NAME, GATEWAY_NAME) as cloud:
            cloud.receipts = lambda _: dice.random() < 0.7
            lifting = asyncio.create_task(lift(crane, dice))
            for _ in range(KILLS):
                async with agent(file) as run:
                    await until(partial(has_gone_on, crane, cloud, crane.asked, len(cloud.alarms)))
                    if dice.random() < 0.5:
                        fresh_broker.kill()
                        fresh_broker.start()
                    await asyncio.sleep(dice.uniform(0, 0.3))
                    await run.end(signal.SIGKILL)
            await ended(lifting)
            crane.load = EMPTY
            cloud.receipts = lambda _: True
            async with agent(file) as run:
                # It may have nothing left to do; it must still have begun before it is told to end.
                await until(lambda before=crane.asked: crane.asked > before + 5)
                await until(lambda: "episode" not in standing(tmp_path) and depth(tmp_path) == 0)
                assert await run.end() == 0
            check(cloud, tmp_path)


def check(cloud: Cloud, folder: Path) -> None:
    readings = {(r.point, r.at_ms) for m in cloud.readings for r in readings_of(m.series, m.at)}
    # A poll that comes in as the agent is told to end may leave its reading in the outbox, received or not.
    kept = counters(folder, "readings")
    assert kept["dropped"] == 0
    assert kept["written"] - kept["depth"] <= len(readings) <= kept["written"]
    transitions = {(alarm.boot, alarm.seq): alarm for alarm in cloud.alarms}
    assert counters(folder, "alarms") == {"depth": 0, "dropped": 0, "written": len(transitions)}
    told = Counter((alarm.episode, alarm.change) for alarm in transitions.values())
    assert set(told.values()) == {1}
    assert {e for e, change in told if change == "raised"} == {e for e, change in told if change == "cleared"}
    last = json.loads((folder / "outputs.jsonl").read_text().splitlines()[-1])
    assert (last["siren"], last["lamp"]) == ("off", "off")


def depth(folder: Path) -> int:
    return counters(folder, "alarms").get("depth", 0) + counters(folder, "readings").get("depth", 0)


def standing(folder: Path) -> str:
    """The keys of all standing episodes."""
    with sqlite3.connect(folder / "data" / "alarms.db") as db:
        keys = [key for (key,) in db.execute("SELECT key FROM memory")]
    db.close()
    return " ".join(keys)
