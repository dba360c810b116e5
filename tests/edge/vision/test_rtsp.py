"""RTSP as cameras have it: with a login, and with pictures that pile up on their way."""

import random
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from edge.vision.sources import LOCKS_S
from edge.vision.sources.lag import CREEP, Lag
from edge.vision.sources.login import authorization
from edge.vision.sources.video import MOST_LATE_S
from firmware_sim.camera import film
from firmware_sim.camera.feed import Feed
from firmware_sim.camera.model import Camera, CameraFault, Login
from firmware_sim.camera.rtsp import RtspServer, missing
from firmware_sim.camera.rtsp_film import FilmServer
from firmware_sim.camera.serving import serving
from sitewarden.quality import Quality
from tests.edge.vision.test_capture import SECRET, failed, looking, public, refused, run, seen, why
from tests.support.left_out import leave_out_optional

WALKER = Path(__file__).parents[2] / "support" / "walker.h264"
USER, OTHER = "viewer of hush", "hush"


def camera_of(**more: Any) -> Camera:
    return Camera(camera="gate", transport="rtsp", source=f"film:{WALKER}", fps=10, **more)


@asynccontextmanager
async def playing(**more: Any) -> AsyncIterator[FilmServer]:
    async with FilmServer(camera_of(**more), film.load(WALKER)) as server:
        yield server


def login(way: Any) -> Login:
    return Login(username=USER, password=SECRET, way=way)


@pytest.mark.parametrize("way", ["basic", "digest"])
async def test_who_has_the_password_sees_and_nobody_else_and_it_is_told_nowhere(way: str) -> None:
    async with playing(login=login(way)) as server:
        async with looking(server.address, username=USER, password=SECRET) as looker:
            await run(looker, seen(3))
            assert looker.frames[-1].pixels.shape == (120, 160, 3)
            assert "hush" not in public(looker.capture.pid).decode("latin-1")
        assert server.refused == 0
        # A wrong one is tried once, for cameras count: then the camera is left alone.
        async with looking(server.address, username=USER, password=OTHER) as looker:
            await run(looker, failed)
            assert "refused" in why(looker).text
            assert why(looker).quality is Quality.EXCEPTION
            assert why(looker).rests_s == LOCKS_S
            assert "hush" not in repr(looker.said)
        assert server.refused == 1
        refusal = await refused(server.address)
        assert "asks for a name" in str(refusal)
        assert refusal.rests_s == 0


async def test_a_login_in_the_query_goes_to_the_camera_alone() -> None:
    async with playing(login=login("query")) as server:
        url, right = f"{server.address}?user={{username}}&password={{password}}", quote(SECRET, safe="")
        whole = f"{server.address}?user={quote(USER)}&password={right}"
        async with looking(url, address=whole) as looker:
            await run(looker, seen(1))
            assert "hush" not in public(looker.capture.pid).decode("latin-1")
            assert "hush" not in f"{looker.said} {looker.capture.order}"
        refusal = await refused(url, address=whole[:-1])
        assert "refused" in str(refusal)
        assert "hush" not in str(refusal)


@pytest.fixture
def gstreamer() -> None:
    lacking = missing()
    if lacking is not None:
        leave_out_optional(lacking)


@pytest.mark.service
@pytest.mark.parametrize("way", ["basic", "digest"])
async def test_another_maker_s_server_understands_the_login_too(gstreamer: None, way: str) -> None:
    camera = Camera(camera="gate", transport="rtsp", codec="jpeg", login=login(way))
    async with serving(camera, Path()) as url:
        async with looking(url, username=USER, password=SECRET) as looker:
            await run(looker, seen(1))
        assert "refused" in str(await refused(url, username=USER, password=OTHER))
        assert "asks for a name" in str(await refused(url))


@pytest.mark.service
async def test_who_serves_it_shows_the_login_to_nobody_at_the_machine(gstreamer: None) -> None:
    camera = Camera(camera="gate", transport="rtsp", codec="jpeg", login=login("digest"))
    async with RtspServer(Feed(camera, Path())) as server:
        assert server.pid is not None
        assert "hush" not in public(server.pid).decode("latin-1")


def test_a_login_is_what_the_standards_say_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    # RFC 7616, 3.9.1; RFC 7617, 2.
    monkeypatch.setattr("secrets.token_hex", lambda _: "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ")
    demand = 'realm="http-auth@example.org", qop="auth, auth-int", algorithm={}, nonce="{}", opaque="FQhe"'
    nonce = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"
    for algorithm, response in (
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ):
        asked = "GET", "/dir/index.html", "Mufasa", "Circle of Life"
        said = authorization(["Basic realm=x", "Digest " + demand.format(algorithm, nonce)], *asked)
        assert said is not None
        assert f'response="{response}"' in said
        assert f"algorithm={algorithm}" in said
    basic = authorization(['Basic realm="x"'], "DESCRIBE", "/", "Aladdin", "open sesame")
    assert basic == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="
    assert authorization(['Digest algorithm="other", realm="x"', "Bearer"], "DESCRIBE", "/", "a", "b") is None


async def test_pictures_that_a_camera_holds_back_are_late_until_it_has_caught_up() -> None:
    # Again and again, for nobody knows how long a busy machine takes to begin.
    held = CameraFault(fault="late", at_s=2, for_s=3, every_s=6, late_s=2)
    async with playing(faults=[held]) as server, looking(server.address) as looker:
        await run(looker, lambda _, frames: bool(frames) and frames[-1].late_s > 1.5)
        late = looker.frames[-1]
        await run(looker, lambda _, frames: frames[-1].late_s < 1.0)
        assert looker.frames[-1].at_s > late.at_s
        # Looks are in the order of what happened, however late they come.
        instants = [frame.at_s for frame in looker.frames]
        assert instants == sorted(instants)


def test_how_late_pictures_are_is_said_beside_the_soonest() -> None:
    lag = Lag()
    assert lag.of(0.0, 1000.0) == 0
    assert lag.of(0.04, 1000.5) == 0  # so the first few of a stream that begins with what is past
    assert lag.of(1.04, 1000.6) == 0  # the soonest so far
    assert lag.of(2.04, 1004.6) == pytest.approx(3.0, abs=0.01)
    assert lag.of(6.04, 1005.7) == pytest.approx(0.1, abs=0.01)
    # Another beginning.
    assert lag.of(1.0, 1006.0) == 0
    assert lag.of(1.1, 1007.0) == pytest.approx(0.9, abs=0.01)


def test_a_clock_that_goes_a_little_wrong_makes_nobody_late_and_without_stamps_nobody_is() -> None:
    wrong, none = Lag(), Lag()
    lates = [wrong.of(1 + tenth * 0.1 * (1 - CREEP / 2), 50 + tenth * 0.1) for tenth in range(36_000)]
    assert max(lates) < 0.01
    assert max(none.of(0.0, at_s) for at_s in range(100)) == 0


def told(going: Iterable[tuple[float, float]]) -> list[float]:
    """How late pictures are said to be, by their stamps and when they came."""
    lag = Lag()
    return [lag.of(stamp_s, came_s) for stamp_s, came_s in going]


def going(
    rate: Callable[[float], float], late: Callable[[float], float], seconds: float, begins_s: float = 1.0
) -> Iterator[tuple[float, float]]:
    """Ten pictures a second; how fast the camera's clock goes and how late they come, by the true time."""
    shaking, stamp_s = random.Random(7), begins_s
    for tenth in range(round(seconds * 10)):
        at_s = tenth / 10
        yield stamp_s, 5000 + at_s + late(at_s) + shaking.expovariate(50)
        stamp_s += rate(at_s) / 10


def never(_: float) -> float:
    return 0.0


@pytest.mark.parametrize("rate", [0.98, 0.99, 1.01, 1.02])
def test_a_clock_that_goes_wrong_by_percents_makes_nobody_late_for_long(rate: float) -> None:
    lates = told(going(lambda _: rate, never, 3600))
    assert max(lates) < 1.6
    assert max(lates[700:]) < 0.3


@pytest.mark.parametrize("rate", [0.98, 1.0, 1.02])
def test_pictures_that_stay_late_are_late_for_as_long_however_the_clock_goes(rate: float) -> None:
    lates = told(going(lambda _: rate, lambda at_s: 4.0 if at_s > 300 else 0.0, 900))
    assert max(lates[700:3000]) < 0.3
    assert 3.5 < min(lates[3001:]) <= max(lates[3001:]) < 4.5


@pytest.mark.parametrize("rate", [0.98, 1.0, 1.02])
@pytest.mark.parametrize("grows", [0.05, 0.1, 0.5])
def test_what_piles_up_faster_than_any_clock_goes_wrong_is_seen(rate: float, grows: float) -> None:
    lates = told(going(lambda _: rate, lambda at_s: max(0.0, grows * (at_s - 300)), 300 + 11 / grows))
    assert lates[-1] > MOST_LATE_S


def test_what_piles_up_slowly_and_not_evenly_as_the_picture_has_it_is_seen() -> None:
    def piles(at_s: float) -> float:
        # Half a minute of much to be seen, half a minute of little.
        return 0.6 * ((at_s + 30) // 60) + 0.04 * min(0, (at_s + 30) % 60 - 15)

    lates = told(going(lambda _: 1.0, piles, 1200))
    assert lates[-1] > MOST_LATE_S


def test_what_is_worked_off_slowly_is_late_until_it_is_worked_off() -> None:
    lates = told(
        going(lambda _: 1.0, lambda at_s: max(0.0, 6 - 0.02 * (at_s - 100)) if at_s > 100 else 0, 900)
    )
    assert all(
        abs(late - (6 - 0.02 * (at / 10 - 100))) < 0.6 for at, late in enumerate(lates) if 1001 < at < 4000
    )
    assert max(lates[4200:]) < 0.3


def test_a_clock_that_is_set_right_is_followed() -> None:
    lates = told(going(lambda at_s: 0.98 if at_s < 600 else 1.0, never, 1200))
    lates += told(going(lambda at_s: 1.02 if at_s < 600 else 1.0, never, 1200))
    assert max(lates) < 1.8
    assert max(lates[700:6000] + lates[6700:12_000]) < 0.3


def test_a_clock_that_jumps_begins_anew() -> None:
    ahead = [(stamp + (3600 if came > 5300 else 0), came) for stamp, came in going(lambda _: 1.0, never, 600)]
    back = [(stamp - (250 if came > 5300 else 0), came) for stamp, came in going(lambda _: 1.0, never, 600)]
    assert max(told(ahead) + told(back)) < 0.3


@pytest.mark.parametrize("wrap_s", [2**32 / 90_000, 2**33 / 90_000])
def test_stamps_that_begin_again_at_their_end_leave_pictures_as_late_as_they_are(wrap_s: float) -> None:
    def piles(at_s: float) -> float:
        return 3.0 if at_s > 50 else 0.0

    begun = going(lambda _: 1.0, piles, 200, begins_s=wrap_s - 100)
    lates = told((stamp % wrap_s, came) for stamp, came in begun)
    assert 2.7 < min(lates[501:]) <= max(lates[501:]) < 3.3


def test_a_film_is_its_pictures_in_packets(tmp_path: Path) -> None:
    shown = film.load(WALKER)
    assert len(shown.pictures) == 20
    assert shown.keys == [0]
    assert max(len(content) for picture in shown.pictures for content in picture) <= film.LONGEST
    nothing = tmp_path / "nothing.h264"
    nothing.write_bytes(b"\0\0\1\x41abc")
    with pytest.raises(film.SiteWardenError, match="begins with a whole picture"):
        film.load(nothing)
