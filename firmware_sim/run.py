"""Plays a scenario in real time: servers open, devices step, crossings go to the ledger."""

import asyncio
import json
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Protocol

from firmware_sim.control import Control
from firmware_sim.control_socket import ControlSocket
from firmware_sim.ledger import Crossing, Ledger
from firmware_sim.modbus import Bank, ModbusServer
from firmware_sim.player import Player
from firmware_sim.rtu import RtuOverTcpServer, SerialServer
from firmware_sim.scenario import DEFAULT_BAUDRATE, SPEAKING_WAYS, Bus, Site
from firmware_sim.speaking.lines import SpeakingLine
from firmware_sim.speaking.speaker import Speaker
from firmware_sim.switchboard import Switchboard
from sitewarden.errors import UnreachableError

log = logging.getLogger(__name__)

LONGEST_PAUSE_S = 1.0
"""After a longer one (a laptop that slept) the missed steps are left out, not made up in a burst."""


class Line(Protocol):
    """A bus, as whoever disturbs it sees it."""

    def cut(self, is_cut: bool, /) -> None:  # a line is cut or not
        """Take it away, or give it back; raises `OSError` where it does not come back."""


class Playing(Protocol):
    """A device that is being played."""

    def step(self) -> None:
        """One step."""

    def show(self) -> list[Crossing]:
        """Let it be read, or speak; the crossings that became known by that."""


async def run(site: Site, ledger: Ledger, ports_file: Path | None, control: Path | None = None) -> None:
    """Play until cancelled, and heed a `control` socket meanwhile.

    Raises `UnreachableError` where a port cannot be had.
    """
    board = Switchboard(site)
    players: dict[str, Player] = {}
    speakers: dict[str, Speaker] = {}
    mouths = _mouths(site, speakers)
    for name, cast in site.cast.items():
        if name in mouths:
            speakers[name] = Speaker(site.scenario, cast, mouths[name], partial(board.of_device, name))
        else:
            players[name] = Player(site.scenario, cast, partial(board.of_device, name))
    async with AsyncExitStack() as stack:
        ports: dict[str, int | str] = {}
        lines: dict[str, Line] = {}
        for bus in site.scenario.buses:
            server = (
                mouths[bus.devices[0].device] if bus.transport in SPEAKING_WAYS else _server(bus, players)
            )
            try:
                await stack.enter_async_context(server)
            except OSError as exc:
                where = (
                    bus.link or "a pseudo-terminal" if bus.transport == "rtu" else f"{bus.host}:{bus.port}"
                )
                raise UnreachableError(f"bus {bus.bus}: cannot listen on {where}: {exc.strerror}") from exc
            ports[bus.bus] = server.address
            lines[bus.bus] = server
        if control is not None:
            await stack.enter_async_context(ControlSocket(control, Control(board).answer))
        if site.scenario.cameras:
            # Whoever plays no cameras need not load what makes pictures.
            from firmware_sim.camera.serving import serve  # noqa: PLC0415

            ports |= await serve(site.scenario.cameras, site.folder, stack)
        if ports_file is not None:
            write_ports(ports_file, ports)
        log.info("listening: %s", ", ".join(f"{bus} on {_shown(port)}" for bus, port in ports.items()))
        disturb(lines, board, 0.0)
        acting: list[Playing] = [*players.values(), *speakers.values()]
        await play(acting, site.scenario.step_ms, ledger, partial(disturb, lines, board))


def _server(bus: Bus, players: Mapping[str, Player]) -> ModbusServer | SerialServer:
    banks = {device.unit: players[device.device].bank for device in bus.devices}
    return server_of(bus, {unit: bank for unit, bank in banks.items() if unit is not None})


def _mouths(site: Site, speakers: Mapping[str, Speaker]) -> dict[str, SpeakingLine]:
    """The line of each device that speaks by itself; answers go to the speakers, who come later."""
    mouths: dict[str, SpeakingLine] = {}
    for bus in site.scenario.buses:
        if bus.transport in SPEAKING_WAYS:
            line = SpeakingLine(bus, lambda: {name: speaker.hear for name, speaker in speakers.items()})
            mouths |= {device.device: line for device in bus.devices}
    return mouths


def disturb(lines: Mapping[str, Line], board: Switchboard, t_s: float) -> None:
    """It is now `t_s` after the start: cut the lines that are disconnected by then, and only these.

    Raises `UnreachableError` where a line does not come back.
    """
    board.t_s = t_s
    for bus, line in lines.items():
        try:
            line.cut(board.is_cut(bus, t_s))
        except OSError as exc:
            raise UnreachableError(f"bus {bus}: the line does not come back: {exc.strerror}") from exc


def server_of(bus: Bus, units: Mapping[int, Bank]) -> ModbusServer | SerialServer:
    """What plays a bus; nothing is open yet."""
    baudrate = bus.baudrate or DEFAULT_BAUDRATE
    if bus.transport == "rtu":
        return SerialServer(Path(bus.link) if bus.link else None, units, baudrate)
    if bus.transport == "rtu-over-tcp":
        return RtuOverTcpServer(bus.host, bus.port, units, baudrate)
    return ModbusServer(bus.host, bus.port, units)


def _shown(port: int | str) -> str:
    return f"port {port}" if isinstance(port, int) else port


def write_ports(file: Path, ports: Mapping[str, int] | Mapping[str, int | str]) -> None:
    """The ports by bus, or the path of a serial line, as JSON; whoever sees the file sees all of it."""
    draft = file.with_name(f"{file.name}.new")
    draft.write_text(json.dumps(ports), encoding="utf-8")
    draft.replace(file)


async def play(
    players: Iterable[Playing],
    step_ms: int,
    ledger: Ledger,
    stepped: Callable[[float], None] = lambda _: None,
) -> None:
    """Step all players on a grid in time, without drift, for ever; `stepped` hears how far it is, in s."""
    players, step_s, done = list(players), step_ms / 1000.0, 0
    due_s = time.monotonic() + step_s
    while True:
        await asyncio.sleep(due_s - time.monotonic())
        missed = (time.monotonic() - due_s) / step_s
        if missed * step_s > LONGEST_PAUSE_S:
            log.warning("stood still for %.1f s; going on from here", missed * step_s)
            due_s, missed = time.monotonic(), 0.0
        steps = 1 + int(missed)
        done += steps
        stepped(done * step_s)
        for player in players:
            for _ in range(steps):
                player.step()
            ledger.write(player.show())
        due_s += steps * step_s
