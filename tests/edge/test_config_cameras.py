"""Cameras in the gateway's file: points and rules that come of them, and what is refused with its mend."""

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from edge.command import describe
from edge.config import load_gateway
from edge.doubts import doubts
from edge.vision import address
from sitewarden.errors import ConfigurationError
from tests.edge.conftest import WriteGateway

HOOK = {"zone": "hook", "outline": [[0, 0.2], [1, 0.2], [1, 1], [0, 1]], "kind": "hook"}
CAMERA: dict[str, Any] = {"camera": "gate", "url": "rtsp://10.0.0.2/stream", "zones": [HOOK]}
MARKS = [{"pixel": [x, y], "ground_m": [10 * x, 10 * y]} for x in (0, 1) for y in (0, 1)]


def with_camera(gateway_dict: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {**gateway_dict, "rules": [*gateway_dict["rules"], "helmets"], "cameras": [{**CAMERA, **changes}]}


def test_a_camera_is_a_device_whose_zones_are_points(
    gateway_dict: dict[str, Any], write_gateway: WriteGateway
) -> None:
    zone = {**HOOK, "duties": ["helmet", "keep_out"], "slots": 2}
    gateway = load_gateway(write_gateway(with_camera(gateway_dict, zones=[zone])))
    camera = next(device for device in gateway.judged if device.name == "gate")
    kinds = {point.p: point.kind for point in camera.points}
    assert kinds["gate/state"] == "camera.state"
    assert {p: kind for p, kind in kinds.items() if p.startswith("gate/hook.")} == {
        "gate/hook.people": "vision.people",
        "gate/hook.bare_1": "vision.bare_head.hook",
        "gate/hook.bare_2": "vision.bare_head.hook",
        "gate/hook.bare_more": "vision.bare_more",
        "gate/hook.intruders": "vision.intruders",
    }
    judged = {(bound.point, bound.rule.rule) for bound in camera.rules}
    assert ("gate/hook.bare_2", "helmet-missing-hook") in judged
    assert ("gate/hook.intruders", "person-in-forbidden-zone") in judged
    assert not any(bound.rule.hazard and bound.rule.hazard.level != "general" for bound in camera.rules)


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"url": "rtsp://me:hush@10.0.0.2/s"}, "url", "password"),
        ({"url": "rtsp://me:1#hush@10.0.0.2/s"}, "url", "password"),
        ({"url": "rtsp://me:hush#@10.0.0.2/s"}, "url", "no address"),
        ({"url": "gopher://10.0.0.2"}, "url", "no known way"),
        ({"url": "rtsp:///s"}, "url", "no host"),
        ({"url": "v4l2:"}, "url", "no device"),
        ({"url": "rtsp://[1"}, "url", "no address"),
        ({"camera": "crane-1"}, "camera", "already a device"),
        ({"password_file": "secret"}, "username", "missing"),
        ({"url": "rtsp://h/{username}"}, "username", "asks for it"),
        ({"url": "rtsp://h/s?pwd={password}", "username": "me"}, "password_file", "asks for it"),
        ({"url": "rtsp://me@h/s?password=hush"}, "url", "password"),
        ({"zones": [HOOK, HOOK]}, "zones.0.zone", "already a zone"),
        ({"zones": [{**HOOK, "outline": [[0, 0], [0.5, 0.5], [1, 1]]}]}, "zones.0.outline", "nothing"),
        ({"zones": [{**HOOK, "duties": ["under_load"]}]}, "zones.0.duties", "where the load hangs"),
        ({"ground": MARKS[:3]}, "ground", "3 marks"),
        ({"ground": MARKS, "hook": {"crane": "crane-9", "radius_m": 3}}, "hook.crane", "no crane"),
        ({"out_of_service": ["hook.bare_9"]}, "out_of_service.0", "not a point"),
    ],
)
def test_what_cannot_be_meant_is_refused_at_its_field(
    gateway_dict: dict[str, Any], write_gateway: WriteGateway, changes: Any, field: str, words: str
) -> None:
    with pytest.raises(ConfigurationError) as refused:
        load_gateway(write_gateway(with_camera(gateway_dict, **changes)))
    assert refused.value.field == f"cameras.0.{field}"
    assert words in refused.value.message
    assert "hush" not in str(refused.value)


FORMS = (
    "rtsp://10.0.0.9/s?user=zoe&password={}",
    "rtsp://10.0.0.9:554/user=zoe&password={}&channel=1&stream=0.sdp?real_stream",
    "rtsp://10.0.0.9/user=zoe_password={}_channel=1_stream=0.sdp",
    "http://[fd00::1]:80/video.cgi?pwd={}&loginuse=zoe#live",
    "http://zoe:{}@10.0.0.9/video",
    "rtsp://10.0.0.9/authbasic={}",
)
ODD = st.lists(
    st.one_of(
        st.text(min_size=1, max_size=6),
        st.sampled_from(
            [*"@#?%/&;:_= '\"[]\\", "/x=", "&x=", "_x=", "?x", "%40", "//", "密码", "pass=", "/user="]
        ),
    ),
    min_size=1,
    max_size=8,
).map("".join)


@pytest.mark.parametrize("form", FORMS)
@given(odd=ODD)
@example(odd="ab/x=cdef")
@example(odd="ab@cdef#ghi?jkl%mno pqr密码密")
@example(odd="////")
def test_of_a_password_in_an_address_nothing_is_shown(form: str, odd: str) -> None:
    assume(not (form.startswith("http://zoe") and re.match("[0-9]+[/?#]", odd)))  # that is a port
    told, frame = address.shown(form.format(odd)), f"{form} {address.USERNAME} {address.PASSWORD}"
    for part in {odd[at : at + 3] for at in range(len(odd) - 2)}:
        assert part not in told or part in frame
    assert address.shown(told) == told


@given(odd=ODD)
def test_a_password_that_is_filled_in_is_shown_nowhere(odd: str) -> None:
    for form in FORMS[:4]:
        asked = form.format(address.PASSWORD)
        assert address.filled(asked, "zoe", odd) != asked
        assert "password" in address.shown(asked)


ASKS = "rtsp://10.0.0.2/{username}?password={password}"


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("rtsp://h/s?user=zoe&password=hush", "rtsp://h/s?user={username}&password={password}"),
        ("rtsp://h:554/user=zoe&password=hu@sh/?&channel=1&stream=0.sdp?real_stream", None),
        ("rtsp://h/user=zoe_password=hush_x_channel=1_stream=0.sdp", None),
        ("http://h/video.cgi?loginuse=zoe&loginpas=hush", None),
        ("http://h/video.cgi?USR=zoe&PWD=hush#1", None),
        ("https://h/flv?port=1935&app=bcs&user=zoe&password=hush", None),
        ("http://h?token=hush", "http://h?token={password}"),
        ("rtsp://h/s?channel=1&authbasic=em9lOmh1c2g=", "rtsp://h/s?channel=1&authbasic={password}"),
        ("http://h/live#password=hush", "http://h/live#password={password}"),
        ("http://h/live?apikey=hush&keyframe=2", "http://h/live?apikey={password}&keyframe=2"),
        ("rtsp://h/s?password=a/x=hush&channel=1", "rtsp://h/s?password={password}…&channel=1"),
        ("rtsp://h/s?password=a&b=hush#?x", "rtsp://h/s?password={password}…"),
        ("rtsp://h/s?password=a_monkey=hush&user=zoe", "rtsp://h/s?password={password}…"),
        ("rtsp://h/s?password=a _x_channel=1&x=hush", "rtsp://h/s?password={password}_channel=1…"),
    ],
)
def test_a_login_in_the_address_is_for_the_camera_and_nobody_else(
    gateway_dict: dict[str, Any], write_gateway: WriteGateway, written: str, shown: str | None
) -> None:
    gateway = load_gateway(write_gateway(with_camera(gateway_dict, url=written)))
    (camera,) = gateway.cameras
    assert camera.address == written
    told = [camera.entry.url, *describe(gateway), *doubts(gateway), repr(camera), repr(camera.entry)]
    told += [repr(camera.layout)]
    assert not any("hush" in text or "zoe" in text for text in told)
    assert shown in {None, camera.entry.url}
    assert any("stands in `url:`" in text for text in doubts(gateway))


def test_a_login_is_put_into_the_address_from_a_file(
    gateway_dict: dict[str, Any], write_gateway: WriteGateway, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text("1 & 1@#\n")
    (tmp_path / "secret").chmod(0o600)
    login = {"username": "zoe", "password_file": "secret"}
    (camera,) = load_gateway(write_gateway(with_camera(gateway_dict, url=ASKS, **login))).cameras
    assert camera.address == "rtsp://10.0.0.2/zoe?password=1%20%26%201@%23"
    assert camera.entry.url == ASKS


def replaying(gateway_dict: dict[str, Any], *urls: str) -> dict[str, Any]:
    file = with_camera(gateway_dict) | {"mode": "replay"}
    file["cameras"] = [{**CAMERA, "camera": f"gate-{i}", "url": url} for i, url in enumerate(urls)]
    return file


def test_in_a_replay_cameras_are_asked_for_what_they_said_and_nothing_looks(
    gateway_dict: dict[str, Any], write_gateway: WriteGateway
) -> None:
    urls = ("replay://127.0.0.1:5021/1", "replay://127.0.0.1:5021/2")
    gateway = load_gateway(write_gateway(replaying(gateway_dict, *urls)))
    assert gateway.cameras == ()
    line = gateway.buses[-1]
    assert [(device.name, device.unit) for device in line.devices] == [("gate-0", 1), ("gate-1", 2)]
    assert {rule.rule.rule for rule in line.devices[0].rules} >= {"helmet-missing-hook", "camera-silent"}
    # It costs no bus more than it holds in truth, and nobody is told of a cloud that pictures need.
    assert not [doubt for doubt in doubts(gateway) if "pictures" in doubt or "bus cameras" in doubt]


def test_in_a_replay_a_bus_may_be_called_as_the_line_of_cameras(
    gateway_dict: dict[str, Any], write_gateway: WriteGateway
) -> None:
    file = replaying(gateway_dict, "replay://127.0.0.1:5021/1")
    file["buses"][0]["bus"] = "cameras"
    names = [bus.name for bus in load_gateway(write_gateway(file)).buses]
    assert names.count("cameras") == 1
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    ("urls", "field", "words"),
    [
        (["rtsp://10.0.0.2/stream"], "cameras.0.url", "no camera of a replay"),
        (["replay://127.0.0.1/1"], "cameras.0.url", "no camera of a replay"),
        (["replay://127.0.0.1:5021/0"], "cameras.0.url", "no camera of a replay"),
        (["replay://127.0.0.1:5021/1"] * 2, "cameras.1.url", "already another camera"),
        (["replay://[::1]:1/1", "replay://[::1]:2/2"], "cameras.1.url", "another address"),
    ],
)
def test_in_a_replay_no_real_camera_is_looked_at(
    gateway_dict: dict[str, Any], write_gateway: WriteGateway, urls: list[str], field: str, words: str
) -> None:
    with pytest.raises(ConfigurationError, match=words) as refused:
        load_gateway(write_gateway(replaying(gateway_dict, *urls)))
    assert refused.value.field == field


def test_a_replays_address_is_none_of_a_camera_that_is_looked_at(
    gateway_dict: dict[str, Any], write_gateway: WriteGateway
) -> None:
    with pytest.raises(ConfigurationError, match="no known way"):
        load_gateway(write_gateway(with_camera(gateway_dict, url="replay://127.0.0.1:5021/1")))


@pytest.mark.parametrize("address", ["https://cloud.example.org", "http://127.0.0.1:8080"])
def test_pictures_go_to_a_cloud_beside_a_password_too(
    gateway_dict: dict[str, Any], write_gateway: WriteGateway, address: str
) -> None:
    gateway_dict["broker"] |= {"cloud": address}
    gateway = load_gateway(write_gateway(with_camera(gateway_dict)))
    assert gateway.broker.cloud == address


@pytest.mark.parametrize(
    "address", ["http://cloud.example.org", "cloud.example.org", "https://", "http://[1"]
)
def test_pictures_do_not_travel_in_the_clear(
    gateway_dict: dict[str, Any], write_gateway: WriteGateway, address: str
) -> None:
    gateway_dict["broker"] |= {"cloud": address}
    with pytest.raises(ConfigurationError) as refused:
        load_gateway(write_gateway(with_camera(gateway_dict)))
    assert refused.value.field == "broker.cloud"
    assert "https://" in refused.value.mend


def test_a_cloud_that_nothing_goes_to_is_refused(
    gateway_dict: dict[str, Any], write_gateway: WriteGateway
) -> None:
    gateway_dict["broker"] |= {"cloud": "https://cloud.example.org"}
    with pytest.raises(ConfigurationError, match="neither"):
        load_gateway(write_gateway(gateway_dict))


def test_a_model_is_one_that_ships_or_a_card_of_the_machines_own(
    gateway_dict: dict[str, Any], write_gateway: WriteGateway
) -> None:
    own = with_camera(gateway_dict) | {"vision": {"detector": "models/ours.json"}}
    file = write_gateway(own)
    gateway = load_gateway(file)
    assert gateway.vision.detector == str(file.parent / "models" / "ours.json")
    assert gateway.vision.smaller == "helmet-320"
    (doubt,) = (doubt for doubt in doubts(gateway) if "looks instead" in doubt)
    assert "ours.json: cannot be read" in doubt
    with pytest.raises(ConfigurationError, match="Did you mean `helmet-416`") as raised:
        load_gateway(write_gateway(own | {"vision": {"detector": "helmet-461"}}))
    assert raised.value.field == "vision.detector"
