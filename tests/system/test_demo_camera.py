"""The demo with its camera: the yard is drawn, the shipped detector looks, the cloud hears of one alarm.

Everything is real: broker, cloud, gateway, the eyes and their detector, MJPEG. The scene goes on by its own
pictures, so that a machine that draws slowly shows the same; each step waits for a state, and for no instant.
"""

import hashlib
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from firmware_sim.demo.listeners import ApiClient
from firmware_sim.demo.processes import sitewarden
from firmware_sim.demo.running import HOST, RunningSite, prepare_folder
from firmware_sim.demo.site import SCENE, SiteConfiguration, demo_site
from sitewarden.cameras import TELL_S

cv2 = pytest.importorskip("cv2")
pytest.importorskip("onnxruntime")
pytestmark = [pytest.mark.service, pytest.mark.timeout(600)]

STATE_S = 120.0
"""So long a state may take to come on a machine that is busy with others."""
PACK, GOES, STAYS = "helmets-soon.yaml", "goes", "stays"
BARE, STATE = "yard/hook.bare_1", "yard/state"


def _scene(*, somebody_is_bare: bool) -> str:
    """The demo's yard, longer: light goes down and up, and who is bare walks in and stays under the hook."""
    scene = yaml.safe_load(dict(demo_site().scenes)[SCENE])
    bare = next(figure for figure in scene["figures"] if figure["figure"] == "b1")
    # Slowly, and then to and fro: a machine that looks but once a second finds him where he was.
    to_and_fro = [[7 + 1.5 * i, -3.4 + 0.25 * (i % 2), 10.4] for i in range(400)]
    bare |= {"path": [[1, -4.4, 10.4], *to_and_fro]}
    # People with helmets come and go beside the crate, before it and behind it: its cap must stay a thing.
    helmeted = [figure for figure in scene["figures"] if figure is not bare]
    scene["figures"] = [*helmeted, bare] if somebody_is_bare else helmeted
    scene["lights"] = [{"at_s": 9 + 4 * i, "gain": 1.0 if i % 2 else 0.55} for i in range(150)]
    return yaml.safe_dump(scene | {"seconds": 600})


def _scenario(scene: str, port: int) -> str:
    size = {"width": 1280, "height": 720}
    camera = {"camera": "yard", "source": f"scene:{scene}", "fps": 4, "port": port, **size}
    return yaml.safe_dump({"scenario": "yard", "seed": 1, "buses": [], "cameras": [camera]})


def _pack() -> str:
    """The shipped pack, but that nobody has to wait for a minute until a cut cable is an alarm."""
    shipped = yaml.safe_load(Path("sitewarden/rules/packs/helmets.yaml").read_text(encoding="utf-8"))
    (silent,) = [rule for rule in shipped["rules"] if rule["rule"] == "camera-silent"]
    assert silent["condition"] == {"when": "stale", "after_s": 60}
    # A camera that sees says so every ten seconds, and later where the machine is busy.
    silent |= {"condition": {"when": "stale", "after_s": 3 * TELL_S}, "off_delay_s": 2}
    return yaml.safe_dump(shipped, allow_unicode=True)


class _Yard(RunningSite):
    """The demo's programs without its cranes; the camera's cable is plugged in by `show`."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind((HOST, 0))
            port: int = probe.getsockname()[1]
        self._address = f"http://{HOST}:{port}/yard.mjpg"
        demo = demo_site()
        head, cameras, tail = demo.gateway.partition("\ncameras:\n")
        first, _, _ = head.partition("\nrules: ")
        configuration = SiteConfiguration(
            site=demo.site,
            gateway_id=demo.gateway_id,
            scenario=_scenario("bare.yaml", port),
            gateway=f"{first}\nrules: [{PACK}]{cameras}{tail}",
            cloud=demo.cloud,
            scenes={
                "bare.yaml": _scene(somebody_is_bare=True),
                "calm.yaml": _scene(somebody_is_bare=False),
                GOES: _scenario("bare.yaml", port),
                STAYS: _scenario("calm.yaml", port),
                PACK: _pack(),
            },
        )
        super().__init__(folder, configuration)

    def _start_simulator(self) -> dict[str, int | str]:
        self.files.write_scenario()
        self.show(STAYS)
        return {"yard": self._address}

    def show(self, scenario: str) -> None:
        """From its first picture on."""
        self._run("simulator", sitewarden("sim", "run", self.files.folder / scenario))


@pytest.fixture
def yard(tmp_path: Path) -> Iterator[_Yard]:
    folder = tmp_path.resolve() / "site"
    prepare_folder(folder, wipe=False)
    with _Yard(folder) as site:
        yield site


def _until(site: _Yard, is_so: Callable[[], Any], what: str) -> Any:
    """What it comes to, once it is anything."""
    ends = time.monotonic() + STATE_S
    while not (found := is_so()):
        site.check()
        logs = "\n".join((site.files.folder / f"{name}.log").read_text()[-2000:] for name in ("gateway",))
        assert time.monotonic() < ends, f"{what} did not come\n{logs}"
        time.sleep(0.25)
    return found


def test_a_bare_head_under_the_hook_is_one_alarm_one_picture_one_candidate_and_a_cut_cable_is_told(
    yard: _Yard,
) -> None:
    api = ApiClient(HOST, yard.web_port)
    api.sign_in_to_demo()

    def value(point: str) -> float | None:
        found = api.get("/sites/demo/values")["values"].get(point)
        return None if found is None else found["value"]

    def alarms(kind: str) -> list[dict[str, Any]]:
        found = api.get("/sites/demo/alarms?state=all&device=yard")["items"]
        return [alarm for alarm in found if alarm["kind"].startswith(kind)]

    def silent(*, standing: bool = False) -> list[dict[str, Any]]:
        found = [alarm for alarm in alarms("camera.") if alarm["rule"] == "camera-silent"]
        return [alarm for alarm in found if alarm["cleared_at"] is None or not standing]

    # People with helmets, a cap and a helmet on a crate, a light that goes down and up again.
    _until(yard, lambda: value(STATE) == 0 and value("yard/hook.people"), "people with helmets")
    assert alarms("vision.") == []
    # Somebody walks in bare-headed.
    yard.stop_program("simulator")
    yard.show(GOES)
    _until(yard, lambda: value(BARE) == 1, "the bare head on the camera's tile")
    alarm = _until(yard, lambda: alarms("vision."), "its alarm")[-1]
    assert (alarm["rule"], alarm["level"]) == ("helmet-missing-hook", 3)
    _check_picture(yard, api, alarm["id"])
    (hazard,) = _until(yard, lambda: hazards(api), "its hazard")
    assert (hazard["device"], hazard["status"], hazard["level"]) == ("yard", "candidate", "general")
    # On a busy machine the camera was late, and that was an alarm too: it is over first.
    _until(yard, lambda: not silent(standing=True), "a camera that sees")
    before = len(silent())
    # The cable is cut, and plugged in again: nobody is bare-headed then.
    yard.stop_program("simulator")
    _until(yard, lambda: len(silent()) > before, "the alarm of the cut cable")
    assert value(BARE) is None
    yard.show(STAYS)
    _until(yard, lambda: not silent(standing=True), "its end")
    _until(yard, lambda: all(one["cleared_at"] for one in alarms("vision.")), "the end of the bare head's")
    # Eyes that may look but now and then lose whom they follow, and say that they cannot keep up.
    rules = {one["rule"] for one in alarms("vision.")}
    assert rules - {"helmets-missing-many"} == {"helmet-missing-hook"}
    if "left out to keep up" not in (yard.files.folder / "gateway.log").read_text(encoding="utf-8"):
        assert [one["id"] for one in alarms("vision.")] == [alarm["id"]]
    assert [one["id"] for one in hazards(api)] == [hazard["id"]]


def hazards(api: ApiClient) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api.get("/sites/demo/hazards?status=all&limit=200")["items"]
    return found


def _check_picture(yard: _Yard, api: ApiClient, episode: str) -> None:
    """It came to the cloud whole, and of the face that the alarm is about no more is left than some cells."""

    def kept(kind: str) -> dict[str, Any] | None:
        found = api.get(f"/sites/demo/alarms/{episode}/pictures")["items"]
        return next((one for one in found if one["kind"] == kind and one["state"] == "kept"), None)

    snapshot = _until(yard, lambda: kept("snapshot"), "its picture")
    assert not _until(yard, lambda: kept("clip"), "the seconds around it")["unredacted"]
    connection, answer = api.open(f"/api/v1/sites/demo/pictures/{snapshot['id']}/file")
    content = answer.read()
    connection.close()
    assert hashlib.sha256(content).hexdigest() == snapshot["sha256"]
    assert not snapshot["unredacted"]
    pixels = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    assert pixels.shape == (720, 1280, 3)
    left, top, right, bottom = (
        round(share * size) for share, size in zip(snapshot["about"]["box"], (1280, 720) * 2, strict=True)
    )
    face = pixels[(top + bottom + 1) // 2 : bottom, left:right].astype(float)
    # Noise of three grey levels lies on all that the camera sees, and on no smeared cell but at its edges.
    rough = np.median(np.abs(np.diff(face, axis=1)))
    ground = pixels[600:700, 300:900].astype(float)
    assert rough < np.median(np.abs(np.diff(ground, axis=1))), "the face is as sharp as the ground"
