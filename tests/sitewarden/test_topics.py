"""Topics are built and taken apart the same way; strangers are refused."""

import pytest

from sitewarden import topics
from sitewarden.errors import MessageError


def test_a_topic_comes_apart_as_it_was_put_together() -> None:
    assert topics.parse(topics.up("live", "north", "gw-1", "alarms")) == (
        "live",
        "north",
        "gw-1",
        "up",
        "alarms",
    )
    assert topics.parse(topics.down("drill", "n", "g", "receipts")) == ("drill", "n", "g", "down", "receipts")


@pytest.mark.parametrize(
    "topic",
    [
        "",
        "sw/1/live/a/b/up",
        "sw/2/live/a/b/up/alarms",
        "sw/1/Live/a/b/up/alarms",
        "sw/1/live/a/b/up/receipts",
        "sw/1/live/a/b/down/alarms",
        "sw/1/live/a/b/sideways/alarms",
        "sw/1/live/A/b/up/alarms",
        "sw/1/live/a/b$/up/alarms",
        "sw/1/live/-a/b/up/alarms",
        "sw/1/live/a/b/up/alarms/x",
    ],
)
def test_a_foreign_topic_is_refused(topic: str) -> None:
    with pytest.raises(MessageError, match="topic"):
        topics.parse(topic)
