"""A visitor of the pages: a browser context that notes every request, every complaint and every loading."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Route

DESKTOP, PHONE = (1440, 900), (390, 844)
PATIENCE_MS = 30_000
STOPPED_ON_PURPOSE = (
    "net::ERR_CONNECTION_REFUSED",
    "net::ERR_INCOMPLETE_CHUNKED_ENCODING",
    "net::ERR_EMPTY_RESPONSE",
)
"""What the browser itself says where a test has stopped the server."""


@dataclass(kw_only=True)
class Visit:
    """One page in a context of its own, and what was seen of it."""

    page: Page
    address: str
    """Of the server, without a slash at the end."""
    strangers: list[str] = field(default_factory=list)
    """Addresses of other machines that were asked for; none was reached."""
    complaints: list[str] = field(default_factory=list)
    """Errors and warnings on the console, and exceptions that nobody caught."""
    loads: list[str] = field(default_factory=list)
    """Every document that was loaded: a page that follows its data loads once."""

    def open(self, path: str) -> Page:
        """Load `path` and wait for its main part."""
        self.page.goto(f"{self.address}{path}")
        self.page.wait_for_selector("main > *:not(.loading)")
        return self.page

    def ask(self, path: str) -> Any:
        """The interface's JSON at `path` under /api/v1, asked with this visitor's session."""
        answer = self.page.request.get(f"{self.address}/api/v1{path}")
        assert answer.ok, f"{path}: {answer.status} {answer.text()[:200]}"
        return answer.json()

    def close(self) -> None:
        """Leave; fails the test for a request to another machine or a complaint on the console."""
        self.page.context.close()
        assert not self.strangers, f"another machine was asked: {self.strangers}"
        assert not self.complaints, f"on the console: {self.complaints}"


def visit(
    browser: Browser,
    address: str,
    *,
    size: tuple[int, int] = DESKTOP,
    language: str = "zh",
    theme: str = "light",
    may_lose_server: bool = False,
) -> Visit:
    """Come by for the first time, as somebody who chose `language` and `theme`."""
    is_phone = size == PHONE
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        is_mobile=is_phone,
        has_touch=is_phone,
        reduced_motion="no-preference",
    )
    _prefer(context, language, theme)
    made = Visit(page=context.new_page(), address=address)
    made.page.set_default_timeout(PATIENCE_MS)
    _watch(made, context, allowed=STOPPED_ON_PURPOSE if may_lose_server else ())
    return made


def _prefer(context: BrowserContext, language: str, theme: str) -> None:
    """Only where nothing was chosen yet: a choice made in the page must outlive a reload."""
    choices = {"sitewarden.language": language, "sitewarden.theme": theme}
    context.add_init_script(
        "".join(
            f"localStorage.getItem('{key}') ?? localStorage.setItem('{key}', '{it}');"
            for key, it in choices.items()
        )
    )


def _watch(made: Visit, context: BrowserContext, *, allowed: tuple[str, ...]) -> None:
    def pass_on(route: Route) -> None:
        if urlsplit(route.request.url).hostname == "127.0.0.1":
            route.continue_()
            return
        made.strangers.append(route.request.url)
        route.abort()

    def note(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not any(word in message.text for word in allowed):
            made.complaints.append(f"{message.text} ({message.location['url']})")

    context.route("**/*", pass_on)
    made.page.on("console", note)
    made.page.on("pageerror", lambda error: made.complaints.append(str(error)))
    made.page.on("load", lambda page: made.loads.append(page.url))


def until(
    page: Page, is_so: Callable[[], object], what: str, *, within_s: float = PATIENCE_MS / 1000
) -> None:
    """Look again and again, while the browser's own events go on; fails the test after `within_s`."""
    deadline = time.monotonic() + within_s
    while not is_so():
        assert time.monotonic() < deadline, f"not within {within_s} s: {what}"
        page.wait_for_timeout(50)


SMALL_TARGETS = """() => [...document.querySelectorAll('a, button, summary, input, [role=button]')]
    .filter((one) => one.checkVisibility() && !one.closest('.skip'))
    .map((one) => [one, one.querySelector('.target') ?? one.closest('label') ?? one])
    .map(([one, hit]) => [one, hit.getBoundingClientRect()])
    .filter(([, box]) => box.right > 0 && (box.width < 43.5 || box.height < 43.5))
    .map(([one, box]) => `${one.tagName} ${one.textContent.trim().slice(0, 30)} ${box.width} x ${box.height}`)
"""
"""What a finger would miss; of a field within its label, the label is hit."""


def barriers_on(page: Page, axe: str) -> list[tuple[str, list[str]]]:
    """What keeps somebody from reading or using the page, by the accessibility checker `axe`."""
    page.evaluate(f"() => {{ {axe} }}")
    found = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")["violations"]
    return [
        (one["id"], [node["html"][:160] for node in one["nodes"][:3]])
        for one in found
        if one["impact"] in {"serious", "critical"}
    ]
