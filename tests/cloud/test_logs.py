"""Logs as machines read them: one JSON object a line, whatever the text of the event."""

import json
import logging
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud.logs import Json


def written(message: object, *args: object, level: int = logging.WARNING, exc_info=None) -> dict:
    record = logging.LogRecord("x", level, __file__, 1, message, args, exc_info)
    line = Json("ingest").format(record)
    assert "\n" not in line
    return json.loads(line)


def test_what_the_text_names_becomes_a_field():
    told = written("queue full lane=%s turned_away=%d", "alarms", 3)
    assert told["event"] == "queue full"
    assert told["fields"] == {"lane": "alarms", "turned_away": 3}
    assert (told["level"], told["process"]) == ("WARNING", "ingest")
    assert told["at"].endswith("+00:00")


@pytest.mark.parametrize(
    ("message", "args", "event", "fields"),
    [
        ("plain", (), "plain", {}),
        ("gateway %s site=%s", ("is silent", "demo"), "gateway is silent", {"site": "demo"}),
        (
            "retry_s=%.1f at 100%% broker=%s:%d",
            (0.5, "b", 1883),
            "at 100% :1883",
            {"retry_s": 0.5, "broker": "b"},
        ),
        ("path=%r", ("a\nb",), "", {"path": "'a\\nb'"}),
        ("wants more %s %s", ("one",), None, {}),
    ],
)
def test_events_of_all_shapes(message, args, event, fields):
    if event is None:
        with pytest.raises(TypeError):
            written(message, *args)
        return
    told = written(message, *args)
    assert (told["event"], told["fields"]) == (event, fields)


def test_a_traceback_is_a_field():
    try:
        int("wrong\nhere")
    except ValueError:
        told = written("stumbled lane=%s", "alarms", exc_info=sys.exc_info())
    assert "ValueError: invalid literal" in told["fields"]["traceback"]


@given(st.text())
def test_no_stranger_s_text_breaks_a_line(text):
    assert written("topic=%s", text)["fields"] == {"topic": text}
    assert written("said %s", text)["event"] == " ".join(f"said {text}".split())
