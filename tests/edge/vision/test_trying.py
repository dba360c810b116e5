"""What an installer is told of a camera: by `edge camera test`, by `edge check` and by the doctor."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from edge.command import describe
from edge.config import load_gateway
from edge.doctor.cameras import camera_results
from edge.doctor.service import agent_account
from edge.vision.sanity import State
from edge.vision.trying import Found, described, tried
from firmware_sim.camera.model import Camera
from firmware_sim.camera.serving import serving
from sitewarden.cli import main
from sitewarden.errors import SiteWardenError
from tests.edge.conftest import WriteGateway


async def test_a_camera_that_shows_something_is_said_to(capsys: pytest.CaptureFixture[str]) -> None:
    async with serving(Camera(camera="c", fps=10, width=1280, height=720), Path()) as url:
        arguments = ["edge", "camera", "test", url, "--seconds", "1"]
        assert await asyncio.to_thread(main, arguments) == 0
    told = capsys.readouterr().out
    assert "1280 x 720 pixels" in told
    assert "at most 16 m from left to right" in told
    assert "it shows something" in told


def test_a_camera_that_is_not_there_is_said_and_its_login_is_not(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("hush\n")
    arguments = ["http://127.0.0.1:1/s", "--username", "me", "--password-file", str(secret)]
    assert main(["edge", "camera", "test", *arguments]) == 1
    captured = capsys.readouterr()
    assert "cannot be reached" in captured.out
    assert "hush" not in captured.out + captured.err


@pytest.mark.parametrize("url", ["192.168.1.2", "gopher://h/hush"])
def test_an_address_that_begins_in_no_known_way_is_told_which_there_are(
    capsys: pytest.CaptureFixture[str], url: str
) -> None:
    assert main(["edge", "camera", "test", url]) == 1
    told = capsys.readouterr().out
    assert "begin it with rtsp://" in told
    assert "hush" not in told


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("rtsp://me:hush@h/s", "out of the address"),
        ("rtsp://h/s?user=me&pwd=hush", "write {username}"),
        ("rtsp://[", "no address"),
    ],
)
def test_a_login_in_the_address_is_refused_and_not_repeated(url: str, words: str) -> None:
    with pytest.raises(SiteWardenError, match=words) as refused:
        tried(url, None, None, 1)
    assert "hush" not in str(refused.value)


def test_what_may_be_wrong_is_told_with_what_to_do() -> None:
    found = Found(0.5, 1.0, (640, 360), 20, 1.0, 0.9, 3, State.TORN, "the camera hung up")
    told = "\n".join(described(found))
    for words in ("broke off: the camera hung up", "that is few", "too slow", "3 pictures", "torn"):
        assert words in told
    assert not found.is_usable


async def test_check_and_doctor_know_the_cameras(
    gateway_dict: dict[str, Any], write_gateway: WriteGateway, tmp_path: Path
) -> None:
    film = tmp_path / "film.avi"
    film.touch()
    async with serving(Camera(camera="c"), Path()) as url:
        zone = {"zone": "hook", "outline": [[0, 0], [1, 0], [1, 1]]}
        cameras = [
            {"camera": "gate", "url": url, "zones": [zone]},
            {"camera": "gone", "url": "rtsp://127.0.0.1:1/s"},
            {"camera": "film", "url": "file:film.avi"},
            {"camera": "none", "url": "v4l2:/dev/no-video"},
        ]
        gateway = load_gateway(write_gateway({**gateway_dict, "cameras": cameras}))
        results = await asyncio.to_thread(
            lambda: list(camera_results(gateway, agent_account(None, gateway.data_dir)))
        )
    statuses = {result.subject: result.status for result in results}
    assert statuses == {"": "ok", "gate": "ok", "gone": "unreachable", "film": "ok", "none": "finding"}
    told = "\n".join(describe(gateway))
    assert f"device gate: camera, {url}, 5 looks/s, zones hook" in told
