"""Viewers are many and ask as one; none of them gets another's answer, nor an old one."""

import asyncio
from collections.abc import Iterable

import psycopg
import pytest

from cloud.accounts.holding import Held
from cloud.live.permits import Standing, Watched
from cloud.live.together import Together
from tests.support import virtual_loop

NOBODY = Watched(None, "demo")
HOLDS = {NOBODY: [Held(role="viewer")]}
GOOD_S = 5.0


class Looks:
    """Looks that take a second, and what each was asked."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []

    async def __call__(self, asked: Iterable[str]) -> dict[str, int]:
        self.asked.append(sorted(asked))
        await asyncio.sleep(1.0)
        return dict.fromkeys(self.asked[-1], len(self.asked))


def test_who_asks_while_somebody_looks_gets_what_the_next_look_finds():
    looks = Looks()

    async def play() -> list[int]:
        together = Together(looks)
        first = [together.ask("a"), together.ask("b"), together.ask("a")]
        await asyncio.sleep(0.5)
        return await asyncio.gather(*first, together.ask("a"), together.ask("c"))

    assert virtual_loop.run(play()) == [1, 1, 1, 2, 2]
    assert looks.asked == [["a", "b"], ["a", "c"]]


def test_one_who_leaves_takes_nobody_s_answer_with_him():
    async def play() -> int:
        together = Together(Looks())
        leaving, staying = together.ask("a"), together.ask("a")
        leaving.cancel()
        return await staying

    assert virtual_loop.run(play()) == 1


def standing(look) -> Standing:
    return Standing(Together(look), NOBODY, permission="live.view", devices=None, good_s=GOOD_S)


async def watch(viewer: Standing, until_s: float) -> list[bool]:
    """Of every half second whether he sees anything; ends where he may not watch any more."""
    woken, seen = asyncio.Event(), []
    while asyncio.get_running_loop().time() < until_s and viewer.look(woken.set):
        seen.append(viewer.may_see)
        await asyncio.sleep(0.5)
    return seen


@pytest.mark.parametrize(
    ("held", "lasting"),
    [
        ([Held(role="viewer")], True),
        ([], False),
        ([Held(role="no-such")], False),
        # He saw all of the site; what he still sees, his page asks for anew.
        ([Held(role="viewer", devices=frozenset({"crane-1"}))], False),
    ],
)
def test_who_holds_his_role_goes_on_and_nobody_else_does_longer_than_one_answer(held, lasting):
    async def look(_: object) -> dict[Watched, list[Held]]:
        return {NOBODY: held}

    async def play() -> list[bool]:
        return await watch(standing(look), 3 * GOOD_S)

    seen = virtual_loop.run(play())
    assert all(seen)
    assert (len(seen) == 6 * GOOD_S) if lasting else (len(seen) <= 2 * GOOD_S)


def test_of_whom_nobody_can_say_whether_he_may_sees_nothing_and_is_not_sent_away():
    is_away = True

    async def look(_: object) -> dict[Watched, list[Held]]:
        if is_away:
            raise psycopg.OperationalError("gone")
        return HOLDS

    async def play() -> tuple[list[bool], list[bool]]:
        nonlocal is_away
        viewer = standing(look)
        before = await watch(viewer, 2 * GOOD_S)
        is_away = False
        return before, await watch(viewer, 3 * GOOD_S)

    before, after = virtual_loop.run(play())
    assert before == [True] * 10 + [False] * 10
    assert after[-1]


def test_an_answer_that_does_not_come_lets_nobody_see_on():
    async def look(_: object) -> dict[Watched, list[Held]]:
        await asyncio.sleep(1_000)
        return HOLDS

    async def play() -> list[bool]:
        return await watch(standing(look), 4 * GOOD_S)

    seen = virtual_loop.run(play())
    assert (all(seen[:10]), any(seen[10:])) == (True, False)
