"""Every device of the page can be written as it stands there."""

import re
import textwrap
from pathlib import Path

import pytest

from edge.config import load_gateway
from edge.doubts import doubts

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "connect-pit-instruments.md"
DEVICES = re.findall(
    r"^```yaml\n(- device: (\S+)\n.*?)^```", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL
)
GATEWAY = """\
site: my-site
gateway: gw-1
mode: test
data_dir: data
broker: {host: 127.0.0.1}
outputs: [{driver: log, file: outputs.jsonl}]
rules: [gb50497, pit-creep]
buses:
  - bus: pit
    modbus: {transport: tcp, host: 127.0.0.1}
    devices:
"""


@pytest.mark.parametrize(("text", "name"), DEVICES, ids=[name for _, name in DEVICES])
def test_a_device_of_the_page_is_judged_by_the_shipped_rules(text: str, name: str, tmp_path: Path) -> None:
    file = tmp_path / "gateway.yaml"
    file.write_text(GATEWAY + textwrap.indent(text, " " * 6), encoding="utf-8")
    gateway = load_gateway(file)
    (device,) = (device for device in gateway.devices if device.name == name)
    assert any(bound.rule.rule.startswith("gb50497") for bound in device.rules)
    assert not [doubt for doubt in doubts(gateway) if "parameters:" in doubt]


def test_the_page_has_an_example_of_each_instrument() -> None:
    assert len(DEVICES) == 3
