"""The bare gateway that ours is compared with, a process of its own: `python -m bench.bare_gateway FILE`.

pymodbus' client and aiomqtt: one block read and one JSON publish with QoS 1 a device and poll, and nothing
else: no queue, no disk, no rules, no quality, no memory of what it sent.
"""

import asyncio
import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiomqtt
from pymodbus.client import AsyncModbusTcpClient

from bench.devices import REGISTERS


async def poll(device: str, port: int, interval_s: float, broker: aiomqtt.Client) -> None:
    """One device, for ever."""
    client = AsyncModbusTcpClient("127.0.0.1", port=port, timeout=1, retries=0)
    await client.connect()
    due = time.monotonic()
    while True:
        at_ms = time.time_ns() // 1_000_000
        answer = await client.read_holding_registers(0, count=REGISTERS, device_id=1)
        values = {f"r{n}": word for n, word in enumerate(answer.registers)}
        await broker.publish(f"bare/{device}", json.dumps({"ts": at_ms, "values": values}), qos=1)
        due += interval_s
        await asyncio.sleep(max(0.0, due - time.monotonic()))


async def main(plan: Mapping[str, Any]) -> None:
    """All devices of the plan."""
    broker = aiomqtt.Client("127.0.0.1", plan["broker_port"], identifier="bare-gateway")
    async with broker, asyncio.TaskGroup() as group:
        for device, port in plan["devices"].items():
            group.create_task(poll(device, port, plan["interval_ms"] / 1000, broker))


if __name__ == "__main__":
    asyncio.run(main(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))))
