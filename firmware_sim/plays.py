"""Physics brought to life behind one face: stepped, and read by the keys of a device's profile."""

from collections.abc import Mapping
from random import Random
from typing import Protocol

from firmware_sim import crane, pit, signals, steps
from firmware_sim.chart import Line
from firmware_sim.model import Crane, Pit, Signals, Steps
from firmware_sim.scenario import Cast
from firmware_sim.usual import usual_signals
from sitewarden.profiles.model import Profile


class Physics(Protocol):
    """A device's physics between two register images."""

    def step(self, t_s: float, dt_s: float) -> None:
        """Go on to `t_s` seconds after the start, `dt_s` after the last step."""

    def read(self) -> Mapping[str, float | None]:
        """What the sensors say now, by point key; `None` where they say that they have no value."""


def physics_of(cast: Cast, seed: str) -> Physics:
    """The physics of a device at the start; the same seed gives the same values, step by step."""
    match cast.device.physics:
        case Crane() as physics:
            return _CranePlay(physics, _line(cast, physics), cast.profile, seed)
        case Pit() as physics:
            return _PitPlay(physics, seed)
        case Steps() as physics:
            return _StepsPlay(physics, seed)
        case Signals() as physics:
            return _SignalsPlay(physics, cast, seed)


def _line(cast: Cast, physics: Crane) -> Line:
    assert cast.chart is not None  # noqa: S101  # the scenario was refused otherwise
    return cast.chart.falls[physics.falls]


def by_key(profile: Profile, kinds: Mapping[str, str], said: Mapping[str, float]) -> dict[str, float]:
    """What physics says by names of its own, at every point of the profile that has such a kind."""
    by_kind = {kind: said[name] for name, kind in kinds.items()}
    return {key: by_kind[point.kind] for key, point in profile.points.items() if point.kind in by_kind}


class _CranePlay:
    def __init__(self, physics: Crane, line: Line, profile: Profile, seed: str) -> None:
        self._physics, self._line, self._profile = physics, line, profile
        # Sensors draw from numbers of their own, so that how often they are read does not change the work.
        self._rng, self._noise = Random(seed), Random(f"{seed}/noise")
        self._state = crane.start(physics)

    def step(self, t_s: float, dt_s: float) -> None:
        self._state = crane.step(self._physics, self._line, self._state, t_s=t_s, dt_s=dt_s, rng=self._rng)

    def read(self) -> Mapping[str, float]:
        return by_key(self._profile, crane.KINDS, crane.read(self._physics, self._state, self._noise))


class _PitPlay:
    """The logger asks its sensors now and then and shows the last answer in between."""

    def __init__(self, physics: Pit, seed: str) -> None:
        self._physics, self._noise = physics, Random(seed)
        self._sampled_s = 0.0
        self._shown = pit.read(physics, 0.0, self._noise)

    def step(self, t_s: float, dt_s: float) -> None:  # noqa: ARG002  # the pit is a function of time alone
        if t_s - self._sampled_s >= self._physics.sample_s:
            self._sampled_s = t_s
            self._shown = pit.read(self._physics, t_s, self._noise)

    def read(self) -> Mapping[str, float]:
        return self._shown


class _StepsPlay:
    def __init__(self, physics: Steps, seed: str) -> None:
        self._physics, self._rng = physics, Random(seed)
        self._state = steps.start(physics, self._rng)

    def step(self, t_s: float, dt_s: float) -> None:  # noqa: ARG002  # it jumps at instants
        self._state = steps.step(self._physics, self._state, t_s, self._rng)

    def read(self) -> Mapping[str, float]:
        return steps.read(self._physics, self._state)


class _SignalsPlay:
    def __init__(self, physics: Signals, cast: Cast, seed: str) -> None:
        self._signals = {**usual_signals(cast.profile), **physics.points}
        self._columns, self._t_s = cast.columns, 0.0
        # Each point has numbers of its own: what is said of one changes nothing about the others.
        self._rngs = {key: Random(f"{seed}/{key}") for key in self._signals}
        self._places = {key: signals.start(signal) for key, signal in self._signals.items()}

    def step(self, t_s: float, dt_s: float) -> None:
        self._t_s = t_s
        for key, signal in self._signals.items():
            self._places[key] = signals.step(signal, self._places[key], dt_s=dt_s, rng=self._rngs[key])

    def read(self) -> Mapping[str, float | None]:
        return {
            key: signals.read(signal, self._places[key], self._t_s, self._columns.get(key, ()))
            for key, signal in self._signals.items()
        }
