"""A site as ingest sees it: what its gateways say, built in one line, delivered without a broker."""

import itertools
import time
import uuid
from pathlib import Path

import msgspec

from cloud.database import connect
from cloud.ingest.alarms import AlarmsLane
from cloud.ingest.model import Delivery, Outcome
from cloud.ingest.readings import ReadingsLane
from cloud.ingest.rebirths import Rebirths
from cloud.registry.seeding import seed_sites
from cloud.settings import Broker, Settings, SiteSettings
from cloud.sites.registry import Registry
from sitewarden import topics
from sitewarden.messages import (
    Alarm,
    ConfigurationReport,
    Counters,
    DeviceBirth,
    LimitBirth,
    MediaOffer,
    PointBirth,
    Readings,
    Series,
    Status,
    encode,
)
from sitewarden.rules import Basis, HazardProposal
from sitewarden.text import Text
from sitewarden.trials import TrialTold

BOOT = "b" * 32
PROPOSAL = HazardProposal(
    category=Text("起重机械", "Lifting machinery"),
    level="general",
    potential_accident=Text("起重伤害", "Lifting injury"),
)


def make_settings(folder: Path, **changes) -> Settings:
    made = Settings(
        file=folder / "cloud.yaml",
        host="127.0.0.1",
        port=0,
        data_dir=folder / "data",
        dsn=None,
        broker=Broker(),
        broker_password=None,
        demo=False,
        sites={
            "demo": SiteSettings(
                site="demo",
                name=Text("示范工地", "Demo site"),
                time_zone="Asia/Shanghai",
                gateways=["gw-1", "gw-2"],
            )
        },
    )
    return msgspec.structs.replace(made, **changes)


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def birth(boot: str = BOOT, *, points: dict[str, str] | None = None, state: str = "online", **more) -> Status:
    """A crane with the points given as name to kind."""
    points = points or {"crane-1/load": "crane.load", "crane-1/load_ratio": "crane.load_ratio"}
    by_device: dict[str, list[PointBirth]] = {}
    for name, kind in points.items():
        point = PointBirth(p=name, kind=kind, stale_after_ms=2000)
        by_device.setdefault(name.partition("/")[0], []).append(point)
    devices = [
        DeviceBirth(
            device=device,
            kind="crane",
            label=Text("1号塔机", "Tower crane 1"),
            profile="reference-tower-crane",
            layout={"kind": "crane", "x_m": 20},
            points=born,
            limits=[
                LimitBirth(
                    p=born[0].p,
                    rule="crane-load-100",
                    rule_version=1,
                    level=3,
                    limit=100.0,
                    direction="high",
                    label=Text("超载", "Overload"),
                )
            ],
        )
        for device, born in by_device.items()
    ]
    return Status(state=state, boot=boot, at=more.pop("at", now_ms()), devices=devices, **more)


def heartbeat(boot: str = BOOT, *, written: int = 0, **more) -> Status:
    return Status(
        state="heartbeat", boot=boot, at=now_ms(), counters=Counters(readings_written=written), **more
    )


_SEQS = itertools.count(1)


def readings(*values: float, point: str = "crane-1/load", at: int | None = None, step_ms: int = 200, **more):
    """One series, a value every `step_ms`."""
    series = more.pop("series", None) or [
        Series(p=point, t=[i * step_ms for i in range(len(values))], x=list(values))
    ]
    return Readings(
        boot=more.pop("boot", BOOT),
        seq=more.pop("seq", None) or next(_SEQS),
        at=now_ms() if at is None else at,
        series=series,
        **more,
    )


def raised(episode: str | None = None, **changes) -> Alarm:
    """An overload, raised now."""
    at = changes.pop("at", now_ms())
    fields = {
        "boot": BOOT,
        "seq": next(_SEQS),
        "at": at,
        "change": "raised",
        "episode": episode or uuid.uuid4().hex,
        "device": "crane-1",
        "point": "crane-1/load_ratio",
        "kind": "crane.load_ratio",
        "rule": "crane-load-100",
        "rule_version": 1,
        "family": "crane-overload",
        "level": 3,
        "label": Text("起重量超过额定值", "Load above rated"),
        "unit": "%",
        "value": 104.2,
        "limit": 100.0,
        "peak": 104.2,
        "raised_at": at,
        "basis": Basis(clause="GB/T 5031 报警装置", source="standard", confidence="memory"),
        "hazard": PROPOSAL,
        "evidence": [Series(p="crane-1/load_ratio", t=[-200, 0], x=[99.0, 104.2])],
    }
    return Alarm(**{**fields, **changes})


def acknowledged(of: Alarm, after_ms: int = 2000, by: str = "local", **changes) -> Alarm:
    """The acknowledgement of a raise."""
    return msgspec.structs.replace(
        of,
        **{
            "change": "acknowledged",
            "seq": next(_SEQS),
            "at": of.at + after_ms,
            "value": 105.0,
            "peak": 105.0,
            "acknowledged_at": of.at + after_ms,
            "acknowledged_by": by,
            "evidence": [],
            **changes,
        },
    )


def cleared(of: Alarm, after_ms: int = 5000, **changes) -> Alarm:
    """The clear of a raise."""
    return msgspec.structs.replace(
        of,
        **{
            "seq": next(_SEQS),
            "change": "cleared",
            "at": of.at + after_ms,
            "cleared_at": of.at + after_ms,
            "value": 97.5,
            "peak": max(of.peak, 106.0),
            "evidence": [Series(p=of.point, t=[-200, 0], x=[98.2, 97.5])],
            **changes,
        },
    )


def channel_of(message: msgspec.Struct) -> str:
    return {
        Readings: "readings",
        Alarm: "alarms",
        Status: "status",
        ConfigurationReport: "config",
        TrialTold: "trial",
        MediaOffer: "media",
    }[type(message)]


def delivery(
    message: msgspec.Struct | bytes,
    *,
    mode: str = "live",
    site: str = "demo",
    gateway: str = "gw-1",
    channel: str | None = None,
    topic: str | None = None,
    retained: bool = False,
) -> Delivery:
    """The message as the broker would hand it over."""
    body = message if isinstance(message, bytes) else encode(message)
    if topic is None:
        topic = topics.up(mode, site, gateway, channel or channel_of(message))  # type: ignore[arg-type]
    return Delivery(topic=topic, body=body, retained=retained, received_ms=now_ms(), mid=1, link=1)


class TestSite:
    """Both lanes over one connection; `deliver` is one batch."""

    __test__ = False

    def __init__(self, settings: Settings, dsn: str) -> None:
        self.settings, self.dsn = settings, dsn
        self.connection = connect(dsn)
        seed_sites(self.connection, settings.sites)
        self.registry = Registry()
        self._alarms = AlarmsLane(settings, self.registry, Rebirths())
        self._readings = ReadingsLane(settings, self.registry, Rebirths())

    def close(self) -> None:
        self.connection.close()

    def deliver(self, *messages: msgspec.Struct | Delivery, now: int | None = None, **where) -> Outcome:
        """One batch of one lane; statuses and readings share theirs."""
        batch = [m if isinstance(m, Delivery) else delivery(m, **where) for m in messages]
        lane = self._alarms if all(d.topic.endswith("/alarms") for d in batch) else self._readings
        return lane.commit(self.connection, batch, now or now_ms())

    def born(self, **more) -> "TestSite":
        self.deliver(birth(**more))
        return self

    def rows(self, query: str, *parameters) -> list[tuple]:
        return self.connection.execute(query.encode(), parameters).fetchall()

    def value(self, query: str, *parameters):
        return self.rows(query, *parameters)[0][0]

    def seqs(self, outcome: Outcome) -> list[int]:
        return sorted(settled.seq for settled in outcome.settled)
