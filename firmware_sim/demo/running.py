"""A site that runs: broker, cloud, simulator and gateway started side by side, watched, stopped in order."""

import http.client
import json
import os
import shutil
import socket
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from firmware_sim.demo import broker
from firmware_sim.demo.listeners import ApiClient, BrokerListener
from firmware_sim.demo.processes import Program, sitewarden
from firmware_sim.demo.registering import PASSWORD_FILE, register
from firmware_sim.demo.rights import OBSERVER
from firmware_sim.demo.site import SiteConfiguration, SiteFolder
from sitewarden.errors import UnreachableError

HOST = "127.0.0.1"
PATIENCE_S = 90.0
"""For a machine that is slow and a database that is made for the first time."""
POLL_S = 0.05
STOP_S = {"simulator": 3.0, "gateway": 15.0, "cloud": 25.0, "broker": 5.0}
"""How long each may take to end, in the order in which they are ended."""
BrokerKind = Literal["mosquitto", "amqtt"]


class RunningSite:
    """`with RunningSite(...)` starts everything and is there when the pages answer; leaving stops all.

    Raises `ProgramDiedError` where a program ends, `UnreachableError` where one does not get ready in time.
    """

    def __init__(
        self,
        folder: Path,
        configuration: SiteConfiguration,
        *,
        web_port: int = 0,
        broker_kind: BrokerKind | None = None,
        observer: bool = False,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        """`folder` is absolute; port 0 takes a free one; `say` is told each step in one line for people.

        `observer` adds an MQTT account that may read everything, and listens with it: for measuring.
        """
        self.files: SiteFolder = SiteFolder(folder=folder, configuration=configuration)
        self.web_port = web_port or free_port()
        self.broker_port = free_port()
        self.passwords: dict[str, str] = {}
        self.listener: BrokerListener | None = None
        """Hears every message from the first on, where an observer is wanted."""
        self.ready_s = 0.0
        """How long it took until the pages answered."""
        self._broker_kind, self._observer, self._say = broker_kind, observer, say
        self._programs: dict[str, Program] = {}

    @property
    def url(self) -> str:
        """Where the pages are."""
        return f"http://{HOST}:{self.web_port}"

    def __enter__(self) -> Self:
        began = time.monotonic()
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        self.ready_s = time.monotonic() - began
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def check(self) -> None:
        """Raises `ProgramDiedError` where one of the programs has ended."""
        for program in self._programs.values():
            program.check()

    def fill_registry(self) -> None:
        """Enter what people would enter of the demo's site, unless that was done in this folder before."""
        site, folder = self.files.configuration.site, self.files.folder
        try:
            made = register(ApiClient(HOST, self.web_port), site, folder, self.files.cloud)
        except (OSError, http.client.HTTPException) as exc:
            self.check()
            raise UnreachableError(f"the cloud did not take the demo's registry: {exc}") from exc
        if made:
            self._say(f"档案已填入 {made} 条虚构记录 · {made} invented records are in the registry")
            self._say(f"可编辑档案的账号 · an account that may edit: {folder / PASSWORD_FILE}")

    def stop(self) -> None:
        """Stop what still runs, in order."""
        if self.listener is not None:
            self.listener.stop()
        for name in STOP_S:
            self.stop_program(name)

    def stop_program(self, name: str) -> None:
        """Stop one program: `simulator`, `gateway`, `cloud` or `broker`."""
        program = self._programs.pop(name, None)
        if program is not None and not program.stop(STOP_S[name]):
            self._say(f"{name} 未按时停止，已强制结束 · {name} did not stop in time and was killed")

    def kill_and_restart(self, name: str) -> None:
        """End a program as a power cut would, and start it again as a service manager does."""
        program = self._programs.pop(name)
        program.kill()
        self._run(name, program.command)

    def _start(self) -> None:
        """The slowest first: the database is made while devices, broker and gateway get ready."""
        self.passwords = self.files.write_accounts(observer=self._observer)
        self._start_broker()
        self.files.write_cloud(broker_port=self.broker_port, web_port=self.web_port)
        self._run("cloud", sitewarden("cloud", "run", self.files.cloud))
        simulated = self._start_simulator()
        self._wait(self._broker_listens, "the broker", "broker")
        if self._observer:
            self.listener = BrokerListener(HOST, self.broker_port, self.passwords[OBSERVER])
            self.listener.start()
        self._start_gateway(simulated)
        self._say("云平台启动中 · cloud is starting (database, ingest, web)")
        self._wait(self._pages_answer, "the web pages", "cloud")

    def _start_broker(self) -> None:
        self.files.write_broker(self.broker_port)
        mosquitto = None if self._broker_kind == "amqtt" else broker.find_mosquitto()
        if mosquitto is None and self._broker_kind == "mosquitto":
            raise UnreachableError("Mosquitto is not installed (Debian: apt install mosquitto)")
        name = "Mosquitto" if mosquitto else "amqtt (Python; Mosquitto is not installed)"
        self._run("broker", broker.command(self.files.folder, self.broker_port, mosquitto))
        self._say(f"消息代理 · broker: {name}, {HOST}:{self.broker_port}")

    def _start_simulator(self) -> dict[str, int | str]:
        ports_file = self.files.folder / "ports.json"
        ports_file.unlink(missing_ok=True)
        self.files.write_scenario()
        self._run("simulator", self._simulator(ports_file))
        self._wait(ports_file.exists, "the simulator", "simulator")
        simulated: dict[str, int | str] = json.loads(ports_file.read_text(encoding="utf-8"))
        buses = [f"{name} {HOST}:{where}" for name, where in simulated.items() if isinstance(where, int)]
        cameras = [str(where) for where in simulated.values() if not isinstance(where, int)]
        self._say(f"模拟设备 · simulated devices: Modbus TCP {', '.join(buses)}; {', '.join(cameras)}")
        return simulated

    def _simulator(self, ports_file: Path) -> list[str]:
        """What plays the devices, and says in `ports_file` where."""
        options = ("--ledger", self.files.ledger, "--ports-file", ports_file)
        return sitewarden("sim", "run", self.files.scenario, *options)

    def _start_gateway(self, simulated: dict[str, int | str]) -> None:
        self.files.write_gateway(broker_port=self.broker_port, web_port=self.web_port, simulated=simulated)
        self._run("gateway", sitewarden("edge", "run", self.files.gateway))
        self._say(f"边缘网关 · gateway: {self.files.configuration.gateway_user}")

    def _run(self, name: str, command: list[str]) -> None:
        self._programs[name] = Program(name, command, self.files.folder / f"{name}.log")

    def _wait(self, is_ready: Callable[[], bool], what: str, program: str) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not is_ready():
            self.check()
            if time.monotonic() > deadline:
                tail = self._programs[program].tail()
                raise UnreachableError(
                    f"{what} did not get ready in {PATIENCE_S:.0f} s; its log ends:\n{tail}"
                )
            time.sleep(POLL_S)

    def _broker_listens(self) -> bool:
        try:
            socket.create_connection((HOST, self.broker_port), timeout=1.0).close()
        except OSError:
            return False
        return True

    def _pages_answer(self) -> bool:
        return self._status("/readyz") == http.client.OK and self._status("/") is not None

    def _status(self, path: str) -> int | None:
        connection = http.client.HTTPConnection(HOST, self.web_port, timeout=2.0)
        try:
            connection.request("GET", path)
            return connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()


def free_port() -> int:
    """A loopback port that the system has just found free."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def is_free(port: int) -> bool:
    """Whether a loopback port can be listened on."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


MARKER = ".sitewarden-demo"


def prepare_folder(folder: Path, *, wipe: bool) -> None:
    """Make `folder`, empty it where asked; raises `UnreachableError` where it holds what is not a demo's."""
    if folder.exists() and any(folder.iterdir()) and not (folder / MARKER).exists():
        raise UnreachableError(f"{folder} holds something that is not a demo; name an empty or a new folder")
    if wipe and folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    os.chmod(folder, 0o700)  # noqa: PTH101  # the passwords of the demo lie in it
    (folder / MARKER).touch()
