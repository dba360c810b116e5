"""RTSP as cameras have it: with a login, and with pictures that pile up on their way."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from edge.vision.sources import LOCKS_S
from edge.vision.sources.lag import CREEP, Lag
from edge.vision.sources.login import authorization
from firmware_sim.camera import film
from firmware_sim.camera.model import Camera, CameraFault, Login
from firmware_sim.camera.rtsp import missing
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


def test_a_film_is_its_pictures_in_packets(tmp_path: Path) -> None:
    shown = film.load(WALKER)
    assert len(shown.pictures) == 20
    assert shown.keys == [0]
    assert max(len(content) for picture in shown.pictures for content in picture) <= film.LONGEST
    nothing = tmp_path / "nothing.h264"
    nothing.write_bytes(b"\0\0\1\x41abc")
    with pytest.raises(film.SiteWardenError, match="begins with a whole picture"):
        film.load(nothing)
