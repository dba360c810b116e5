"""A replay as the HTTP interface shows and takes it."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from cloud.shown import Shown

LEAST_SPEED, MOST_SPEED = 0.1, 600.0


class Replay(Shown):
    """How a replay stands; instants are recorded ones, UTC milliseconds."""

    state: Literal["waiting", "running", "paused", "ended"] = Field(
        description="Waiting: no gateway follows."
    )
    at_ms: int
    first_ms: int
    last_ms: int
    speed: float | None = Field(description="Asked for; null is as fast as possible.")
    held: float | None = Field(description="What the speed comes to, of the last seconds.")
    step: int
    steps: int
    passed: int = Field(description="Counts up with every jump in recorded time.")
    is_looping: bool


class ReplayAsked(BaseModel):
    """What is wanted of a replay."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    do: Literal["pause", "resume", "step", "seek", "speed", "loop"]
    steps: int = Field(default=1, ge=1, le=1000, description="Of `step`.")
    at_ms: int | None = Field(default=None, description="Of `seek`: the recorded instant to go on at.")
    speed: float | None = Field(
        default=None, ge=LEAST_SPEED, le=MOST_SPEED, description="Of `speed`; null is as fast as possible."
    )
    on: bool = Field(default=True, description="Of `loop`.")
