"""What a gateway is told to do: `gateway.yaml`, checked until nothing in it can surprise."""

import difflib
import ipaddress
import itertools
import os
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from edge import instruments, itself, zones
from edge.bindings import bind_rules, points_of, subject_of
from edge.drivers.registry import UnknownProtocolError, talk_maker
from edge.grouping import GroupPlan, plan_groups
from edge.settings import (
    BusEntry,
    DeviceEntry,
    FrameServer,
    GatewayFile,
    GpioOutput,
    Hj212Server,
    HttpPush,
    LogOutput,
    ModbusRtu,
    ModbusSettings,
    ModbusTcp,
    MqttJson,
    OutputSettings,
    PageSettings,
    PitLayout,
    SirenSettings,
    SpeakingSettings,
)
from edge.zones import Danger
from sitewarden import documents
from sitewarden.charts import load_chart
from sitewarden.derived import (
    CONTROLS,
    DISPLACEMENTS,
    TILTS,
    DerivedPoint,
    InputMissingError,
    Instruments,
    Subject,
    Threshold,
    thresholds,
)
from sitewarden.errors import ConfigurationError
from sitewarden.loadchart import LoadChart
from sitewarden.messages import DeviceSetup, PointBirth
from sitewarden.parameters import NO_POINTS, ByPoint, point_key
from sitewarden.profiles import ModbusProfile, Profile, load_profiles
from sitewarden.profiles.model import SPEAKING, FrameProfile, Hj212Profile, JsonProfile, SpeakingProfile
from sitewarden.rules.binding import ParameterMissingError, asked_of, change_unmeant, limit_unmeant
from sitewarden.rules.describe import word
from sitewarden.rules.model import Bad, Bit, BoundRule, LimitChange, Rule
from sitewarden.rules.packs import RulePack, load_pack
from sitewarden.text import Text
from sitewarden.topics import Mode

SLOW_MS = 10_000
"""A device that may take longer to answer cannot share its bus."""
LEAST_TOKEN = 16
"""Characters of a device's token."""
LONGEST_IDENTITY = 128
LEAST_PIN = 6
"""Characters: at one try in five seconds and more, guessing takes months."""


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """A device, everything about it looked up and checked."""

    name: str
    profile: Profile
    label: Text
    intervals_ms: Mapping[str, int]
    """By poll group."""
    chart: LoadChart | None
    zero: Mapping[str, float]
    """Zero readings by key, in the unit of the point: of displacements (mm), and of tilts (°) where given."""
    parameters: Mapping[str, float | str]
    """What the site gives to rules and derivations."""
    point_parameters: ByPoint = NO_POINTS
    """The same by the key of a point, which win there."""
    instruments: Instruments = Instruments()
    """What hangs where in a pit, and what the certificates give."""
    points: tuple[PointBirth, ...]
    """Raw and derived."""
    group_points: tuple[DerivedPoint, ...] = ()
    """Those of `points` that a crane has from its group, and a positioning system from its zones."""
    danger: Danger | None = None
    """Which of its zones are dangerous, and when."""
    rules: tuple[BoundRule, ...]
    unjudged: tuple[str, ...] = ()
    """Why rules of the packs do not hold for this device, though it has what they watch."""
    out_of_service: frozenset[str] = frozenset()
    """Points whose alarms are not raised."""
    history: Path | None
    layout: Mapping[str, Any]
    setup: DeviceSetup = DeviceSetup()
    """As the file has it, for the cloud to know."""


class PolledDevice(Device, frozen=True, kw_only=True):
    """A device that is asked."""

    profile: ModbusProfile
    unit: int


class SpeakingDevice(Device, frozen=True, kw_only=True):
    """A device that speaks by itself."""

    profile: SpeakingProfile
    identity: str
    """By what it names itself."""
    token: str | None = None
    """By what it shows that it is the one; never printed."""


class Bus(msgspec.Struct, frozen=True, kw_only=True):
    """A line to one or more devices."""

    name: str
    modbus: ModbusSettings
    devices: tuple[PolledDevice, ...]

    @property
    def settle_s(self) -> float:
        """How long its devices want to be left alone after a connection."""
        return max(device.profile.modbus.pause_after_connect_ms for device in self.devices) / 1000

    @property
    def longest_answer_s(self) -> float:
        """How long a reading may take to come after it was asked for."""
        asked = (device.profile.modbus.answer_ms or 0 for device in self.devices)
        return (self.modbus.timeout_ms + max(asked)) / 1000


class Ear(msgspec.Struct, frozen=True, kw_only=True):
    """Where devices speak to that nobody asks; in the file it is a bus as any other."""

    name: str
    settings: SpeakingSettings
    secret: str | None = None
    """The password of the broker or of the packets; never printed."""
    ca_file: Path | None = None
    devices: tuple[SpeakingDevice, ...]


class Broker(msgspec.Struct, frozen=True, kw_only=True):
    """The broker with the password read; never printed."""

    host: str
    port: int
    username: str | None
    password: str | None
    ca_file: Path | None


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """The gateway's own page with the PIN read; never printed."""

    host: str
    port: int
    pin: str | None


class Gateway(msgspec.Struct, frozen=True, kw_only=True):
    """All that the agent works from."""

    site: str
    name: str
    mode: Mode
    data_dir: Path
    broker: Broker
    outputs: tuple[OutputSettings, ...]
    """With their files made absolute."""
    siren: SirenSettings = SirenSettings()
    page: Page | None = None
    buses: tuple[Bus, ...]
    ears: tuple[Ear, ...] = ()
    groups: tuple[GroupPlan, ...] = ()
    itself: Device | None = None
    """What it says of itself; nothing in a replay, whose clock is the recorded one."""

    @property
    def devices(self) -> Iterator[Device]:
        """Every device of every bus, those that are asked first."""
        polled = (device for bus in self.buses for device in bus.devices)
        return itertools.chain(polled, (device for ear in self.ears for device in ear.devices))

    @property
    def judged(self) -> Iterator[Device]:
        """Every device, and the gateway itself where it says something."""
        yield from self.devices
        if self.itself is not None:
            yield self.itself


def load_gateway(file: Path, *, with_secrets: bool = True) -> Gateway:
    """Read and check `gateway.yaml`; raises `ConfigurationError` at the first thing that cannot be meant.

    Without secrets password and PIN stay unread, for whoever only wants to know what is connected.
    """
    return _Check(documents.read(file, GatewayFile), with_secrets=with_secrets).gateway()


class _Known(NamedTuple):
    """What a file may refer to."""

    profiles: Mapping[str, Profile]
    packs: list[RulePack]


class _Askable(NamedTuple):
    """Parameters that something asks for at one place."""

    rules: Collection[str]
    thresholds: Mapping[str, Threshold]
    choices: Mapping[str, Sequence[float | str]]
    controls: Collection[str] = ()
    """Control values of displacement, which forecasts ask for too."""

    @property
    def names(self) -> set[str]:
        """All of them."""
        return {*self.rules, *self.thresholds, *self.controls}


class _Check:
    """One file under check: what it says, where it lies, and what it may refer to."""

    def __init__(self, document: documents.Document[GatewayFile], *, with_secrets: bool) -> None:
        self._document, self._file = document, document.value
        self._with_secrets = with_secrets
        self._folder = document.file.resolve().parent
        self._group_points: dict[str, tuple[DerivedPoint, ...]] = {}
        """By device."""

    def gateway(self) -> Gateway:
        for error in (
            *self._spoken_unclearly(),
            *self._named_twice(),
            *self._outputs_unusable(),
            *self._unreplayable(),
        ):
            raise error
        profiles = load_profiles(*(self._profile_folders()))
        packs = self._packs()
        for error in (
            *self._unknown_profiles(profiles),
            *self._protocols_unknown(),
            *self._parameters_unmeant(profiles, packs),
            *self._changes_unmeant(packs),
        ):
            raise error
        groups = plan_groups(self._file, profiles, self._error)
        for group in groups:
            self._group_points |= group.points()
        return Gateway(
            site=self._file.site,
            name=self._file.gateway,
            mode=self._file.mode,
            data_dir=self._data_dir(),
            broker=self._broker(),
            outputs=tuple(self._placed(settings) for settings in self._file.outputs),
            siren=self._file.siren,
            page=None if self._file.page is None else self._page(self._file.page),
            buses=tuple(
                self._bus(i, entry, entry.modbus, _Known(profiles, packs))
                for i, entry in enumerate(self._file.buses)
                if entry.modbus is not None
            ),
            ears=tuple(
                self._ear(i, entry, entry.speaking, _Known(profiles, packs))
                for i, entry in enumerate(self._file.buses)
                if entry.speaking is not None
            ),
            groups=groups,
            itself=None if self._file.mode == "replay" else self._itself(packs),
        )

    def _itself(self, packs: list[RulePack]) -> Device:
        name = self._file.gateway
        points = itself.points_of(name)
        for error in self._changes_misplaced(name, points, packs):
            raise error
        # Rules on its own kinds only: one on any device means those that are read.
        own = [
            msgspec.structs.replace(pack, rules=[r for r in pack.rules if r.watch.startswith(itself.KIND)])
            for pack in packs
        ]
        raw, changes = {birth.p for birth in points}, self._file.limit_changes
        try:
            rules, _ = bind_rules(points, raw, own, parameters={}, changes=changes)
        except ParameterMissingError as exc:
            raise self._error("rules", str(exc), "Write the number itself: a gateway has none.") from exc
        return Device(
            name=name,
            profile=itself.PROFILE,
            label=itself.label_of(name),
            intervals_ms={},
            chart=None,
            zero={},
            parameters={},
            points=points,
            rules=tuple(rules),
            history=None,
            layout={},
            setup=DeviceSetup(limit_changes=self._changes_of(name)),
        )

    def _data_dir(self) -> Path:
        """A mode has an outbox of its own: what was decided in a test must never go out as live."""
        folder = self._folder / self._file.data_dir
        return folder if self._file.mode == "live" else folder / self._file.mode

    def _error(self, field: str, message: str, mend: str) -> ConfigurationError:
        return self._document.error(field, message, mend)

    def _spoken_unclearly(self) -> Iterator[ConfigurationError]:
        """Each bus speaks in one way, and each of its devices has the name that belongs to that way."""
        for i, bus in enumerate(self._file.buses):
            ways = (bus.modbus, bus.hj212, bus.frames, bus.mqtt_json, bus.http_push)
            if sum(way is not None for way in ways) != 1:
                message = "a bus speaks in one way"
                mend = "Write one of `modbus:`, `hj212:`, `frames:`, `mqtt_json:`, `http_push:`."
                yield self._error(f"buses.{i}", message, mend)
                continue
            for j, entry in enumerate(bus.devices):
                where = f"buses.{i}.devices.{j}"
                yield from self._named_wrongly(where, bus, entry)

    def _named_wrongly(self, where: str, bus: BusEntry, entry: DeviceEntry) -> Iterator[ConfigurationError]:
        if bus.modbus is not None:
            if entry.unit is None:
                yield self._error(f"{where}.unit", "is missing", "Add `unit:`, its number on the bus.")
            if entry.identity is not None:
                message = "a device that is asked names itself by nothing"
                yield self._error(f"{where}.identity", message, "Remove the line; `unit:` is its number.")
            return
        if entry.identity is None:
            yield self._error(f"{where}.identity", "is missing", "Add `identity:`, by what it names itself.")
        elif fault := _identity_fault(bus, entry.identity):
            yield self._error(f"{where}.identity", *fault)
        if entry.unit is not None:
            message = "nobody asks a device that speaks by itself"
            yield self._error(f"{where}.unit", message, "Remove the line; `identity:` is its name.")
        if bus.http_push is not None and entry.token_file is None:
            message = "is missing: whoever reaches the port could say what they like"
            yield self._error(f"{where}.token_file", message, f"Add a file with {LEAST_TOKEN} characters.")

    def _named_twice(self) -> Iterator[ConfigurationError]:
        buses, devices = Counter[str](), Counter[str]()
        units, lines = Counter[tuple[str, int | str | None]](), Counter[str]()
        for i, bus in enumerate(self._file.buses):
            buses[bus.bus] += 1
            for where, line, why in _lines(i, bus):
                lines[line] += 1
                if lines[line] > 1:
                    message = f"`{line}` is already another bus{why}"
                    yield self._error(where, message, "Put all its devices under one bus.")
            if buses[bus.bus] > 1:
                yield self._error(
                    f"buses.{i}.bus", f"there is already a bus `{bus.bus}`", "Give each bus its own name."
                )
            for j, entry in enumerate(bus.devices):
                devices[entry.device] += 1
                called = entry.unit if entry.identity is None else entry.identity
                units[bus.bus, called] += 1
                where = f"buses.{i}.devices.{j}"
                if entry.device == self._file.gateway:
                    message = f"`{entry.device}` is already the gateway, which is a device of its own"
                    yield self._error(f"{where}.device", message, "Give the device another name.")
                if devices[entry.device] > 1:
                    message = f"there is already a device `{entry.device}`"
                    yield self._error(f"{where}.device", message, "Give each device its own name.")
                if units[bus.bus, called] > 1:
                    field = "unit" if entry.identity is None else "identity"
                    message = f"{field} {called} of bus `{bus.bus}` is already a device"
                    yield self._error(
                        f"{where}.{field}", message, f"One {field} is one device; check the number."
                    )

    def _outputs_unusable(self) -> Iterator[ConfigurationError]:
        for i, settings in enumerate(self._file.outputs):
            if isinstance(settings, GpioOutput) and settings.siren_pin == settings.lamp_pin:
                message = f"pin {settings.lamp_pin} already drives the siren"
                yield self._error(f"outputs.{i}.lamp_pin", message, "Give siren and lamp a pin each.")
            if isinstance(settings, GpioOutput) and settings.acknowledge_pin in (
                settings.siren_pin,
                settings.lamp_pin,
            ):
                message = f"pin {settings.acknowledge_pin} already drives siren or lamp"
                yield self._error(f"outputs.{i}.acknowledge_pin", message, "Give the button its own pin.")
            if isinstance(settings, LogOutput) and _is_missing((self._folder / settings.file).parent):
                message = f"the folder of `{settings.file}` does not exist"
                yield self._error(f"outputs.{i}.file", message, "Make the folder, or name another file.")

    def _unreplayable(self) -> Iterator[ConfigurationError]:
        """A past alarm must not sound a siren on a site, and a replay is served over Modbus TCP only."""
        if self._file.mode != "replay":
            return
        for i, settings in enumerate(self._file.outputs):
            if isinstance(settings, GpioOutput):
                message = "would sound a real siren for alarms of the past"
                yield self._error(f"outputs.{i}.driver", message, "In mode replay use `driver: log`.")
        for i, bus in enumerate(self._file.buses):
            if not isinstance(bus.modbus, ModbusTcp):
                message = "a replay is served over Modbus TCP"
                mend = "Write `transport: tcp`, host and port of the replay."
                field = "modbus.transport" if bus.modbus is not None else "bus"
                yield self._error(f"buses.{i}.{field}", message, mend)

    def _placed(self, settings: OutputSettings) -> OutputSettings:
        if isinstance(settings, LogOutput):
            return LogOutput(file=str(self._folder / settings.file))
        return settings

    def _profile_folders(self) -> Iterator[Path]:
        for i, name in enumerate(self._file.profiles):
            folder = self._folder / name
            if not folder.is_dir():
                raise self._error(f"profiles.{i}", f"`{name}` is not a folder", "Name a folder of profiles.")
            yield folder

    def _packs(self) -> list[RulePack]:
        """All that are named; one name stands for one rule, so that an episode says which it was.

        What several packs have word for word, such as the silence of a device, is one rule. The gateway's own
        pack is always among them.
        """
        own = load_pack(itself.PACK, self._folder)
        found: dict[str, tuple[str, Rule]] = {rule.rule: (own.pack, rule) for rule in own.rules}
        packs = [own]
        for i, name in enumerate(self._file.rules):
            if name == itself.PACK:
                continue
            try:
                pack = load_pack(name, self._folder)
            except ConfigurationError as exc:
                raise self._pointed(exc, f"rules.{i}") from exc
            for rule in pack.rules:
                before, same = found.setdefault(rule.rule, (pack.pack, rule))
                if same is not rule and (before == pack.pack or same != rule):
                    message = f"the rule `{rule.rule}` of `{pack.pack}` is already in `{before}`"
                    raise self._error(f"rules.{i}", message, "Name each pack once, each rule its own way.")
            packs.append(pack)
        return packs

    def _pointed(self, exc: ConfigurationError, field: str) -> ConfigurationError:
        """An error without a line of its own (`there is no such pack`) stands where the name was written."""
        return exc if exc.line else self._error(field, exc.message, exc.mend)

    def _unknown_profiles(self, profiles: Mapping[str, Profile]) -> Iterator[ConfigurationError]:
        for i, bus in enumerate(self._file.buses):
            for j, entry in enumerate(bus.devices):
                if entry.profile == itself.PROFILE.profile:
                    # Histories and judgements leave out what is of this profile.
                    message = f"`{entry.profile}` is what a gateway says of itself"
                    yield self._error(
                        f"buses.{i}.devices.{j}.profile", message, "Give the profile another name."
                    )
                elif entry.profile not in profiles:
                    message = f"there is no profile `{entry.profile}`"
                    mend = _nearest(entry.profile, profiles, "Profiles are")
                    yield self._error(f"buses.{i}.devices.{j}.profile", message, mend)

    def _protocols_unknown(self) -> Iterator[ConfigurationError]:
        for i, bus in enumerate(self._file.buses):
            if bus.frames is not None:
                try:
                    talk_maker(bus.frames.protocol)
                except UnknownProtocolError as exc:
                    mend = "Check the name, or install the package that speaks it."
                    yield self._error(f"buses.{i}.frames.protocol", str(exc), mend)

    def _parameters_unmeant(
        self, profiles: Mapping[str, Profile], packs: list[RulePack]
    ) -> Iterator[ConfigurationError]:
        """What is given for whole devices; what is given for points waits until they are known."""
        asked = {name for pack in packs for rule in pack.rules for name in asked_of(rule, pack.tables)}
        for i, bus in enumerate(self._file.buses):
            for j, entry in enumerate(bus.devices):
                kind = profiles[entry.profile].device_kind if entry.profile in profiles else ""
                known = _Askable(asked, _thresholds_of(kind), _choices(packs))
                where = f"buses.{i}.devices.{j}.parameters"
                for name, value in entry.parameters.items():
                    yield from self._parameter_unmeant(f"{where}.{name}", name, value, known)

    def _point_parameters_unmeant(
        self, where: str, entry: DeviceEntry, points: tuple[PointBirth, ...], packs: list[RulePack]
    ) -> Iterator[ConfigurationError]:
        """What is given for a point must be asked for there, or it would be taken for a limit and be none."""
        kinds: dict[str, set[str]] = {}
        for birth in points:
            kinds.setdefault(point_key(birth.p), set()).add(birth.kind)
        for key, given in entry.point_parameters.items():
            at = f"{where}.point_parameters.{key}"
            if key not in kinds:
                yield self._error(at, "is not a point of this device", _nearest(key, kinds, "Points are"))
                continue
            watching = [(r, p.tables) for p in packs for r in p.rules if r.watch in kinds[key]]
            asked = {name for rule, tables in watching for name in asked_of(rule, tables)}
            controls = {CONTROLS[kind] for kind in kinds[key] if kind in CONTROLS}
            known = _Askable(asked, _point_thresholds(kinds[key]), _choices(packs), controls)
            for name, value in given.items():
                yield from self._parameter_unmeant(f"{at}.{name}", name, value, known)

    def _parameter_unmeant(
        self, where: str, name: str, value: float | str, known: "_Askable"
    ) -> Iterator[ConfigurationError]:
        own, choices = known.thresholds.get(name), known.choices.get(name)
        if name not in known.names:
            mend = _nearest(name, known.names, "Parameters are")
            yield self._error(where, "no rule asks for this parameter here, and no derived point", mend)
        elif own is not None and (isinstance(value, str) or not own.allows(value)):
            least, most = own.range
            left_out = "" if own.value is None else f"; left out it is {own.value:g}"
            mend = f"Write a number from {least:g} to {most:g}{left_out}."
            yield self._error(where, f"{value} cannot be meant", mend)
        elif name in known.controls and (isinstance(value, str) or value <= 0):
            yield self._error(where, f"{value} cannot be meant", "Write a number of mm, above 0.")
        elif choices and value not in choices:
            mend = f"Choices are {', '.join(map(word, choices))}."
            yield self._error(where, f"{word(value)} is no choice of `{name}`", mend)

    def _changes_unmeant(self, packs: list[RulePack]) -> Iterator[ConfigurationError]:
        rules = {rule.rule: rule for pack in packs for rule in pack.rules}
        devices = {entry.device for bus in self._file.buses for entry in bus.devices} | {self._file.gateway}
        for i, change in enumerate(self._file.limit_changes):
            where = f"limit_changes.{i}"
            if change.rule not in rules:
                mend = _nearest(change.rule, set(rules), "Rules are")
                yield self._error(f"{where}.rule", f"there is no rule `{change.rule}`", mend)
            elif isinstance(rules[change.rule].condition, Bit | Bad):
                yield self._error(f"{where}.rule", f"`{change.rule}` has no limit", "Change the rule itself.")
            elif (unmeant := change_unmeant(rules[change.rule], change)) is not None:
                field, message, mend = unmeant
                yield self._error(f"{where}.{field}", message, mend)
            elif change.version <= rules[change.rule].version:
                newest = rules[change.rule].version
                message = f"version {change.version} is not above the rule's own, {newest}"
                yield self._error(f"{where}.version", message, f"Write {newest + 1} or more.")
            if change.device is not None and change.device not in devices:
                mend = _nearest(change.device, devices, "Devices are")
                yield self._error(f"{where}.device", f"there is no device `{change.device}`", mend)
            if change.point is not None and change.device is None:
                message = "is missing: points of several devices may have this name"
                yield self._error(f"{where}.device", message, "Name the device of the point.")

    def _changes_misplaced(
        self, device: str, points: tuple[PointBirth, ...], packs: list[RulePack]
    ) -> Iterator[ConfigurationError]:
        """A change of a limit on a point that has no such limit would be believed and do nothing."""
        watched = {rule.rule: rule.watch for pack in packs for rule in pack.rules}
        for i, change in enumerate(self._file.limit_changes):
            if change.device != device or change.point is None:
                continue
            fitting = {point_key(p.p) for p in points if p.kind == watched[change.rule]}
            if change.point not in fitting:
                message = f"`{change.rule}` watches no point `{change.point}` of `{device}`"
                mend = _nearest(change.point, fitting, "It watches")
                yield self._error(f"limit_changes.{i}.point", message, mend)

    def _broker(self) -> Broker:
        settings = self._file.broker
        if settings.password_file is not None and settings.username is None:
            raise self._error("broker.username", "is missing beside a password file", "Add `username:`.")
        return Broker(
            host=settings.host,
            port=settings.port,
            username=settings.username,
            password=self._secret("broker.password_file", settings.password_file),
            ca_file=self._certificates("broker.ca_file", settings.ca_file),
        )

    def _certificates(self, field: str, name: str | None) -> Path | None:
        file = None if name is None else self._folder / name
        if file is not None and not _is_file(file):
            raise self._error(field, f"`{name}` is not a file", "Check the path.")
        return file

    def _page(self, settings: PageSettings) -> Page:
        """Whoever reaches the page can silence a siren, so others than this machine need a PIN."""
        if settings.pin_file is None and not is_loopback(settings.host):
            message = f"others can reach {settings.host}, and nothing asks who they are"
            mend = f"Add `pin_file:`, a file with a PIN of at least {LEAST_PIN} digits, or use 127.0.0.1."
            raise self._error("page.host", message, mend)
        pin = self._secret("page.pin_file", settings.pin_file)
        if pin is not None and len(pin) < LEAST_PIN:
            message = f"the PIN has {len(pin)} characters"
            raise self._error("page.pin_file", message, f"Write one of {LEAST_PIN} or more.")
        return Page(host=settings.host, port=settings.port, pin=pin)

    def _secret(self, field: str, name: str | None) -> str | None:
        if name is None or not self._with_secrets:
            return None
        file = _shown_by_systemd(name) or self._folder / name
        try:
            mode, text = file.stat().st_mode, file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as exc:
            reason = exc.strerror if isinstance(exc, OSError) else "it is not UTF-8 text"
            raise self._error(field, f"`{name}` cannot be read: {reason}", "Check the path.") from exc
        if mode & 0o007:
            raise self._error(field, f"everybody on this machine can use `{name}`", f"chmod 600 {name}")
        password = text.rstrip("\r\n")
        if not password or "\n" in password:
            raise self._error(field, f"`{name}` does not hold one line", "Write the secret only.")
        return password

    def _bus(self, i: int, entry: BusEntry, modbus: ModbusSettings, known: _Known) -> Bus:
        devices = tuple(
            self._polled(f"buses.{i}.devices.{j}", device, entry, known)
            for j, device in enumerate(entry.devices)
        )
        for j, device in enumerate(devices):
            answer_ms = device.profile.modbus.answer_ms or 0
            if len(devices) > 1 and answer_ms > SLOW_MS:
                model = f"`{device.profile.profile}` may take {answer_ms / 1000:g} s to answer"
                message = f"{model}, and nobody else on the bus is heard meanwhile"
                raise self._error(f"buses.{i}.devices.{j}.profile", message, "Give it a bus of its own.")
        return Bus(name=entry.bus, modbus=modbus, devices=devices)

    def _polled(self, where: str, entry: DeviceEntry, bus: BusEntry, known: _Known) -> PolledDevice:
        profile = known.profiles[entry.profile]
        assert bus.modbus is not None  # noqa: S101  # else the bus is an ear
        assert entry.unit is not None  # noqa: S101  # it was refused otherwise
        if not isinstance(profile, ModbusProfile):
            raise self._other_protocol(where, profile, "a bus of Modbus")
        for error in self._transport_not_offered(where, bus.modbus, profile):
            raise error
        return PolledDevice(**self._device(where, entry, bus, known), unit=entry.unit)

    def _ear(self, i: int, entry: BusEntry, settings: SpeakingSettings, known: _Known) -> Ear:
        where, secret, ca_file = f"buses.{i}", None, None
        if isinstance(settings, Hj212Server):
            secret = self._secret(f"{where}.hj212.password_file", settings.password_file)
        if isinstance(settings, MqttJson):
            if settings.password_file is not None and settings.username is None:
                message = "is missing beside a password file"
                raise self._error(f"{where}.mqtt_json.username", message, "Add `username:`.")
            secret = self._secret(f"{where}.mqtt_json.password_file", settings.password_file)
            ca_file = self._certificates(f"{where}.mqtt_json.ca_file", settings.ca_file)
        devices = tuple(
            self._speaking(f"{where}.devices.{j}", device, entry, known)
            for j, device in enumerate(entry.devices)
        )
        return Ear(name=entry.bus, settings=settings, secret=secret, ca_file=ca_file, devices=devices)

    def _speaking(self, where: str, entry: DeviceEntry, bus: BusEntry, known: _Known) -> SpeakingDevice:
        profile = known.profiles[entry.profile]
        if not isinstance(profile, SPEAKING) or not _speaks(profile, bus.speaking):
            raise self._other_protocol(where, profile, "this bus")
        token = self._secret(f"{where}.token_file", entry.token_file)
        if token is not None and len(token) < LEAST_TOKEN:
            message = f"the token has {len(token)} characters"
            raise self._error(f"{where}.token_file", message, f"Write one of {LEAST_TOKEN} or more.")
        assert entry.identity is not None  # noqa: S101  # it was refused otherwise
        return SpeakingDevice(**self._device(where, entry, bus, known), identity=entry.identity, token=token)

    def _other_protocol(self, where: str, profile: Profile, bus: str) -> ConfigurationError:
        speaks = _protocol_of(profile)
        message = f"`{profile.profile}` speaks {speaks}, and {bus} does not"
        return self._error(f"{where}.profile", message, f"Put it under a bus of {speaks}.")

    def _device(self, where: str, entry: DeviceEntry, bus: BusEntry, known: _Known) -> dict[str, Any]:
        """What every device has, by the names of its fields."""
        profile = self._without_unused(where, entry, known.profiles[entry.profile])
        for error in (
            *self._chart_misplaced(where, entry, profile),
            *self._instruments_unfit(where, entry, profile),
            *self._zero_misplaced(where, entry, profile),
            *self._layout_misplaced(where, entry, profile),
        ):
            raise error
        intervals = {name: entry.interval_ms or group.interval_ms for name, group in profile.groups.items()}
        chart = self._chart(where, entry)
        subject = subject_of(
            entry.device,
            profile,
            intervals,
            chart=chart,
            zero=entry.zero,
            parameters=entry.parameters,
            point_parameters=entry.point_parameters,
            instruments=entry.instruments,
        )
        group_points = self._group_points.get(entry.device, ()) + self._zone_points(where, entry, profile)
        points = (*self._points(where, profile, subject), *(point.birth() for point in group_points))
        for error in (
            *self._point_parameters_unmeant(where, entry, points, known.packs),
            *self._changes_misplaced(entry.device, points, known.packs),
        ):
            raise error
        rules, unjudged = self._bound(where, entry, profile, points, known.packs)
        device = Device(
            name=entry.device,
            profile=profile,
            label=entry.label or Text(entry.device, entry.device),
            intervals_ms=intervals,
            chart=chart,
            zero=dict(entry.zero),
            parameters=dict(entry.parameters),
            point_parameters=dict(entry.point_parameters),
            instruments=entry.instruments,
            points=points,
            group_points=group_points,
            danger=Danger(zones=entry.zones) if entry.zones else None,
            rules=tuple(rules),
            unjudged=tuple(unjudged),
            out_of_service=self._out_of_service(where, entry, points),
            history=self._folder / entry.history if entry.history else None,
            layout=msgspec.to_builtins(entry.layout) if entry.layout else {},
            setup=DeviceSetup(
                bus=bus.bus,
                unit=entry.unit,
                identity=entry.identity,
                intervals_ms=intervals,
                unused=entry.unused,
                load_chart=entry.load_chart,
                parameters=entry.parameters,
                point_parameters=entry.point_parameters,
                limit_changes=self._changes_of(entry.device),
                zero=entry.zero,
                instruments=entry.instruments,
                crane_group=self._crane_group(entry.device),
            ),
        )
        return msgspec.structs.asdict(device)

    def _changes_of(self, device: str) -> list[LimitChange]:
        return [change for change in self._file.limit_changes if change.device in (None, device)]

    def _crane_group(self, device: str) -> dict[str, Any]:
        """The whole group that a crane is in, for the cloud to know; empty where it is in none."""
        for group in self._file.crane_groups:
            if any(crane.crane == device for crane in group.cranes):
                return {**msgspec.to_builtins(group), "obstacles": msgspec.to_builtins(self._file.obstacles)}
        return {}

    def _out_of_service(
        self, where: str, entry: DeviceEntry, points: tuple[PointBirth, ...]
    ) -> frozenset[str]:
        known = {birth.p.partition("/")[2] for birth in points}
        for i, key in enumerate(entry.out_of_service):
            if key not in known:
                mend = _nearest(key, known, "Points are")
                raise self._error(f"{where}.out_of_service.{i}", f"`{key}` is not a point of it", mend)
        return frozenset(f"{entry.device}/{key}" for key in entry.out_of_service)

    def _without_unused(self, where: str, entry: DeviceEntry, profile: Profile) -> Profile:
        for i, key in enumerate(entry.unused):
            if key not in profile.points:
                mend = _nearest(key, profile.points, "Points are")
                raise self._error(f"{where}.unused.{i}", f"`{key}` is not a point of this profile", mend)
        used = {key: point for key, point in profile.points.items() if key not in entry.unused}
        if not used:
            raise self._error(f"{where}.unused", "leaves no point to read", "Remove the device instead.")
        return msgspec.structs.replace(profile, points=used)

    def _transport_not_offered(
        self, where: str, modbus: ModbusSettings, profile: ModbusProfile
    ) -> Iterator[ConfigurationError]:
        transport = transport_of(modbus)
        if self._file.mode == "replay":
            return  # the line is the simulator's, not the maker's
        if transport not in profile.modbus.transports:
            offered = ", ".join(profile.modbus.transports)
            message = f"`{profile.profile}` does not speak Modbus over {transport}, only over {offered}"
            yield self._error(f"{where}.profile", message, "Use a bus of that transport.")

    def _chart_misplaced(
        self, where: str, entry: DeviceEntry, profile: Profile
    ) -> Iterator[ConfigurationError]:
        is_crane = profile.device_kind == "crane"
        if is_crane and entry.load_chart is None:
            message = "a crane needs its load chart, or no overload can be seen"
            yield self._error(f"{where}.load_chart", message, "Add `load_chart:`, a name or a file.")
        if not is_crane and entry.load_chart is not None:
            message = f"`{profile.profile}` is no crane and has no load chart"
            yield self._error(f"{where}.load_chart", message, "Remove the line.")

    def _instruments_unfit(
        self, where: str, entry: DeviceEntry, profile: Profile
    ) -> Iterator[ConfigurationError]:
        for fault in instruments.faults(entry.instruments, profile):
            yield self._error(f"{where}.instruments.{fault.field}", fault.message, fault.mend)

    def _zero_misplaced(
        self, where: str, entry: DeviceEntry, profile: Profile
    ) -> Iterator[ConfigurationError]:
        wanted = {key for key, point in profile.points.items() if point.kind in DISPLACEMENTS}
        wanted |= instruments.zeroed(entry.instruments)
        possible = wanted | {key for key, point in profile.points.items() if point.kind in TILTS}
        for key in entry.zero.keys() - possible:
            mend = _nearest(key, possible, "Points with a zero are")
            message = "is not a displacement point of this profile, nor one of tilt or level"
            yield self._error(f"{where}.zero.{key}", message, mend)
        missing = sorted(wanted - entry.zero.keys())
        if missing:
            message = f"the zero reading of {', '.join(missing)} is missing"
            mend = "Give each one's first reading (mm, of tilt °), or name it under `unused:`."
            yield self._error(f"{where}.zero", message, mend)

    def _layout_misplaced(
        self, where: str, entry: DeviceEntry, profile: Profile
    ) -> Iterator[ConfigurationError]:
        if not isinstance(entry.layout, PitLayout):
            return
        for key in entry.layout.points_m.keys() - profile.points.keys():
            mend = _nearest(key, profile.points, "Points are")
            yield self._error(f"{where}.layout.points_m.{key}", "is not a point of this profile", mend)

    def _zone_points(self, where: str, entry: DeviceEntry, profile: Profile) -> tuple[DerivedPoint, ...]:
        devices = {device.device for bus in self._file.buses for device in bus.devices}
        counted = {key: p.label for key, p in profile.points.items() if p.kind == zones.COUNTED}
        for key, zone in entry.zones.items():
            field = f"{where}.zones.{key}"
            if key not in counted:
                mend = _nearest(key, set(counted), "Zones are")
                raise self._error(field, "is not a zone of this profile", mend)
            for i, name in enumerate(zone.while_alarmed):
                if name not in devices:
                    mend = _nearest(name, devices, "Devices are")
                    raise self._error(f"{field}.while_alarmed.{i}", f"there is no device `{name}`", mend)
            if not zone.always and not zone.while_alarmed:
                mend = "Write `always: true`, or `while_alarmed:` with devices."
                raise self._error(field, "is never dangerous", mend)
        stale_ms = min((profile.stale_after_ms(key) for key in entry.zones), default=0)
        return zones.points_of(entry.device, entry.zones, counted, stale_ms)

    def _chart(self, where: str, entry: DeviceEntry) -> LoadChart | None:
        if entry.load_chart is None:
            return None
        try:
            return load_chart(entry.load_chart, self._folder)
        except ConfigurationError as exc:
            raise self._pointed(exc, f"{where}.load_chart") from exc

    def _points(self, where: str, profile: Profile, subject: Subject) -> tuple[PointBirth, ...]:
        try:
            return points_of(subject)
        except InputMissingError as exc:
            message = f"in the profile `{profile.profile}` {exc}"
            mend = "A crane's ratios need load, radius and falls."
            raise self._error(f"{where}.profile", message, mend) from exc

    def _bound(
        self,
        where: str,
        entry: DeviceEntry,
        profile: Profile,
        points: tuple[PointBirth, ...],
        packs: list[RulePack],
    ) -> tuple[list[BoundRule], list[str]]:
        raw = {f"{entry.device}/{key}" for key in profile.points}
        try:
            bound, unjudged = bind_rules(
                points,
                raw,
                packs,
                parameters=entry.parameters,
                point_parameters=entry.point_parameters,
                changes=self._file.limit_changes,
            )
        except ParameterMissingError as exc:
            mend = f"Add `{exc.parameter}:` with the design engineer's value."
            if entry.point_parameters and exc.key:
                mend = f"{mend[:-1]}, here or for `{exc.key}` under `point_parameters:`."
            raise self._error(f"{where}.parameters", str(exc), mend) from exc
        for one in bound:
            if (message := limit_unmeant(one)) is not None:
                raise self._error(
                    f"{where}.parameters", message, "Write the design engineer's value, above 0."
                )
        return bound, unjudged


def _shown_by_systemd(name: str) -> Path | None:
    """A secret of that name that the service was given (`LoadCredential=`): it wins over one beside us."""
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    shown = None if folder is None else Path(folder) / name
    return shown if shown is not None and Path(name).name == name and shown.is_file() else None


def _thresholds_of(device_kind: str) -> dict[str, Threshold]:
    return {name: one for name, one in thresholds().items() if device_kind in one.devices}


def _point_thresholds(kinds: Collection[str]) -> dict[str, Threshold]:
    return {name: one for name, one in thresholds().items() if not one.points.isdisjoint(kinds)}


def _choices(packs: Iterable[RulePack]) -> dict[str, Sequence[float | str]]:
    return {name: declared.choices for pack in packs for name, declared in pack.parameters.items()}


def _is_missing(folder: Path) -> bool:
    """Whether there is no such folder; what is closed to whoever checks may be open to the agent."""
    try:
        return not folder.is_dir()
    except PermissionError:
        return False


def _is_file(file: Path) -> bool:
    """Whether it is a file that can be seen."""
    try:
        return file.is_file()
    except PermissionError:
        return False


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach what is served there; a name other than `localhost` may lie."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def transport_of(modbus: ModbusSettings) -> str:
    """The word by which the file names a transport."""
    return str(modbus.__struct_config__.tag)


def address_of(modbus: ModbusSettings) -> str:
    """Where a bus leads, for people."""
    if isinstance(modbus, ModbusRtu):
        bits = f"8{modbus.parity[0].upper()}{modbus.stop_bits}"
        return f"{modbus.serial} at {modbus.baudrate} {bits}"
    return f"{modbus.host}:{modbus.port}"


def listening_address(listen: str) -> tuple[str, int]:
    """Host and port of a `listen:`."""
    host, _, port = listen.rpartition(":")
    return host.strip("[]"), int(port)


def way_of(settings: SpeakingSettings) -> str:
    """How devices speak to an ear and where, for people."""
    match settings:
        case Hj212Server():
            return f"HJ 212 on {settings.listen}"
        case FrameServer():
            return f"frames of {settings.protocol} on {settings.listen}"
        case MqttJson():
            tls = " over TLS" if settings.ca_file else ""
            return f"MQTT with JSON from {settings.host}:{settings.port}{tls}"
        case HttpPush():
            return f"JSON pushed over HTTP to {settings.listen}"


def _lines(i: int, bus: BusEntry) -> Iterator[tuple[str, str, str]]:
    """What nobody else may have: field, name, and what would come of two."""
    if isinstance(bus.modbus, ModbusRtu):
        yield f"buses.{i}.modbus", bus.modbus.serial, ", and two masters on one line hear each other"
    elif bus.modbus is not None and not isinstance(bus.modbus, ModbusTcp):
        yield f"buses.{i}.modbus", address_of(bus.modbus), ", and two masters on one line hear each other"
    for way, settings in (("hj212", bus.hj212), ("frames", bus.frames), ("http_push", bus.http_push)):
        if settings is not None:
            yield f"buses.{i}.{way}.listen", settings.listen, ""


def _identity_fault(bus: BusEntry, identity: str) -> tuple[str, str] | None:
    """Why a device cannot have that name on such a bus, and the mend."""
    if not identity or len(identity) > LONGEST_IDENTITY or not identity.isprintable():
        return f"has no 1 to {LONGEST_IDENTITY} characters", "Write it as the device sends it."
    if bus.mqtt_json is not None and (set("+#") & set(identity) or identity.startswith("$")):
        return f"`{identity}` is no topic of one device", "Write its whole topic, without + and #."
    if bus.http_push is not None and not re.fullmatch(r"[A-Za-z0-9_-]+", identity):
        return f"`{identity}` is no part of a path", "Use A-Z, a-z, 0-9, - and _ only."
    return None


def _speaks(profile: Profile, settings: SpeakingSettings | None) -> bool:
    match settings:
        case Hj212Server():
            return isinstance(profile, Hj212Profile)
        case FrameServer():
            return isinstance(profile, FrameProfile) and profile.frames.protocol == settings.protocol
        case MqttJson() | HttpPush():
            return isinstance(profile, JsonProfile)
        case None:
            return False


def _protocol_of(profile: Profile) -> str:
    match profile:
        case ModbusProfile():
            return "Modbus"
        case Hj212Profile():
            return "HJ 212"
        case FrameProfile():
            return f"frames of {profile.frames.protocol}"
        case _:
            return "JSON"


def _nearest(name: str, known: Mapping[str, Any] | set[str], otherwise: str) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    if near:
        return f"Did you mean `{near[0]}`?"
    return f"{otherwise} {', '.join(sorted(known))}." if known else "Remove the line."
