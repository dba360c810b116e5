"""A history cut into steps: one recorded instant each, with every reading of it. Pure."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from firmware_sim.replay.cast import Cast, Played
from sitewarden.history import History, Track
from sitewarden.history.silence import polled, with_silences

Row = tuple[int, int, float, int]
"""Device and point, counted as the cast and its keys are; value, NaN where there is none; quality."""


class Timeline(NamedTuple):
    """Every step of a history, oldest first."""

    instants: NDArray[np.int64]
    """UTC milliseconds, each once."""
    starts: NDArray[np.int64]
    """Where each step's rows begin; one more, the end of all."""
    device: NDArray[np.int32]
    point: NDArray[np.int32]
    value: NDArray[np.float64]
    quality: NDArray[np.uint8]

    @classmethod
    def of(cls, history: History, cast: Cast) -> "Timeline":
        """All readings that registers can say; what is derived from them the gateway derives again."""
        tracks = served(history, cast)
        parts = [
            (i, j, tracks[f"{played.name}/{key}"])
            for i, played in enumerate(cast.devices)
            for j, key in enumerate(played.keys)
            if f"{played.name}/{key}" in tracks
        ]
        return cls._sorted(parts)

    @classmethod
    def _sorted(cls, parts: list[tuple[int, int, Track]]) -> "Timeline":
        lengths = [len(track.times) for _, _, track in parts]
        device = np.repeat(np.array([i for i, _, _ in parts], np.int32), lengths)
        point = np.repeat(np.array([j for _, j, _ in parts], np.int32), lengths)
        at_ms = np.concatenate([np.empty(0, np.int64), *(track.times for _, _, track in parts)])
        value = np.concatenate([np.empty(0, np.float64), *(track.values for _, _, track in parts)])
        quality = np.concatenate([np.empty(0, np.uint8), *(track.quality for _, _, track in parts)])
        order = np.lexsort((point, device, at_ms))
        instants, first = np.unique(at_ms[order], return_index=True)
        starts = np.append(first, len(order)).astype(np.int64)
        return cls(instants, starts, device[order], point[order], value[order], quality[order])

    def __len__(self) -> int:
        """Steps."""
        return len(self.instants)

    def rows(self, step: int) -> list[Row]:
        """What was recorded at a step, by device, then in the order of its points."""
        part = slice(self.starts[step], self.starts[step + 1])
        return list(
            zip(
                self.device[part].tolist(),
                self.point[part].tolist(),
                self.value[part].tolist(),
                self.quality[part].tolist(),
                strict=True,
            )
        )

    def at_or_after(self, at_ms: int) -> int:
        """The first step that is not before an instant; the last one where all are."""
        return min(int(np.searchsorted(self.instants, at_ms)), len(self) - 1)


def served(history: History, cast: Cast) -> Mapping[str, Track]:
    """The history's tracks with the silences that a replay adds to them."""
    return with_silences(history.header, history.tracks, _groups(cast))


def _groups(cast: Cast) -> Mapping[str, list[tuple[int, list[str]]]]:
    return {played.name: list(polled(_intervals(played), _grouped(played))) for played in cast.devices}


def _intervals(played: Played) -> dict[str, int]:
    declared = played.past.intervals_ms
    return {name: declared.get(name, group.interval_ms) for name, group in played.profile.groups.items()}


def _grouped(played: Played) -> list[tuple[str, str]]:
    """Points of groups in which silence means something."""
    groups = {key: played.profile.points[key].group for key in played.keys}
    return [
        (f"{played.name}/{key}", group)
        for key, group in groups.items()
        if not played.profile.groups[group].occasional
    ]
