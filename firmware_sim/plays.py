"""Physics brought to life behind one face: stepped, and read by the keys of a device's profile."""

from collections.abc import Callable, Mapping
from random import Random
from typing import Generic, Protocol, TypeVar

from firmware_sim import crane, crane_group, dust, forms, hoist, pit, steps, weather
from firmware_sim.chart import Line
from firmware_sim.crane import CraneState
from firmware_sim.crane_group import Group
from firmware_sim.model import Crane, Dust, Hoist, Pit, Simple, Steps, WeatherStation
from firmware_sim.scenario import Cast
from firmware_sim.usual import usual_forms
from sitewarden.profiles.model import Profile

P = TypeVar("P", contravariant=True)  # noqa: PLC0105  # short, as the struct's own
S = TypeVar("S")
_Read = Callable[[P, S, Random], dict[str, float]]


class Physics(Protocol):
    """A device's physics between two register images."""

    def step(self, t_s: float, dt_s: float) -> None:
        """Go on to `t_s` seconds after the start, `dt_s` after the last step."""

    def read(self) -> Mapping[str, float | None]:
        """What the sensors say now, by point key; `None` where they say that they have no value."""


def physics_of(cast: Cast, seed: str) -> Physics:
    """The physics of a device at the start; the same seed gives the same values, step by step."""
    match cast.device.physics:
        case Pit() as physics:
            return _PitPlay(physics, seed)
        case Steps() as physics:
            return _StepsPlay(physics, seed)
        case Simple() as physics:
            return _SimplePlay(physics, cast, seed)
        case machine:
            return _machine(machine, cast, seed)


def _machine(machine: Crane | Hoist | Dust | WeatherStation, cast: Cast, seed: str) -> Physics:
    match machine:
        case Crane() as physics if cast.group is not None:
            return _GroupPlay(cast.group, cast)
        case Crane() as physics:
            return _CranePlay(physics, _line(cast, physics), _Face(cast.profile, crane.KINDS), seed)
        case Hoist() as physics:
            face = _Face(cast.profile, hoist.KINDS)
            return _Machine(physics, hoist.HoistState(), hoist.step, hoist.read, face=face, seed=seed)
        case Dust() as physics:
            face = _Face(cast.profile, dust.KINDS)
            return _Machine(physics, dust.DustState(), dust.step, dust.read, face=face, seed=seed)
        case WeatherStation() as physics:
            face, state = _Face(cast.profile, weather.KINDS), weather.WeatherState()
            return _Machine(physics, state, weather.step, weather.read, face=face, seed=seed)


def _line(cast: Cast, physics: Crane) -> Line:
    assert cast.chart is not None  # noqa: S101  # the scenario was refused otherwise
    return cast.chart.falls[physics.falls]


class _Face:
    """What a device shows of its physics: the points of its profile whose kinds the physics gives."""

    def __init__(self, profile: Profile, kinds: Mapping[str, str]) -> None:
        """`kinds` names the kind of each thing that the physics says."""
        names = {kind: name for name, kind in kinds.items()}
        self._names = {key: names[point.kind] for key, point in profile.points.items() if point.kind in names}

    def by_key(self, said: Mapping[str, float]) -> dict[str, float]:
        """What the physics says, at the keys of the profile."""
        return {key: said[name] for key, name in self._names.items()}


class _Step(Protocol[P, S]):
    def __call__(self, physics: P, state: S, /, *, t_s: float, dt_s: float, rng: Random) -> S: ...


class _Machine(Generic[P, S]):
    """Physics that goes from state to state and says what it measures by kinds of the vocabulary."""

    def __init__(
        self, physics: P, state: S, step: _Step[P, S], read: _Read[P, S], *, face: _Face, seed: str
    ) -> None:
        self._physics, self._state, self._step, self._read, self._face = physics, state, step, read, face
        # Sensors draw from numbers of their own, so that how often they are read does not change the work.
        self._rng, self._noise = Random(seed), Random(f"{seed}/noise")

    def step(self, t_s: float, dt_s: float) -> None:
        self._state = self._step(self._physics, self._state, t_s=t_s, dt_s=dt_s, rng=self._rng)

    def read(self) -> Mapping[str, float]:
        return self._face.by_key(self._read(self._physics, self._state, self._noise))


class _CranePlay(_Machine[Crane, CraneState]):
    """A crane under its load chart, whose limiter can be bypassed."""

    def __init__(self, physics: Crane, line: Line, face: _Face, seed: str) -> None:
        self._line, self.is_bypassed = line, False
        super().__init__(physics, crane.start(physics), self._go_on, crane.read, face=face, seed=seed)

    def _go_on(
        self, physics: Crane, state: CraneState, /, *, t_s: float, dt_s: float, rng: Random
    ) -> CraneState:
        is_bypassed = self.is_bypassed
        return crane.step(physics, self._line, state, t_s=t_s, dt_s=dt_s, rng=rng, is_bypassed=is_bypassed)


class _GroupPlay:
    """A crane among others: it plays the whole group by itself, so that it depends on nobody's pace."""

    def __init__(self, group: Group, cast: Cast) -> None:
        names = [member.name for member in group.members]
        self._group, self._me = group, names.index(cast.device.device)
        self._face = _Face(cast.profile, crane.KINDS)
        self._rngs = [Random(member.seed) for member in group.members]
        self._noise = Random(f"{group.members[self._me].seed}/noise")
        self._states, self.is_bypassed = crane_group.start(group), False

    def step(self, t_s: float, dt_s: float) -> None:
        bypassed = self._me if self.is_bypassed else None
        self._states = crane_group.step(
            self._group, self._states, t_s=t_s, dt_s=dt_s, rngs=self._rngs, bypassed=bypassed
        )

    def read(self) -> Mapping[str, float]:
        machine = self._group.members[self._me].crane
        return self._face.by_key(crane.read(machine, self._states[self._me], self._noise))


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


class _SimplePlay:
    def __init__(self, physics: Simple, cast: Cast, seed: str) -> None:
        self._forms = {**usual_forms(cast.profile), **physics.points}
        self._columns, self._t_s = cast.columns, 0.0
        # Each point has numbers of its own: what is said of one changes nothing about the others.
        self._rngs = {key: Random(f"{seed}/{key}") for key in self._forms}
        self._places = {key: forms.start(form) for key, form in self._forms.items()}

    def step(self, t_s: float, dt_s: float) -> None:
        self._t_s = t_s
        for key, form in self._forms.items():
            self._places[key] = forms.step(form, self._places[key], dt_s=dt_s, rng=self._rngs[key])

    def read(self) -> Mapping[str, float | None]:
        return {
            key: forms.read(form, self._places[key], self._t_s, self._columns.get(key, ()))
            for key, form in self._forms.items()
        }
