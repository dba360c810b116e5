"""JSON bodies and the pointers into them."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.drivers.jsonbody import decoder, look, steps
from edge.drivers.speaking import NEVER, NotUnderstoodError
from sitewarden.profiles.model import JsonProfile

# The document of RFC 6901, section 5, and what its pointers lead to.
RFC = {
    "foo": ["bar", "baz"],
    "": 0,
    "a/b": 1,
    "c%d": 2,
    "e^f": 3,
    "g|h": 4,
    "i\\j": 5,
    'k"l': 6,
    " ": 7,
    "m~n": 8,
}
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["a", "time", "n"]), inner),
    max_leaves=12,
)


def profile(point: dict[str, Any], **spoken: Any) -> JsonProfile:
    return msgspec.convert(
        {
            "driver": "json",
            "profile": "own",
            "version": 1,
            "device_kind": "other",
            "products": [],
            "source": "test",
            "verified": "simulator",
            "json": spoken,
            "groups": {"main": {"interval_ms": 1000}},
            "points": {"a": {"kind": "people.inside", "unit": "1", "pointer": "/a", **point}},
        },
        JsonProfile,
    )


@pytest.mark.parametrize(
    ("pointer", "value"),
    [
        ("", RFC),
        ("/foo", ["bar", "baz"]),
        ("/foo/0", "bar"),
        ("/", 0),
        ("/a~1b", 1),
        ("/c%d", 2),
        ("/e^f", 3),
        ("/g|h", 4),
        ("/i\\j", 5),
        ('/k"l', 6),
        ("/ ", 7),
        ("/m~0n", 8),
    ],
)
def test_pointers_lead_where_the_standard_says(pointer: str, value: Any) -> None:
    assert look(RFC, steps(pointer)) == value


@pytest.mark.parametrize("pointer", ["/foo/2", "/foo/-", "/foo/00", "/foo/-1", "/nobody", "/a~1b/0"])
def test_a_pointer_to_nothing_says_nothing(pointer: str) -> None:
    with pytest.raises(NotUnderstoodError):
        decoder(profile({"pointer": pointer}))(json.dumps(RFC).encode())


@pytest.mark.parametrize(
    ("point", "written", "value"),
    [
        ({}, "3", 3.0),
        ({}, '"3.5"', 3.5),
        ({}, "true", 1.0),
        ({"scale": 0.1}, "31", 3.1),
        ({"words": {"in": 1, "2": -1}}, '"in"', 1.0),
        ({"words": {"in": 1, "2": -1}}, "2", -1.0),
        ({"count_where": {"/zone": "pit"}}, '[{"zone": "pit"}, {"zone": "yard"}, 5]', 1.0),
        ({"count_where": {}}, "[1, 2]", 2.0),
        ({}, "null", "sentinel"),
        ({"sentinels": [-1]}, "-1", "sentinel"),
        ({"sentinels": ["off"]}, '"off"', "sentinel"),
        ({}, '"three"', "not_a_number"),
        ({}, '"NaN"', "not_a_number"),
        ({}, "[1]", "not_a_number"),
        ({"range": [0, 5]}, "6", "out_of_range"),
        ({}, "1e39", "out_of_range"),
        ({}, "-1e308", "out_of_range"),
    ],
)
def test_what_is_written_there_becomes_a_value_or_the_reason_why_not(
    point: dict[str, Any], written: str, value: float | str
) -> None:
    told = decoder(profile(point))(f'{{"a": {written}}}'.encode())
    ((_, found, quality),) = told.values
    assert (quality.word if found is None else found) == value


@pytest.mark.parametrize(
    ("spoken", "written", "said"),
    [
        ({"time": "/t"}, '"2026-05-04T08:00:00+08:00"', "2026-05-04T08:00:00+08:00"),
        ({"time": "/t", "time_form": "seconds"}, "1777852800", "2026-05-04T00:00:00+00:00"),
        ({"time": "/t", "time_form": "milliseconds"}, '"1777852800500"', "2026-05-04T00:00:00.500000+00:00"),
        ({"time": "/t", "time_form": "local"}, '"2026-05-04 08:00:00"', "2026-05-04T08:00:00"),
        ({"time": "/t"}, '"yesterday"', NEVER.isoformat()),
        ({"time": "/t"}, "null", NEVER.isoformat()),
        ({"time": "/t", "time_form": "seconds"}, "1e300", NEVER.isoformat()),
    ],
)
def test_instants_are_read_in_the_form_that_the_profile_names(
    spoken: dict[str, Any], written: str, said: str
) -> None:
    at = decoder(profile({}, **spoken))(f'{{"a": 1, "t": {written}}}'.encode()).at
    assert at is not None
    assert at.isoformat() == said


@given(st.binary(max_size=200) | ANYTHING.map(lambda body: json.dumps(body).encode()))
def test_whatever_the_body_is_it_is_told_or_not_understood(body: bytes) -> None:
    decode = decoder(profile({}, time="/time", id="/n"))
    try:
        told = decode(body)
    except NotUnderstoodError:
        return
    assert [key for key, _, _ in told.values] == ["a"]


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"a":' * 50_000, b"", b"\xff\xfe", b'{"a": NaN}'])
def test_bodies_made_to_hurt_are_not_understood(body: bytes) -> None:
    with pytest.raises(NotUnderstoodError):
        decoder(profile({}))(body)
