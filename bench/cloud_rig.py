"""Broker, database and the processes of ingest as `cloud run` starts them; each of them may be killed."""

import contextlib
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Self

import msgspec
import psycopg
import yaml

from bench.listener import wait_until
from bench.report import NotMeasured
from bench.rig import PATIENCE_S, STOP_S, broker_conf, listens
from cloud.embedded import EmbeddedPostgres
from cloud.migrate import migrate
from cloud.running import ingest_children
from cloud.settings import IngestSettings, read_settings
from cloud.supervisor import Child
from firmware_sim.demo.broker import find_mosquitto
from firmware_sim.demo.processes import Program
from firmware_sim.demo.running import free_port

SITE = "bench"
_TEND_S = 0.05


class CloudRig:
    """`with CloudRig(...)` starts everything; raises `NotMeasured` where there is no Mosquitto."""

    def __init__(self, sites: Mapping[str, list[str]], workers: int) -> None:
        """Nothing runs yet. `sites` with their gateways; so many `workers` share readings."""
        self._sites, self._workers = sites, workers
        self.port = free_port()
        self._stack = contextlib.ExitStack()
        self._children: list[Child] = []
        self._lock, self._ended = threading.Lock(), threading.Event()

    def __enter__(self) -> Self:
        found = find_mosquitto()
        if found is None:
            raise NotMeasured("Mosquitto is not installed; the figures are of a real broker")
        with self._stack as stack:
            name = stack.enter_context(tempfile.TemporaryDirectory(prefix="sitewarden-bench-"))
            self.folder = Path(name).resolve()
            # The server has an account of its own where it is started by root.
            self.folder.chmod(0o711)
            self.server = EmbeddedPostgres(self.folder / "data")
            stack.callback(self.server.stop)
            self.server.start()
            migrate(self.server.owner_dsn())
            # Nothing outlives its kill: what gateways have no receipt for is theirs to send again.
            conf = broker_conf(self.folder, self.port, without=("persistence",))
            (self.folder / "mosquitto.conf").write_text(conf + "persistence false\n", encoding="utf-8")
            self._command = [found, "-c", str(self.folder / "mosquitto.conf")]
            self._start_broker()
            stack.callback(lambda: self._broker.stop(STOP_S))
            self._start_children(stack)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _start_broker(self) -> None:
        self._broker = Program("broker", self._command, self.folder / "broker.log")
        wait_until(lambda: listens(self.port), PATIENCE_S, "the broker", self._broker.check)

    def _start_children(self, stack: contextlib.ExitStack) -> None:
        settings = msgspec.structs.replace(
            read_settings(self._write_settings()), ingest=IngestSettings(workers=self._workers)
        )
        # Open as long as processes are started anew.
        log = stack.enter_context((self.folder / "ingest.log").open("ab"))
        self._children = ingest_children(settings, stderr=log)
        self._tending = threading.Thread(target=self._tend, name="tending", daemon=True)
        self._tending.start()
        stack.callback(self._stop, self._tending)
        # That of the alarms has two links. What comes before they are there, the broker throws away.
        wait_until(lambda: self._connections() >= self._workers + 2, PATIENCE_S, "ingest", lambda: None)

    def _connections(self) -> int:
        log = (self.folder / "ingest.log").read_text(encoding="utf-8", errors="replace")
        return log.count("connected to broker")

    def _write_settings(self) -> Path:
        document = {
            "data_dir": str(self.folder / "data"),
            "broker": {"host": "127.0.0.1", "port": self.port},
            "sites": [
                {
                    "site": site,
                    "name": {"zh": "性能", "en": "Bench"},
                    "time_zone": "Asia/Shanghai",
                    "gateways": gateways,
                }
                for site, gateways in self._sites.items()
            ],
        }
        file = self.folder / "cloud.yaml"
        file.write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")
        return file

    def _tend(self) -> None:
        while not self._ended.wait(_TEND_S):
            with self._lock:
                for child in self._children:
                    child.tend()

    def end_ingest(self) -> None:
        """In good order, and for the rest of the time."""
        self._stop(self._tending)

    def _stop(self, tending: threading.Thread) -> None:
        self._ended.set()
        tending.join()
        for child in reversed(self._children):
            child.stop()

    @property
    def workers(self) -> list[int]:
        """Process ids of the workers that live; that of the alarms first."""
        with self._lock:
            return [child.pid for child in self._children if child.pid is not None]

    @property
    def broker_pid(self) -> int:
        """The broker's process id."""
        return self._broker.pid

    def kill_worker(self, pid: int) -> None:
        """As a lack of memory would; its supervisor starts it again."""
        os.kill(pid, signal.SIGKILL)

    def kill_broker(self) -> None:
        """And start it again, with nothing of what it held."""
        self._broker.kill()
        self._start_broker()

    def kill_database(self) -> None:
        """And start it again, as `cloud run` does."""
        if self.server.pid is not None:
            os.kill(self.server.pid, signal.SIGKILL)
        self.server.wait()
        self.server.start()

    @contextlib.contextmanager
    def running(self, module: str, plan: msgspec.Struct) -> Iterator[Program]:
        """A program of the benchmark's own while `with` lasts; it may take its time to end."""
        command = [sys.executable, "-m", module, msgspec.json.encode(plan).decode()]
        program = Program(module, command, self.folder / f"{module}.log")
        try:
            yield program
        finally:
            program.stop(STOP_S)

    def wait_announced(self, points: int, program: Program) -> None:
        """Until so many points are known."""

        def are_known() -> bool:
            with psycopg.connect(self.server.owner_dsn()) as owner:
                row = owner.execute("SELECT count(*) FROM point").fetchone()
            return row is not None and row[0] >= points

        wait_until(are_known, PATIENCE_S, "the births", program.check)
        time.sleep(_TEND_S)
