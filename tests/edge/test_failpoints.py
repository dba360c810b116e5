"""The agent dies at every named place of the alarm path: no decided alarm is lost, none is doubled."""

import signal
from pathlib import Path

import pytest

from edge.failpoints import PLACES, VARIABLE
from tests.edge.cloud import listening
from tests.edge.conftest import GATEWAY_NAME, SITE_NAME, Configure
from tests.edge.test_agent import EMPTY, OVERLOAD, agent, site
from tests.edge.test_kills import check, depth, standing
from tests.support.broker import Broker
from tests.support.waiting import until

ROUNDS = 3


@pytest.mark.timeout(400)
@pytest.mark.parametrize("place", PLACES)
async def test_wherever_it_dies_every_decided_alarm_arrives_once(
    place: str, configured: Configure, fresh_broker: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with site() as (server, crane):
        file = configured(server, fresh_broker)
        with listening(fresh_broker, SITE_NAME, GATEWAY_NAME) as cloud:
            for _ in range(ROUNDS):
                # A standing alarm from before, so that there is something to resume.
                crane.load = OVERLOAD
                async with agent(file) as run:
                    await until(lambda: run.lines() and "episode" in standing(tmp_path))
                    await run.end(signal.SIGKILL)
                monkeypatch.setenv(VARIABLE, place)
                crane.load = EMPTY
                async with agent(file) as run:
                    assert await run.died() == -signal.SIGKILL
                monkeypatch.delenv(VARIABLE)
                asked = crane.asked
                async with agent(file) as run:
                    await until(lambda asked=asked: crane.asked > asked)  # type: ignore[misc]
                    await until(lambda: "episode" not in standing(tmp_path) and depth(tmp_path) == 0)
                    assert await run.end() == 0
            check(cloud, tmp_path)
            transitions = {(alarm.boot, alarm.seq) for alarm in cloud.alarms}
            assert len({seq for _, seq in transitions}) == len(transitions)
            assert len({(a.episode, a.change) for a in cloud.alarms}) == 2 * ROUNDS
