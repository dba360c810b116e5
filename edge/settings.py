"""What `gateway.yaml` may say, as it is written; `edge.config` checks what it means."""

from typing import Annotated, Literal

import msgspec

from edge.vision.settings import CameraEntry, VisionSettings
from sitewarden.collision.model import Braking, CraneBuild, Obstacle
from sitewarden.instruments import Instruments
from sitewarden.messages import Commissioning
from sitewarden.profiles.model import Name
from sitewarden.rules.model import LimitChange
from sitewarden.text import Text
from sitewarden.topics import Mode

Port = Annotated[int, msgspec.Meta(ge=1, le=65535, description="a port number from 1 to 65535")]
Unit = Annotated[int, msgspec.Meta(ge=1, le=247, description="a unit number from 1 to 247")]
Milliseconds = Annotated[int, msgspec.Meta(ge=20, le=86_400_000, description="milliseconds, 20 to 86400000")]
Timeout = Annotated[int, msgspec.Meta(ge=10, le=10_000, description="milliseconds, 10 to 10000")]
Quiet = Annotated[int, msgspec.Meta(ge=0, le=10_000, description="milliseconds, 0 to 10000")]
Baudrate = Annotated[int, msgspec.Meta(ge=300, le=921_600, description="bits a second, 300 to 921600")]
Pin = Annotated[int, msgspec.Meta(ge=0, le=27, description="a GPIO number (BCM) from 0 to 27")]
Metres = Annotated[float, msgspec.Meta(description="a number of metres")]


class _Checked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every record of the file has in common: it does not change, and it knows its keys."""


class BrokerAddress(_Checked, frozen=True, kw_only=True):
    """Where the MQTT broker is and as whom the gateway logs in."""

    host: str
    port: Port = 1883
    username: str | None = None
    password_file: str | None = None
    ca_file: str | None = None
    """Certificates that the broker's is checked against; given, the connection is TLS."""
    certificate_file: str | None = None
    """The gateway's own certificate and its key (PEM, both in one file), instead of a password; the agent
    renews it in place."""
    cloud: str | None = None
    """The address at which the agent renews its certificate and to which it brings pictures of cameras, as
    `sitewarden edge enrol` was told."""
    cloud_ca_file: str | None = None
    """Certificates that the cloud's is checked against; left out, those of this machine."""


class LogOutput(_Checked, frozen=True, kw_only=True, tag_field="driver", tag="log"):
    """Siren and lamp as lines in a file."""

    file: str


class GpioOutput(_Checked, frozen=True, kw_only=True, tag_field="driver", tag="gpio"):
    """Siren and lamp on two pins of a Raspberry Pi."""

    siren_pin: Pin
    lamp_pin: Pin
    acknowledge_pin: Pin | None = None
    """A button to ground, by which somebody at the siren says that they know."""


OutputSettings = LogOutput | GpioOutput


class SirenSettings(_Checked, frozen=True, kw_only=True):
    """How long people are made to listen."""

    max_on_s: Annotated[int, msgspec.Meta(ge=60, le=86_400, description="seconds, 60 to 86400")] = 900
    """A continuous tone of one alarm ends after so long: horns burn out, and those that never end are torn
    off the wall."""


class PageSettings(_Checked, frozen=True, kw_only=True):
    """The gateway's own page, for people on site when there is no internet."""

    host: str = "127.0.0.1"
    """The address to serve on; other than loopback it needs a `pin_file`."""
    port: Port = 8089
    pin_file: str | None = None
    """One line, readable by the agent's account only; whoever acknowledges or tests has to know it."""


class ModbusTcp(_Checked, frozen=True, kw_only=True, tag_field="transport", tag="tcp"):
    """Modbus TCP to a device, or to a converter with several units behind it."""

    host: str
    port: Port = 502
    timeout_ms: Timeout = 500


class ModbusRtu(_Checked, frozen=True, kw_only=True, tag_field="transport", tag="rtu"):
    """Modbus RTU on a serial line, one or more units on it."""

    serial: str
    """The serial line, such as `/dev/ttyUSB0`."""
    baudrate: Baudrate = 9600
    parity: Literal["none", "even", "odd"] = "none"
    stop_bits: Literal[1, 2] = 1
    timeout_ms: Timeout = 500
    quiet_ms: Quiet = 500
    """RTU answers carry no number: after one that did not come, the line is left alone for so long."""


class ModbusRtuOverTcp(_Checked, frozen=True, kw_only=True, tag_field="transport", tag="rtu-over-tcp"):
    """Modbus RTU frames through a serial server that knows nothing of Modbus."""

    host: str
    port: Port
    timeout_ms: Timeout = 500
    quiet_ms: Quiet = 500
    """As on a serial line."""


ModbusSettings = ModbusTcp | ModbusRtu | ModbusRtuOverTcp

Listen = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^(\[[0-9a-fA-F:.%a-z]+\]|[^:\s]+):[0-9]{1,5}$",
        description="host:port, such as 0.0.0.0:9212",
    ),
]
BodyBytes = Annotated[int, msgspec.Meta(ge=64, le=262_144, description="bytes, 64 to 262144")]
Connections = Annotated[int, msgspec.Meta(ge=1, le=1000, description="connections, 1 to 1000")]


class Hj212Server(_Checked, frozen=True, kw_only=True):
    """Where HJ 212 stations connect to."""

    listen: Listen
    connections: Connections = 16
    """At a time; for one more, a stranger of whoever holds most of them gives way, or it is refused."""
    password_file: str | None = None
    """One line that every packet's PW must be; left out, any is taken."""


class FrameServer(_Checked, frozen=True, kw_only=True):
    """Where devices with frames of their maker's connect to."""

    protocol: Name
    """`goyo`, or one that is installed as an entry point of `sitewarden.drivers`."""
    listen: Listen
    connections: Connections = 16
    """At a time; for one more, a stranger of whoever holds most of them gives way, or it is refused."""


class MqttJson(_Checked, frozen=True, kw_only=True):
    """The broker on which devices publish JSON; not the one that the gateway itself reports to."""

    host: str
    port: Port = 1883
    username: str | None = None
    password_file: str | None = None
    ca_file: str | None = None
    """Certificates that the broker's is checked against; given, the connection is TLS."""
    max_body_bytes: BodyBytes = 16_384
    """A larger message is refused unread."""


class HttpPush(_Checked, frozen=True, kw_only=True):
    """Where devices push JSON to: `POST /push/{identity}` with `Authorization: Bearer` and their token."""

    listen: Listen
    connections: Connections = 16
    """At a time; for one more, a stranger of whoever holds most of them gives way, or it is refused."""
    max_body_bytes: BodyBytes = 16_384
    """A larger body is refused unread."""


SpeakingSettings = Hj212Server | FrameServer | MqttJson | HttpPush


class CraneLayout(_Checked, frozen=True, kw_only=True, tag_field="kind", tag="crane"):
    """Where a tower crane stands and how large it is, for the pages to draw; metres on the site's grid."""

    x_m: Metres
    y_m: Metres
    jib_m: Metres
    counter_jib_m: Metres
    mast_m: Metres


class PitLayout(_Checked, frozen=True, kw_only=True, tag_field="kind", tag="pit"):
    """The outline of a foundation pit and where its points are, for the pages; metres on the site's grid."""

    outline_m: list[tuple[Metres, Metres]]
    depth_m: Metres
    points_m: dict[str, tuple[Metres, Metres]] = {}


class PlaceLayout(_Checked, frozen=True, kw_only=True, tag_field="kind", tag="place"):
    """Where any other device stands."""

    x_m: Metres
    y_m: Metres


Layout = CraneLayout | PitLayout | PlaceLayout


class DangerousZone(_Checked, frozen=True, kw_only=True):
    """When it is dangerous to be in a zone of a positioning system."""

    always: bool = False
    """Nobody may ever be there."""
    while_alarmed: list[Name] = []
    """Nobody may be there while an alarm of one of these devices stands."""
    level: Annotated[int, msgspec.Meta(ge=1, le=4, description="an alarm level from 1 to 4")] = 3
    """… of this level or above."""


class DeviceEntry(_Checked, frozen=True, kw_only=True):
    """A device as the file has it."""

    device: Name
    profile: str
    unit: Unit | None = None
    """Of a polled device: its number on the bus."""
    identity: str | None = None
    """Of a speaking device: by what it names itself, such as the MN of HJ 212, or its topic."""
    token_file: str | None = None
    """Of a device that pushes over HTTP: one line, readable by the agent's account only."""
    label: Text | None = None
    interval_ms: Milliseconds | None = None
    load_chart: str | None = None
    parameters: dict[str, float | str] = {}
    """What the rule packs ask for: control values of the design, classes, a depth."""
    point_parameters: dict[str, dict[str, float | str]] = {}
    """The same for one point, by its key: it wins over the device's there, and in what is derived from it."""
    zero: dict[str, float] = {}
    instruments: Instruments = Instruments()
    """What hangs where in a pit, and what the certificates give."""
    history: str | None = None
    commissioning: Commissioning = "in_use"
    """`trial` (试运行): it is read and judged, and its alarms, marked as tests, sound nothing."""
    out_of_service: list[str] = []
    """Points under maintenance: read and recorded, and no alarm of theirs is raised."""
    unused: list[str] = []
    """Points to which nothing is connected: not read, not declared, not judged."""
    layout: Layout | None = None
    zones: dict[str, DangerousZone] = {}
    """Of a positioning system: by the key of a zone's head-count, when it is dangerous to be there."""


class BusEntry(_Checked, frozen=True, kw_only=True):
    """A bus as the file has it; exactly one of its ways to speak is given."""

    bus: Name
    modbus: ModbusSettings | None = None
    """The gateway asks."""
    hj212: Hj212Server | None = None
    """HJ 212 stations connect and speak, as with the rest of these."""
    frames: FrameServer | None = None
    mqtt_json: MqttJson | None = None
    http_push: HttpPush | None = None
    devices: Annotated[list[DeviceEntry], msgspec.Meta(min_length=1, description="at least one device")]

    @property
    def speaking(self) -> SpeakingSettings | None:
        """How its devices speak by themselves, where they do."""
        return self.hj212 or self.frames or self.mqtt_json or self.http_push


class GroupCrane(_Checked, frozen=True, kw_only=True):
    """A tower crane of a group; where it stands and how far it reaches is in its `layout`."""

    crane: Name
    """The device."""
    ground_m: Metres
    """Its base, above the zero of the site's grid."""
    build: CraneBuild
    braking: Braking


class CraneGroup(_Checked, frozen=True, kw_only=True):
    """Tower cranes that can reach one another, on whatever buses of this gateway."""

    group: Name
    cranes: Annotated[list[GroupCrane], msgspec.Meta(min_length=1, description="at least one crane")]


class ConfigurationSettings(_Checked, frozen=True, kw_only=True):
    """Who says what the gateway reads and judges."""

    owner: Literal["file", "cloud"] = "file"
    """`cloud`: once a version of the cloud is in force, what this file says of buses and rules is not."""
    probation_s: Annotated[int, msgspec.Meta(ge=5, le=3600, description="seconds, 5 to 3600")] = 120
    """A new version is rolled back unless it proves itself for so long."""


class GatewayDocument(_Checked, frozen=True, kw_only=True):
    """What the cloud says in place of the file, by the same keys."""

    rules: list[str]
    limit_changes: list[LimitChange] = []
    profiles: list[str] = []
    buses: Annotated[list[BusEntry], msgspec.Meta(min_length=1, description="at least one bus")]
    crane_groups: list[CraneGroup] = []
    obstacles: list[Obstacle] = []
    cameras: list[CameraEntry] = []
    vision: VisionSettings = VisionSettings()


class GatewayFile(_Checked, frozen=True, kw_only=True):
    """The whole file."""

    site: Name
    gateway: Name
    mode: Mode = "live"
    data_dir: str
    broker: BrokerAddress
    outputs: list[OutputSettings]
    siren: SirenSettings = SirenSettings()
    page: PageSettings | None = None
    """Left out, the gateway serves no page."""
    configuration: ConfigurationSettings = ConfigurationSettings()
    rules: list[str] = []
    limit_changes: list[LimitChange] = []
    """Limits that somebody on site has changed, with author, reason and version."""
    profiles: list[str] = []
    """Folders with profiles of one's own, beside the shipped ones."""
    buses: list[BusEntry] = []
    """None only where the cloud is to say which."""
    crane_groups: list[CraneGroup] = []
    obstacles: list[Obstacle] = []
    """What the cranes of the groups must stay away from."""
    cameras: list[CameraEntry] = []
    vision: VisionSettings = VisionSettings()
    """What looks at the cameras' pictures."""
