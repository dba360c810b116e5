"""The demo as its user starts it: everything real, watched to its end."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from firmware_sim.demo.running import MARKER

# As long as four programs may take to end one after the other, and the registry to be filled.
STOPPED_S = 120
pytestmark = [pytest.mark.service, pytest.mark.timeout(400)]
SITEWARDEN = str(Path(sys.executable).with_name("sitewarden"))


def _processes_in(words: str) -> list[int]:
    """Living processes whose command line holds these words."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = entry.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if words in line:
            found.append(int(entry.parent.name))
    return found


def test_an_unattended_demo_loses_nothing_doubles_nothing_and_says_how_fast_it_was(tmp_path: Path) -> None:
    done = subprocess.run(
        [SITEWARDEN, "demo", "--seconds", "20", "--json", "--port", "0", "--data-dir", tmp_path / "site"],
        capture_output=True,
        text=True,
        check=False,
        timeout=220,
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert (report["lost"], report["doubled"], report["waiting"]) == (0, 0, 0), done.stderr
    assert report["readings_committed"] > 2017 * 12, "live readings and the history of six points"
    assert report["alarms"] >= 6
    assert report["hazards_open"] >= 1
    assert "演示数据" in done.stderr
    for name in ("siren", "hazard", "sse"):
        latency = report["latency_ms"][name]
        assert latency["count"] >= 1, (name, done.stderr)
        assert -100 < latency["p50"] <= latency["max"]
    assert _processes_in(str(tmp_path)) == []


@contextmanager
def _demo(tmp_path: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    """A demo in a folder that it makes under `tmp_path`."""
    demo = subprocess.Popen(
        [SITEWARDEN, "demo", "--port", "0", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    try:
        yield demo
    finally:
        demo.send_signal(signal.SIGTERM)
        demo.communicate(timeout=STOPPED_S)


def _until_ready(demo: subprocess.Popen[str], tmp_path: Path) -> Path:
    """Its folder, when the pages answer; a demo that ends before closes its output."""
    assert demo.stdout is not None
    said = []
    for line in demo.stdout:
        said.append(line)
        if "ready" in line:
            (folder,) = tmp_path.glob("sitewarden-demo-*")
            return folder
    raise AssertionError("".join(said))


def test_ctrl_c_stops_every_program_and_removes_the_folder(tmp_path: Path) -> None:
    with _demo(tmp_path) as demo:
        folder = _until_ready(demo, tmp_path)
        assert (folder / MARKER).exists()
        assert _processes_in(str(folder))
        demo.send_signal(signal.SIGINT)
        said, _ = demo.communicate(timeout=STOPPED_S)
    assert demo.returncode == 0, said
    assert "killed" not in said
    assert not folder.exists()
    assert _processes_in(str(folder)) == []


def test_a_program_that_dies_ends_the_demo_with_its_name_and_last_words(tmp_path: Path) -> None:
    with _demo(tmp_path) as demo:
        folder = _until_ready(demo, tmp_path)
        (victim,) = _processes_in(f"sim run {folder}")
        os.kill(victim, signal.SIGKILL)
        said, _ = demo.communicate(timeout=STOPPED_S)
    assert demo.returncode == 1
    assert "simulator ended with status -9" in said
    assert "listening" in said
    assert not folder.exists()
    assert _processes_in(str(folder)) == []


def test_the_broker_in_python_carries_the_demo_as_well(tmp_path: Path) -> None:
    with _demo(tmp_path, "--broker", "amqtt", "--seconds", "15", "--json") as demo:
        said, _ = demo.communicate(timeout=200)
    report = json.loads(said.splitlines()[-1])
    assert demo.returncode == 0, said
    assert (report["lost"], report["doubled"], report["waiting"]) == (0, 0, 0), said
    assert report["alarms"] >= 1
