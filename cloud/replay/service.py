"""Speaks to the replay's control socket: one line of JSON each way, a connection each time."""

import asyncio
import json
from pathlib import Path
from typing import Any

from cloud.problems import ProblemError
from cloud.replay.model import Replay, ReplayAsked

PATIENCE_S = 3.0


async def ask(control: Path, asked: ReplayAsked | None = None) -> Replay:
    """Do what is asked, or only look; raises a problem where the replay does not answer or refuses."""
    request = {"do": "look"} if asked is None else asked.model_dump()
    try:
        async with asyncio.timeout(PATIENCE_S):
            answer = await _exchange(control, request)
    except (OSError, TimeoutError, ValueError) as exc:
        raise ProblemError(503, "no-replay", "The replay does not answer", "Is it still running?") from exc
    if answer.get("error"):
        raise ProblemError(422, "bad-request", "The replay refuses", str(answer["error"]))
    return Replay(**answer["standing"])


async def _exchange(control: Path, request: dict[str, Any]) -> dict[str, Any]:
    reader, writer = await asyncio.open_unix_connection(control)
    try:
        writer.write(json.dumps(request).encode() + b"\n")
        await writer.drain()
        answer: dict[str, Any] = json.loads(await reader.readline())
    finally:
        writer.close()
    return answer
