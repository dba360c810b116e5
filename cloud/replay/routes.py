"""The replay over HTTP; a cloud that shows live sites has none."""

from pathlib import Path

from fastapi import APIRouter

from cloud.accounts.permissions import AnySigned, requires
from cloud.problems import not_found
from cloud.replay.model import Replay, ReplayAsked
from cloud.replay.service import ask
from cloud.serving import Served, Serving

router = APIRouter(tags=["replay"])


@router.get("/replay", dependencies=[AnySigned])
async def read_replay(serving: Served) -> Replay:
    """How the replay stands."""
    return await ask(_control(serving))


@router.post("/replay", dependencies=[requires("replay.steer")])
async def control_replay(asked: ReplayAsked, serving: Served) -> Replay:
    """Pause, go on, step, jump, change the speed; it changes what is shown and nothing else."""
    return await ask(_control(serving), asked)


def _control(serving: Serving) -> Path:
    if serving.settings.replay is None:
        raise not_found("replay")
    return serving.settings.replay
