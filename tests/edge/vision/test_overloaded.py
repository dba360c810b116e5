"""Eyes that look seldom and not when they should: whoever is there has one alarm for all that."""

import numpy as np
import pytest

from firmware_sim.camera.scene import Scene, Step
from tests.edge.vision.acting import Acted, somebody

UNTIL_S = 60.0
WALKS_M_S = 1.3
LEAST_M = 0.1
MISSED = 0.08
MOST_ALARMS, MOSTLY = 2, 10


def _to_and_fro(random: np.random.Generator, z_m: float) -> list[Step]:
    """Somebody who stands, walks some metres and stands again, always before the camera."""
    at_s, x_m = 0.0, float(random.uniform(-2, 2))
    path: list[Step] = [(at_s, x_m, z_m)]
    while at_s < UNTIL_S:
        at_s += float(random.uniform(2, 12))
        path.append((at_s, x_m, z_m))
        to_m = float(np.clip(x_m + random.uniform(0.5, 3) * random.choice([-1, 1]), -2.3, 2.3))
        if abs(to_m - x_m) >= LEAST_M:
            at_s, x_m = at_s + abs(to_m - x_m) / WALKS_M_S, to_m
            path.append((at_s, x_m, z_m))
    return path


def _acted(people: int, looks_per_s: float, dropped: float, seed: int) -> Acted:
    """Bare heads before eyes that look at irregular instants and drop some looks; one is hidden thrice."""
    random = np.random.default_rng([seed, 3])
    looks_at_s, at_s = [], 0.0
    while at_s < UNTIL_S:
        at_s += float(random.uniform(0.5, 1.5)) / looks_per_s
        if random.random() >= dropped:
            looks_at_s.append(at_s)
    figures = [somebody(f"b{at}", *_to_and_fro(random, 12 + 1.5 * at)) for at in range(people)]
    hides_s = [begins + float(random.uniform(0, 8)) for begins in (12, 26, 40)]
    lasts_s = [float(random.uniform(2, 3.5)) for _ in hides_s]

    def is_hidden(who: str, now_s: float) -> bool:
        return who == "b0" and any(
            since <= now_s < since + lasts for since, lasts in zip(hides_s, lasts_s, strict=True)
        )

    return Acted(
        Scene(figures=figures),
        seed=seed,
        until_s=UNTIL_S,
        looks_at_s=looks_at_s,
        hidden=is_hidden,
        missed=MISSED,
    )


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("people", [1, 2])
def test_each_bare_head_has_one_alarm_however_often_its_track_breaks_off(people: int, seed: int) -> None:
    assert len(_acted(people, 5.0, 0.0, seed).alarms) == people


@pytest.mark.parametrize(("looks_per_s", "dropped"), [(2.0, 0.2), (1.0, 0.2), (0.5, 0.2)])
def test_of_one_bare_head_rare_and_irregular_looks_make_a_second_alarm_but_now_and_then(
    looks_per_s: float, dropped: float
) -> None:
    """Hidden for seconds between looks seconds apart, nobody can always be told from a second one."""
    counts = [len(_acted(1, looks_per_s, dropped, seed).alarms) for seed in range(12)]
    assert max(counts) <= MOST_ALARMS
    assert sum(count > 1 for count in counts) <= 1
    assert counts.count(1) >= MOSTLY
