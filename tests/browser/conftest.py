"""One living site and one Chromium for all browser tests; each test visits with a context of its own."""

import dataclasses
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from firmware_sim.demo.running import RunningSite, prepare_folder
from firmware_sim.demo.site import SiteConfiguration, demo_site
from tests.browser.visiting import PATIENCE_MS, Visit, visit
from tests.support.left_out import leave_out

PAGES = Path(__file__).parents[2] / "dashboards" / "web"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# As patient as a page is: a busy machine is no mistake.
expect.set_options(timeout=PATIENCE_MS)

HAZARD_WITHIN_S, EPISODES = 75.0, 6


class Arrive(Protocol):
    """Opens a context of its own; `visit` tells what may be chosen."""

    def __call__(self, **choices: Any) -> Visit: ...


BRINGS_PICTURES = ', cloud: "http://127.0.0.1:${web_port}"'
"""In the demo gateway's file."""


@pytest.fixture(scope="package")
def built_pages() -> Path:
    """The folder of the pages as the cloud serves them."""
    folder = PAGES / "dist"
    if not (folder / "index.html").exists():
        leave_out("the pages are not built (npm ci && npm run build in dashboards/web)")
    return folder


@pytest.fixture(scope="package")
def browser(chromium: str) -> Iterator[Browser]:
    """One Chromium."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield browser
        browser.close()


def _for_pages(configuration: SiteConfiguration) -> SiteConfiguration:
    """The demo's site, but its first overload leaves the witness time to arrive on a slow machine.

    And without its camera: drawing and looking at pictures would take half a core from the pages.
    """
    first, later = "overloads: [{at_s: 6, peak_percent: 114", "overloads: [{at_s: 11, peak_percent: 114"
    scenario, gateway = configuration.scenario, configuration.gateway
    assert first in scenario
    cameras = "\ncameras:\n"
    assert cameras in scenario
    assert cameras in gateway
    assert BRINGS_PICTURES in gateway
    return dataclasses.replace(
        configuration,
        scenario=scenario.partition(cameras)[0].replace(first, later) + "\n",
        gateway=gateway.partition(cameras)[0].replace(BRINGS_PICTURES, "") + "\n",
    )


@pytest.fixture(scope="package")
def living_site(built_pages: Path) -> Iterator[RunningSite]:
    """The demo's programs, each a process, from devices to pages."""
    with tempfile.TemporaryDirectory(prefix="sitewarden-browser-") as made:
        folder = Path(made).resolve()
        prepare_folder(folder, wipe=False)
        with RunningSite(folder, _for_pages(demo_site())) as site:
            yield site


@pytest.fixture(scope="package")
def witness(browser: Browser, living_site: RunningSite) -> Iterator[Visit]:
    """A page that was open before anything went wrong, and notes each alarm that it shows."""
    seen = visit(browser, living_site.url, may_lose_server=True)
    seen.page.add_init_script("""
        window.shownAlarms = {};
        new MutationObserver(() => {
          for (const row of document.querySelectorAll('.alarm[data-episode]'))
            window.shownAlarms[row.dataset.episode] ??= Date.now();
        }).observe(document, { childList: true, subtree: true });
    """)
    seen.open("/sites/demo")
    yield seen
    seen.page.context.close()


@pytest.fixture
def arrive(browser: Browser, living_site: RunningSite, witness: Visit) -> Iterator[Callable[..., Visit]]:
    """Visits of this test; each must have left no complaint and asked no other machine."""
    visits: list[Visit] = []

    def come(**choices: Any) -> Visit:
        visits.append(visit(browser, living_site.url, **choices))
        return visits[-1]

    yield come
    for one in visits:
        one.close()


@pytest.fixture(scope="package")
def overload(witness: Visit) -> dict[str, Any]:
    """The hazard that crane 2's overload opened, as the interface tells it; waits for all of it."""
    deadline = time.monotonic() + HAZARD_WITHIN_S
    while True:
        for hazard in witness.ask("/sites/demo/hazards?status=all&limit=200")["items"]:
            if hazard["device"] == "crane-2" and hazard["level"] == "major_proposed":
                found: dict[str, Any] = witness.ask(f"/hazards/{hazard['id']}")
                # Of load and moment: beyond 110 %, without a cut-off, beyond 100 % once back below 110 %.
                if len(found["episodes"]) >= EPISODES:
                    return found
        assert time.monotonic() < deadline, "the overload opened no hazard"
        witness.page.wait_for_timeout(250)  # keeps the browser's own events flowing


@pytest.fixture(scope="package")
def axe() -> str:
    """The accessibility checker's source."""
    source: Path = PAGES / "node_modules" / "axe-core" / "axe.min.js"
    if not source.exists():
        leave_out("axe-core is not installed (npm ci in dashboards/web)")
    return source.read_text(encoding="utf-8")
