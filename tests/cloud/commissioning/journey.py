"""A vendor's crane on its way into use: what people send, and what its gateway says meanwhile."""

import struct
from typing import Any

import httpx
from psycopg.types.json import Jsonb

from cloud.trials.service import look
from sitewarden.messages import DeviceBirth, PointBirth, Status
from sitewarden.profiles import ModbusProfile, understood
from sitewarden.profiles.conformance import report
from sitewarden.profiles.hints import usual_spans
from sitewarden.profiles.trial import Counts, GroupTime, Look, Trial
from sitewarden.quality import Quality
from sitewarden.text import Text
from sitewarden.trials import TrialTold
from tests.cloud.profiles.vendor import PROFILE, bring
from tests.cloud.registry.records import CHART, CRANE, Registry, day
from tests.cloud.registry.test_scope import become
from tests.cloud.site import BOOT, TestSite, now_ms, readings
from tests.cloud.web.serving import Web

GATEWAY_FILE = """\
rules: [tower-crane]
buses:
  - bus: mast  # RS-485 on the mast
    modbus: {transport: tcp, host: 10.0.0.9}
    devices:
      - {device: crane-1, profile: reference-tower-crane, unit: 1}
"""
FILE = {**CRANE, "id": "crane-9", "maker": "Acme", "model": "TC-9", "serial_no": "A-7"}
STEPS = ("filed", "installed", "inspected", "accepted", "registered")
LOAD_T = 3.0


def words(value: float, *, swapped: bool = False) -> tuple[int, int]:
    """A float as two registers."""
    high, low = struct.unpack(">HH", struct.pack(">f", value))
    return (low, high) if swapped else (high, low)


class Journey:
    """Site `demo`, its crane-9, and gateway gw-1 which is configured from here."""

    def __init__(self, web: Web, site: TestSite) -> None:
        self.web, self.site = web, site
        site.born()
        self.hand_over()
        Registry(web).make("devices", FILE)

    def hand_over(self) -> None:
        """The gateway says that its configuration comes from here, and what its own file says."""
        self.site.connection.execute("UPDATE gateway SET configuration = %s", [Jsonb({})])
        self.site.connection.execute(
            "INSERT INTO gateway_own_file (site, gateway, files, told_at) VALUES ('demo', 'gw-1', %s, now())",
            [Jsonb({"gateway.yaml": GATEWAY_FILE})],
        )

    def registered(self) -> None:
        """The crane's life up to the registration of its use, and its load chart."""
        registry = Registry(self.web)
        for i, step in enumerate(STEPS):
            number = "使-2026-009" if step == "registered" else ""
            given = {
                "device": "crane-9",
                "step": step,
                "done_on": day(i - 10),
                "body": "某检测站",
                "document_no": number,
            }
            registry.make("steps", given)
        registry.make("charts", CHART, id="crane-9")

    def call(self, method: str, path: str = "", **more) -> httpx.Response:
        return self.web.client.request(
            method, f"/api/v1/sites/demo/devices/crane-9/commissioning{path}", **more
        )

    def see(self) -> dict[str, Any]:
        answer = self.call("GET")
        assert answer.status_code == 200, answer.text
        return answer.json()

    def standing(self) -> dict[str, str]:
        return {its["step"]: its["standing"] for its in self.see()["steps"]}

    def codes(self) -> list[str]:
        return [reason["code"] for step in self.see()["steps"] for reason in step["reasons"]]

    def bind(self, version: int = 1, **changes) -> httpx.Response:
        given = {
            "gateway": "gw-1",
            "bus": "mast",
            "unit": 9,
            "profile": "acme-crane",
            "profile_version": version,
        }
        return self.call("PUT", "/binding", json={**given, **changes}, headers=self.match())

    def match(self) -> dict[str, str]:
        return {"If-Match": f'"{self.see()["version"]}"'}

    def tried(self, *, swapped: bool = False, kind: str = "conformance", load: float = LOAD_T) -> None:
        """The gateway reads the device and tells what it saw."""
        asked = self.call("POST", "/trials", json={"kind": kind})
        assert asked.status_code == 201, asked.text
        self.answer(swapped=swapped, load=load)

    def answer(self, *, swapped: bool = False, load: float = LOAD_T) -> None:
        (due,) = look(self.site.connection, now_ms())
        profile, _ = understood(due.asked.profile, "x")
        assert isinstance(profile, ModbusProfile)
        looks = {
            "load": [words(load + i / 100, swapped=swapped) for i in range(3)],
            "radius": [words(20.0, swapped=swapped)] * 3,
            "falls": [(2,)] * 3,
            "slew": [words(90.0, swapped=swapped)] * 3,
            "wind": [words(4.5, swapped=swapped)] * 3,
        }
        trial = Trial(
            looks={key: [Look(its, Quality.GOOD) for its in seen] for key, seen in looks.items()},
            times={"main": [GroupTime(1, 0.01)] * 3},
            counts=Counts(requests=3, timeouts=0, late=0, broken=0),
            stranger="refused",
            back_after_s=0.1,
        )
        told = TrialTold(
            request=due.asked.request,
            at=now_ms(),
            state="done",
            report=report(profile, trial, usual_spans({})),
        )
        self.site.deliver(told)

    def runs(self, version: int = 1, commissioning: str = "trial") -> None:
        """The gateway says that it runs the device by that version."""
        points = [
            PointBirth(p="crane-9/load", kind="crane.load", stale_after_ms=2000),
            PointBirth(p="crane-9/wind", kind="crane.wind_speed", stale_after_ms=2000),
        ]
        device = DeviceBirth(
            device="crane-9",
            kind="crane",
            label=Text("9号塔机", "Crane 9"),
            profile="acme-crane",
            profile_version=version,
            commissioning=commissioning,
            points=points,
        )
        self.site.deliver(Status(state="online", boot=BOOT, at=now_ms(), devices=[device]))
        self.hand_over_again()

    def hand_over_again(self) -> None:
        self.site.connection.execute("UPDATE gateway SET configuration = %s", [Jsonb({})])

    def says(self, load: float = LOAD_T, **more) -> None:
        """A reading of this moment."""
        self.site.deliver(readings(load, point="crane-9/load", **more))

    def check(self, **changes) -> httpx.Response:
        given = {"point": "crane-9/load", "reference": 3.0, "tolerance": 0.1, "method": "3 t 标准砝码"}
        return self.call("POST", "/checks", json={**given, **changes})

    def approve(self, check: str) -> httpx.Response:
        return self.call("POST", f"/checks/{check}/approval", json={"note": "现场核对"})

    def checked(self, **changes) -> str:
        """A check that was signed by the first and approved by another."""
        self.says()
        answer = self.check(**changes)
        assert answer.status_code == 201, answer.text
        check: str = answer.json()["checks"][0]["id"]
        with self.another():
            approved = self.approve(check)
        assert approved.status_code == 200, approved.text
        return check

    def another(self) -> "Another":
        return Another(self)

    def configuration(self) -> dict[str, Any]:
        """The newest one that was proposed."""
        columns = ("version", "files", "author", "reason", "state")
        (row,) = self.site.rows(
            f"SELECT {', '.join(columns)} FROM gateway_configuration ORDER BY version DESC LIMIT 1"
        )
        return dict(zip(columns, row, strict=True))

    def became(self, state: str) -> None:
        """What the gateway says of the newest configuration."""
        self.site.connection.execute(
            "UPDATE gateway_configuration SET state = %s, reported_at = now() "
            "WHERE version = (SELECT max(version) FROM gateway_configuration)",
            [state],
        )

    def commission(self, **more) -> httpx.Response:
        return self.call(
            "POST", "/use", json={"reason": "验收合格"}, headers=more.get("headers") or self.match()
        )

    def on_trial(self) -> httpx.Response:
        return self.call("POST", "/trial-run", json={"reason": "安装完毕"})

    def ready(self) -> None:
        """Everything that commissioning asks for."""
        bring(self.web, PROFILE)
        assert self.bind().status_code == 200
        self.registered()
        self.tried()
        proposed = self.on_trial()
        assert proposed.status_code == 200, proposed.text
        self.became("in_force")
        self.runs()
        self.checked()


class Another:
    """A second account, while within."""

    def __init__(self, journey: Journey) -> None:
        self._journey = journey

    def __enter__(self) -> None:
        client = self._journey.web.client
        self._token = dict(client.cookies)
        site = self._journey.site
        if site.value("SELECT count(*) FROM account WHERE name = '乙县监督员'") == 0:
            become(self._journey.web, site, "admin", site="demo")
            self._journey.__dict__["second"] = dict(client.cookies)
        else:
            client.cookies.update(self._journey.__dict__["second"])

    def __exit__(self, *_) -> None:
        self._journey.web.client.cookies.update(self._token)
