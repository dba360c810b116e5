"""What the edge benchmarks stand on: broker, simulated devices and listener; candidates come and go."""

import contextlib
import json
import os
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Self

import msgspec

from bench.devices import BusPlan, DevicesPlan
from bench.listener import Listener, wait_until
from bench.report import NotMeasured
from firmware_sim.demo.broker import find_mosquitto
from firmware_sim.demo.processes import Program
from firmware_sim.demo.running import HOST, free_port

PATIENCE_S = 30.0
STOP_S = 15.0
MB = 1_000_000

_DEPLOYED = Path(__file__).resolve().parents[1] / "deploy" / "mosquitto" / "mosquitto.conf"
_OF_THE_DEPLOYED = ("persistence", "max_", "set_")
"""Whose beginnings are so are the settings that the figures depend on."""
_BROKER = """\
listener {port} {host}
allow_anonymous true
acl_file {folder}/acl
log_dest stdout
log_type error
"""
# `lab` is ThingsBoard's gateway, which must not hear what it says itself.
_RIGHTS = """\
topic readwrite #
user lab
topic write #
topic read v1/devices/me/attributes
topic read v1/devices/me/attributes/response/+
topic read v1/devices/me/rpc/response/+
topic read v1/gateway/attributes
topic read v1/gateway/attributes/response
topic read v1/gateway/rpc
"""


class Rig:
    """`with Rig()` starts broker and listener; raises `NotMeasured` where there is no Mosquitto."""

    def __init__(self, *, unbounded: bool = False) -> None:
        """Nothing runs yet. `unbounded`: the broker queues whatever comes, to be filled before a start."""
        self._unbounded = unbounded
        self.broker_port = free_port()
        self.ports: dict[str, int | str] = {}
        """Port or serial line of each bus, while there are devices."""
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        mosquitto = find_mosquitto()
        if mosquitto is None:
            raise NotMeasured("Mosquitto is not installed; the figures are of a real broker")
        with self._stack as stack:
            name = stack.enter_context(tempfile.TemporaryDirectory(prefix="sitewarden-bench-"))
            self.folder = Path(name).resolve()
            conf = broker_conf(self.folder, self.broker_port, unbounded=self._unbounded)
            (self.folder / "mosquitto.conf").write_text(conf, encoding="utf-8")
            command = [mosquitto, "-c", str(self.folder / "mosquitto.conf")]
            broker = stack.enter_context(self.running("broker", command))
            wait_until(lambda: listens(self.broker_port), PATIENCE_S, "the broker", broker.check)
            self.listener = stack.enter_context(Listener(self.broker_port))
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @contextlib.contextmanager
    def devices(self, buses: Sequence[BusPlan], *, wind_every_s: float = 0.0) -> Iterator[Program]:
        """Simulated devices while `with` lasts; `ports` says where."""
        plan = DevicesPlan(buses=list(buses), wind_every_s=wind_every_s)
        (self.folder / "devices.json").write_bytes(msgspec.json.encode(plan))
        file = self.folder / "ports.json"
        file.unlink(missing_ok=True)
        with self.running("devices", [sys.executable, "-m", "bench.devices", str(self.folder)]) as devices:
            wait_until(file.exists, PATIENCE_S, "the simulated devices", devices.check)
            self.ports = json.loads(file.read_text(encoding="utf-8"))
            yield devices

    def served(self) -> dict[str, list[int]]:
        """By device, how often each register was served; after `devices`."""
        found: dict[str, list[int]] = json.loads((self.folder / "served.json").read_text(encoding="utf-8"))
        return found

    @contextlib.contextmanager
    def running(self, name: str, command: list[str]) -> Iterator[Program]:
        """A program while `with` lasts, ended in good order."""
        program = Program(name, command, self.folder / f"{name}.log")
        try:
            yield program
        finally:
            program.stop(STOP_S)

    def new_folder(self, name: str) -> Path:
        """An empty folder for a candidate; what an earlier one left is gone."""
        folder = self.folder / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        return folder


def broker_conf(folder: Path, port: int, *, unbounded: bool = False, without: tuple[str, ...] = ()) -> str:
    """The deployed broker's settings, with our address and without accounts; writes its rights to `folder`.

    `without`: beginnings of settings that are left out.
    """
    (folder / "acl").write_text(_RIGHTS, encoding="utf-8")
    deployed = _DEPLOYED.read_text(encoding="utf-8").splitlines()
    kept = [line for line in deployed if line.startswith(_OF_THE_DEPLOYED)]
    kept = [line for line in kept if not (without and line.startswith(without))]
    if unbounded:
        kept = ["max_queued_messages 0" if line.startswith("max_queued") else line for line in kept]
    # As root, Mosquitto would become the user "mosquitto", who cannot read this folder.
    account = ["user root"] if os.geteuid() == 0 else []
    return "\n".join([*account, *kept, _BROKER.format(port=port, host=HOST, folder=folder)])


def listens(port: int) -> bool:
    """Whether somebody takes connections there."""
    try:
        socket.create_connection((HOST, port), timeout=1.0).close()
    except OSError:
        return False
    return True


def cpu_s(pid: int) -> float:
    """What a process has computed so far, all its threads, in user and in kernel; to the nanosecond.

    `/proc` counts in hundredths of a second, two counters each rounded down: of a gateway that polls once a
    second that is a fifth of the figure. This is the process' own clock, numbered as Linux numbers it.
    """
    return time.clock_gettime(~pid << 3 | 2)


def resident_mb(pid: int) -> float:
    """What of a process is in memory, MB."""
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="utf-8").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / MB
