"""A device of the simulator read by the gateway's own planner, decoder and plausibility, in virtual time."""

import struct
from collections.abc import Iterator, Sequence
from functools import partial

from edge.bus import Poll, Unit
from edge.config import Device as EdgeDevice
from edge.drivers import Answer
from edge.drivers.framing import tcp_request
from edge.drivers.registers import PlannedRead
from firmware_sim.modbus import reply
from firmware_sim.player import Player
from firmware_sim.scenario import Site
from firmware_sim.switchboard import Switchboard
from sitewarden.quality import Quality
from sitewarden.readings import Reading

START_MS = 1_790_000_000_000
_HEADER_BYTES = 7


def read(site: Site, device: EdgeDevice, seconds: float, poll_ms: int) -> Iterator[list[Reading]]:
    """One poll after the other, faults and all; not one second is waited for."""
    board = Switchboard(site)
    player = Player(site.scenario, site.cast[device.name], partial(board.of_device, device.name))
    (group,) = device.intervals_ms
    poll = Poll(Unit(device, 0.2), group, start=0.0)
    for at_ms in range(poll_ms, round(seconds * 1000), poll_ms):
        for _ in range(poll_ms // site.scenario.step_ms):
            player.step()
        player.show()
        answers = list(_asked(player, device.unit, poll.reads, at_ms / 1000))
        yield poll.readings(answers, lambda at_s: START_MS + round(at_s * 1000))


def _asked(
    player: Player, unit: int, reads: Sequence[PlannedRead], now_s: float
) -> Iterator[tuple[PlannedRead, Answer]]:
    for read_ in reads:
        said = reply(player.bank, unit, tcp_request(0, unit, read_.request)[_HEADER_BYTES:], now_s)
        if said is None:
            silence = Answer((), Quality.TIMEOUT, is_silence=True, asked_at=now_s, answered_at=now_s)
            yield read_, silence
            continue
        count = read_.request.length
        registers = struct.unpack(f">{count}H", said.pdu[2:])
        yield read_, Answer(registers, Quality.GOOD, asked_at=now_s, answered_at=now_s)
