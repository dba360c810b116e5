"""`gateway.yaml` gets another identity and broker, and is otherwise as people wrote it."""

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from edge.enrolment.gateway_file import NEW_FILE, rewritten, told
from sitewarden.errors import ConfigurationError

FILE = Path("gateway.yaml")
VALUES = {
    "site": "my-site",
    "gateway": "gw-1",
    "broker": {"host": "broker.example.org", "port": 8883, "username": "my-site/gw-1", "password_file": "p"},
}
BY_HAND = """\
# Gate 3, box on the wall
site: other            # until the code comes
mode: test
broker:                # of the office
  host: 10.0.0.1
  # port: 1883
  username: other/gw-1

# below the broker
gateway: gw-9
rules: [tower-crane]   # one line
buses:
  - bus: crane-1
    devices: []
# the end
"""


def test_comments_and_all_other_lines_stay():
    after = rewritten(BY_HAND, VALUES, FILE)
    assert yaml.safe_load(after) == {**yaml.safe_load(BY_HAND), **VALUES}
    for comment in ("# Gate 3", "# until the code comes", "# below the broker", "# one line", "# the end"):
        assert comment in after
    assert "10.0.0.1" not in after
    assert rewritten(after, VALUES, FILE) == after


@pytest.mark.parametrize(
    "text",
    [
        NEW_FILE,
        "mode: live\n",
        "# only this\n\nmode: live",
        "site: a\nbroker: {host: x, port: 1}   # one line\n",
        "broker:\n  host: x",
        "broker:\n",
        "buses:\n- bus: a\nsite: 'b'\n",
    ],
)
def test_whatever_is_missing_is_added(text):
    after = rewritten(text, VALUES, FILE)
    assert yaml.safe_load(after) == {**yaml.safe_load(text), **VALUES}
    for line in text.splitlines():
        if "#" in line:
            assert line[line.index("#") :] in after


WORDS = st.from_regex(r"[a-z0-9][a-z0-9-]{0,20}", fullmatch=True) | st.sampled_from(
    ["1e5", "010", "true", "null", "0x1f", "1-2", "2026-01-01", "no"]
)


@given(site=WORDS, host=WORDS | st.ip_addresses().map(str), port=st.integers(1, 65535))
def test_every_name_comes_back_as_it_was_given(site, host, port):
    values = {"site": site, "gateway": "gw-1", "broker": {"host": host, "port": port}}
    for text in (BY_HAND, NEW_FILE):
        assert yaml.safe_load(rewritten(text, values, FILE)) == {**yaml.safe_load(text), **values}
        assert told(rewritten(text, values, FILE), FILE).site == site


@pytest.mark.parametrize("text", ["{site: a, gateway: b}\n", "- a\n", "just words\n", ""])
def test_what_cannot_be_changed_line_by_line_is_left_to_people(text):
    with pytest.raises(ConfigurationError, match="Write there yourself:\nsite: my-site"):
        rewritten(text, VALUES, FILE)
