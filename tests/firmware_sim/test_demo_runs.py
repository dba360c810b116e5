"""The demo as its user starts it: everything real, watched to its end."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from firmware_sim.demo.running import MARKER

pytestmark = [pytest.mark.service, pytest.mark.timeout(240)]
SITEWARDEN = str(Path(sys.executable).with_name("sitewarden"))


def _processes_in(folder: str) -> list[str]:
    """Command lines of living processes that name the folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = entry.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if folder in line:
            found.append(line)
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
        assert -100 < latency["p50"] <= latency["max"] < 5000
    assert _processes_in(str(tmp_path)) == []


def test_ctrl_c_stops_every_program_and_removes_the_folder(tmp_path: Path) -> None:
    demo = subprocess.Popen(
        [SITEWARDEN, "demo", "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    assert demo.stdout is not None
    said, ends = [], time.monotonic() + 120
    for line in demo.stdout:
        said.append(line)
        if "ready" in line:
            break
        assert time.monotonic() < ends, said
    (folder,) = tmp_path.iterdir()
    assert (folder / MARKER).exists()
    assert _processes_in(str(folder))
    demo.send_signal(signal.SIGINT)
    rest, _ = demo.communicate(timeout=60)
    assert demo.returncode == 0, "".join(said) + rest
    assert "killed" not in rest
    assert list(tmp_path.iterdir()) == []
    assert _processes_in(str(folder)) == []


def test_a_program_that_dies_ends_the_demo_with_its_name_and_last_words(tmp_path: Path) -> None:
    folder = tmp_path / "site"
    demo = subprocess.Popen(
        [SITEWARDEN, "demo", "--port", "0", "--data-dir", folder],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    ends = time.monotonic() + 120
    victims: list[int] = []
    while not victims:
        assert time.monotonic() < ends
        time.sleep(0.05)
        victims = [
            int(entry.parent.name)
            for entry in Path("/proc").glob("[0-9]*/cmdline")
            if b"sim\0run\0" + str(folder).encode() in entry.read_bytes()
        ]
    os.kill(victims[0], signal.SIGKILL)
    _, said = demo.communicate(timeout=120)
    assert demo.returncode != 0
    assert "simulator ended with status -9" in said
    assert _processes_in(str(folder)) == []
