"""A demo that nobody watches: runs for a time, stops in order, and says in numbers how it went."""

import sqlite3
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import yaml

from firmware_sim.demo import measure
from firmware_sim.demo.listeners import ApiClient, PageListener, plain
from firmware_sim.demo.measure import Account, Crossed, Decided, Held, Latency, Sounded
from firmware_sim.demo.running import HOST, RunningSite
from sitewarden.errors import SiteWardenError
from sitewarden.rules.packs import load_pack

DRAIN_S = 60.0
"""How long the gateway may take to send what it still holds (a fresh one sends 14 days of history first)."""
SETTLE_S = 10.0
"""How long the cloud may take to commit what it has received."""
POLL_S = 0.25

T = TypeVar("T")


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What `sitewarden demo --json` prints; `null` is what could not be measured."""

    ready_s: float
    """From the start until the pages answered."""
    readings_committed: int | None = None
    alarms: int | None = None
    """Transitions committed."""
    hazards_open: int | None = None
    waiting: int | None = None
    """Readings and transitions still in the gateway's outbox at the end: neither lost nor arrived."""
    lost: int | None = None
    doubled: int | None = None
    latency_ms: Mapping[str, Latency]


def run(site: RunningSite, seconds: float, say: Callable[[str], None]) -> Report:
    """Watch a running site for `seconds`, end it in order and measure; raises `SiteWardenError`."""
    assert site.listener is not None  # noqa: S101  # the site was started with an observer
    api = ApiClient(HOST, site.web_port)
    api.sign_in_to_demo()
    with PageListener(api, site.files.configuration.site) as page:
        _watch(site, seconds)
        site.stop_program("simulator")
        say("模拟设备已停，等待网关发完 · devices stopped; the gateway sends what it still holds")
        if not _until(lambda: _records_waiting(site.files.gateway_data) <= 1, DRAIN_S, site.check):
            say(f"网关 {DRAIN_S:.0f} 秒内未发完 · the gateway did not get everything out in {DRAIN_S:.0f} s")
        site.stop_program("gateway")
        decided = _decided(site)
        held, hazards_open = _held_at_last(api, site, decided)
        result = measure.account(decided, held)
        _explain(result, decided, held, say)
        return Report(
            ready_s=round(site.ready_s, 1),
            readings_committed=held.readings,
            alarms=held.transitions,
            hazards_open=hazards_open,
            waiting=decided.readings_waiting + decided.transitions_waiting,
            lost=result.lost,
            doubled=result.doubled,
            latency_ms={name: measure.latency(took) for name, took in timings(site, page, say).items()},
        )


def _watch(site: RunningSite, seconds: float) -> None:
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        site.check()
        time.sleep(min(POLL_S, max(0.0, ends - time.monotonic())))


def _until(is_so: Callable[[], bool], seconds: float, check: Callable[[], None]) -> bool:
    """Whether it came to be so in time."""
    ends = time.monotonic() + seconds
    while not is_so():
        check()
        if time.monotonic() > ends:
            return False
        time.sleep(POLL_S)
    return True


def _decided(site: RunningSite) -> Decided:
    """After the gateway has ended: what it noted at its outputs and counted in its outbox."""
    file = site.files.gateway_data / "readings.db"
    return Decided(
        sounded=_sounded(site),
        readings_written=_ask(file, "SELECT written FROM tally"),
        readings_waiting=_ask(file, "SELECT sum(counted) FROM records"),
        transitions_waiting=_ask(file.with_name("alarms.db"), "SELECT sum(counted) FROM records"),
    )


def _records_waiting(folder: Path) -> int:
    """In both lanes. While devices are silent a gateway still writes a record of bad readings a second."""
    return sum(_ask(folder / f"{lane}.db", "SELECT count(*) FROM records") for lane in ("alarms", "readings"))


def _ask(file: Path, question: str) -> int:
    """The number that the gateway's outbox answers; it is opened for reading only."""
    try:
        connection = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
        try:
            row = connection.execute(question).fetchone()
        finally:
            connection.close()
    except sqlite3.Error as exc:
        raise SiteWardenError(f"{file}: the gateway's outbox cannot be read: {exc}") from exc
    return int(row[0] or 0) if row else 0


def _held_at_last(api: ApiClient, site: RunningSite, decided: Decided) -> tuple[Held, int]:
    """What the cloud holds once it has everything, or when it has had time enough."""
    expected = decided.readings_written - decided.readings_waiting
    transitions = len(decided.sounded) - decided.transitions_waiting
    name = site.files.configuration.site

    def has_all() -> bool:
        said = api.get(f"/sites/{name}/statistics")
        return bool(said["readings"] >= expected and said["alarm_transitions"] >= transitions)

    _until(has_all, SETTLE_S, site.check)
    said: dict[str, Any] = api.get(f"/sites/{name}/statistics")
    episodes = {
        plain(episode["id"]): episode["cleared_at"] is not None
        for episode in api.items(f"/sites/{name}/alarms?state=all&limit=200")
    }
    held = Held(episodes=episodes, transitions=said["alarm_transitions"], readings=said["readings"])
    return held, said["hazards_open"]


def timings(
    site: RunningSite, page: PageListener, say: Callable[[str], None], *, since_ms: int = 0
) -> dict[str, list[int]]:
    """After the gateway has ended: every latency in ms, by where it ends (`siren`, `hazard`, `sse`).

    Alarms that were due before `since_ms` are left out.
    """
    assert site.listener is not None  # noqa: S101  # the site was started with an observer
    sounded, watched = _sounded(site), _watched(site)
    found = measure.onsets(_lines(site.files.ledger, Crossed), sounded, watched)
    for alarm in measure.unexplained(sounded, watched, found):
        say(f"账本中没有此报警的起点 · the ledger knows no beginning of {alarm.rule} at {alarm.point}")
    if page.failure is not None:
        say(f"实时流中断 · the live stream broke: {page.failure}")
    for failure in site.listener.failures:
        say(f"看不懂的消息 · a message that could not be understood: {failure}")
    arrivals = {
        "siren": {onset.episode: onset.siren_ms for onset in found},
        "hazard": site.listener.receipts,
        "sse": page.raised,
    }
    counted = [onset for onset in found if onset.due_ms >= since_ms]
    return {name: measure.took_ms(counted, arrived) for name, arrived in arrivals.items()}


def _watched(site: RunningSite) -> dict[tuple[str, str], measure.Watched]:
    """The rules that run on the gateway, as far as the ledger can tell about them."""
    gateway = yaml.safe_load(site.files.gateway.read_text(encoding="utf-8"))
    rules = [rule for name in gateway["rules"] for rule in load_pack(name, site.files.folder).rules]
    devices = [device for bus in gateway["buses"] for device in bus["devices"]]
    return {
        key: rule
        for device in devices
        for key, rule in measure.watched_rules(device["device"], rules, device.get("parameters", {})).items()
    }


def _explain(result: Account, decided: Decided, held: Held, say: Callable[[str], None]) -> None:
    """Where something is missing or there twice, say what, for a person to go on from."""
    if result.lost or result.doubled:
        say(
            f"丢失或重复 · lost or doubled: {result}; the gateway wrote {decided.readings_written} readings, "
            f"decided {len(decided.sounded)} transitions; the cloud holds {held.readings}, {held.transitions}"
        )


def _sounded(site: RunningSite) -> list[Sounded]:
    """Raises and clears; the log also tells of tones that ended by time, and of tests."""
    lines = _lines(site.files.outputs, dict[str, Any])
    return [msgspec.convert(line, Sounded) for line in lines if line["change"] in {"raised", "cleared"}]


def _lines(file: Path, kind: type[T]) -> list[T]:
    """A file of JSON lines; none where there is no file yet."""
    text: Iterable[bytes] = file.read_bytes().splitlines() if file.exists() else []
    return [msgspec.json.decode(line, type=kind) for line in text]
