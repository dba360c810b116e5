"""A site made for measuring: cranes whose load jumps across its rating, one rule without delays."""

from pathlib import Path

from firmware_sim.demo.site import SiteConfiguration

SITE, GATEWAY_ID, RULES_FILE = "bench", "gw-1", "jump-rules.yaml"
LIMIT_PERCENT = 100
RADIUS_M, RATED_T = 25.0, 2.94
"""A point of the shipped chart tc5610-like: what may be lifted there with 4 falls."""

_RULES = f"""\
pack: jump
source: one limit without delays, so that nothing but the road is measured
rules:
  - rule: jump-load
    family: crane-overload
    version: 1
    watch: crane.load_ratio
    condition: {{when: high, limit: {LIMIT_PERCENT}}}
    level: 3
    label: {{zh: 起重量超过额定值, en: Load above rated}}
    basis: {{clause: none, source: measuring, confidence: synthetic}}
    hazard:
      category: {{zh: 起重机械, en: Lifting machinery}}
      level: general
      potential_accident: {{zh: 起重伤害, en: Lifting injury}}
"""

_CLOUD = f"""\
listen: 127.0.0.1:${{web_port}}
data_dir: cloud-data
broker: {{host: 127.0.0.1, port: ${{broker_port}}, username: cloud, password_file: cloud.password}}
demo: true
sites:
  - site: {SITE}
    name: {{zh: 测量工地, en: Measuring site}}
    time_zone: Asia/Shanghai
    gateways: [{GATEWAY_ID}]
"""

_GATEWAY = f"""\
site: {SITE}
gateway: {GATEWAY_ID}
data_dir: {GATEWAY_ID}-data
broker:
  host: 127.0.0.1
  port: ${{broker_port}}
  username: {SITE}/{GATEWAY_ID}
  password_file: {GATEWAY_ID}.password
outputs: [{{driver: log, file: outputs.jsonl}}]
rules: [{RULES_FILE}]
buses:
"""

_SCENARIO = """\
scenario: jump
seed: 7
step_ms: 5
buses:
"""


def jumping_site(cranes: int, *, interval_ms: int, stay_s: tuple[float, float]) -> SiteConfiguration:
    """So many cranes, each on a bus of its own; a load stays `stay_s` (least, most) seconds on each side."""
    return SiteConfiguration(
        site=SITE,
        gateway_id=GATEWAY_ID,
        scenario=_SCENARIO + "".join(_simulated(n, stay_s) for n in range(cranes)),
        gateway=_GATEWAY + "".join(_polled(n, interval_ms) for n in range(cranes)),
        cloud=_CLOUD,
    )


def write_rules(folder: Path) -> None:
    """The rule pack that the gateway's configuration names."""
    (folder / RULES_FILE).write_text(_RULES, encoding="utf-8")


def _simulated(n: int, stay_s: tuple[float, float]) -> str:
    shortest, longest = stay_s
    return f"""\
  - bus: bus-{n}
    devices:
      - device: crane-{n}
        profile: reference-tower-crane
        unit: 1
        load_chart: tc5610-like
        physics:
          kind: steps
          point: load
          below: 1.0
          beyond: 3.2
          below_s: [{shortest}, {longest}]
          beyond_s: [{shortest}, {longest}]
          steady: {{radius: {RADIUS_M}, falls: 4, hook_height: 10, wind_speed: 4}}
        watch: {{load_ratio: [{LIMIT_PERCENT}]}}
"""


def _polled(n: int, interval_ms: int) -> str:
    return f"""\
  - bus: bus-{n}
    modbus: {{transport: tcp, host: 127.0.0.1, port: ${{bus_bus_{n}_port}}, timeout_ms: 500}}
    devices:
      - device: crane-{n}
        profile: reference-tower-crane
        unit: 1
        interval_ms: {interval_ms}
        label: {{zh: {n}号塔机, en: Crane {n}}}
        load_chart: tc5610-like
        layout: {{kind: crane, x_m: {20 * n}, y_m: 0, jib_m: 56, counter_jib_m: 13, mast_m: 40}}
"""
