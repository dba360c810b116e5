"""Two workers share what gateways send, and one of them is killed again and again: the other carries on.

For some seconds; for a minute with SITEWARDEN_KILLING_S=60.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Self

import pytest

from tests.cloud.ingest.over_mqtt import DEADLINE_S, Gateway, wait_for
from tests.cloud.ingest.test_over_mqtt import gateway, name, on_broker, write_config
from tests.cloud.site import birth, now_ms, readings

__all__ = ["gateway", "name", "on_broker"]
KILLING_S = float(os.environ.get("SITEWARDEN_KILLING_S", "3"))


class Worker:
    """A process of the ingest that takes readings; `kill` it as a lack of memory would."""

    def __init__(self, config: Path, log: Path) -> None:
        self._log = log
        with log.open("wb") as file:
            command = [sys.executable, "-m", "cloud", "ingest", str(config), "--part", "readings"]
            self._process = subprocess.Popen(command, stderr=file)

    def wait_until_it_hears(self) -> None:
        wait_for(lambda: "connected to broker" in self._log.read_text(), "a worker to hear", 2 * DEADLINE_S)

    @property
    def lives(self) -> bool:
        return self._process.poll() is None

    def kill(self) -> None:
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()


class Sender:
    """Sends a new message every 20 ms, and again what has no receipt after two seconds."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway, self._begin_ms = gateway, now_ms() - 3_600_000
        self.sent: dict[int, float] = {}
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        while not self._ending.wait(0.02):
            self._say(len(self.sent) + 1)
            self._again()

    def _again(self) -> None:
        late_s, receipted = time.monotonic() - 2.0, self._gateway.receipted()
        for seq in [seq for seq, at in self.sent.items() if at < late_s and seq not in receipted]:
            self._say(seq)

    def _say(self, seq: int) -> None:
        self._gateway.say(readings(float(seq % 50), seq=seq, at=self._begin_ms + seq))
        self.sent[seq] = time.monotonic()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._ending.set()
        self._thread.join()

    def is_done(self) -> bool:
        self._again()
        return self._gateway.receipted() >= self.sent.keys()


@pytest.mark.timeout(400)
def test_nothing_is_lost_or_doubled_and_the_survivor_carries_on(gateway, on_broker, dsn, site, tmp_path):
    config = write_config(tmp_path, on_broker, dsn)
    survivor = Worker(config, tmp_path / "survivor.log")
    dying = Worker(config, tmp_path / "dying.log")
    try:
        for worker in (survivor, dying):
            worker.wait_until_it_hears()
        gateway.say(birth(), retain=True)
        with Sender(gateway) as sender:
            until, deaths = time.monotonic() + KILLING_S, 0
            while time.monotonic() < until or deaths < 2:
                before = len(gateway.receipted())
                wait_for(lambda: len(gateway.receipted()) > before + 20, "receipts")  # noqa: B023  at once
                dying.kill()
                deaths += 1
                dying = Worker(config, tmp_path / "dying.log")
                dying.wait_until_it_hears()
        dying.kill()
        wait_for(sender.is_done, "every receipt", every_s=0.2)
        assert survivor.lives
    finally:
        for worker in (survivor, dying):
            worker.kill()
    assert site.value("SELECT count(*) FROM reading") == len(sender.sent)
    assert site.value("SELECT sum(readings_committed) FROM gateway") == len(sender.sent)
