"""A profile of a vendor that nobody ships, and what is brought of it."""

from tests.cloud.web.serving import Web

PROFILE = """\
profile: acme-crane
version: 1
device_kind: crane
products:
  - {brand: Acme, model: TC-9}
source: "TC-9 manual, version 1.3, page 14."
verified: simulator
driver: modbus
modbus: {transports: [tcp, rtu]}
groups:
  main: {interval_ms: 200}
points:
  load: {kind: crane.load, unit: t, register: 0, type: float32, range: [0, 20]}
  radius: {kind: crane.radius, unit: m, register: 2, type: float32, range: [0, 80]}
  falls: {kind: crane.falls, unit: "1", register: 4, range: [1, 8]}
  slew: {kind: crane.slew, unit: °, register: 6, type: float32, range: [0, 360]}
  wind: {kind: crane.wind_speed, unit: m/s, register: 8, type: float32, range: [0, 60]}
"""


def version(number: int, *, text: str = PROFILE) -> str:
    return text.replace("version: 1\n", f"version: {number}\n", 1)


def bring(web: Web, text: str = PROFILE, reason: str = "从说明书第14页录入"):
    return web.post("/profiles", json={"text": text, "reason": reason})


def check(web: Web, text: str) -> dict:
    answer = web.post("/profiles/check", json={"text": text})
    assert answer.status_code == 200, answer.text
    return answer.json()
