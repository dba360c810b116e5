"""What the doctor looks at on a gateway: safe beside a running agent, of which it takes nothing."""

from collections.abc import Iterator
from pathlib import Path

import msgspec

from edge.busload import load_of
from edge.config import Gateway
from edge.configuration.starting import load_in_force, starting
from edge.doctor.cameras import camera_results
from edge.doctor.certificate import certificate_results
from edge.doctor.outbox import outbox_results
from edge.doctor.outputs import output_results
from edge.doctor.pictures import picture_results
from edge.doctor.serial import serial_results
from edge.doctor.service import agent_account, ask_systemd, service_results
from edge.doubts import FULL_PERCENT, unheard, unjudged
from edge.lane import MAX_BYTES
from edge.settings import GatewayFile
from sitewarden import documents
from sitewarden.doctor import Check, Result
from sitewarden.doctor.broker import broker_results, gateway_target
from sitewarden.doctor.machine import PRIVATE, clock_results, disk_results, file_result
from sitewarden.errors import ConfigurationError

CREDENTIALS = Path("/run/credentials")
"""Where systemd puts them, for as long as the service runs."""
SECRETS = {"password_file", "pin_file", "token_file", "certificate_file"}
"""Keys that name a file with a secret, wherever they stand."""

CONFIGURATION = Check(
    "configuration",
    "what `edge check` would say",
    "An agent that cannot read its file does not start; what no rule watches raises no alarm.",
)
BUS_LOAD = Check(
    "bus.load",
    f"how much of its time each bus would be held; more than {FULL_PERCENT} % is too much",
    "A bus without room answers late, and one unit that is silent costs its neighbours their polls.",
)


def examine(file: Path) -> Iterator[Result]:
    """Every check of a gateway, beginning with its file."""
    yield file_result(file, is_secret=False)
    told = ask_systemd()
    try:
        gateway, complaint = _loaded(file)
    except ConfigurationError as exc:
        yield _complaint(exc)
        yield from service_results(told)
        return
    secrets = list(secret_files(msgspec.to_builtins(documents.load(file, GatewayFile)), file.parent))
    if complaint is not None and all(map(_is_seen, secrets)):
        yield _complaint(complaint)
    yield from _configuration_results(gateway)
    for secret in secrets:
        yield from _secret_results(secret, file.parent / secret.name)
    yield from clock_results(gateway.broker.host)
    yield from disk_results(gateway.data_dir, sum(MAX_BYTES.values()), "a full outbox may need")
    yield from service_results(told)
    account = agent_account(told, gateway.data_dir)
    yield from serial_results(gateway, account)
    yield from camera_results(gateway, account)
    yield from output_results(gateway, account)
    yield from outbox_results(gateway.data_dir)
    yield from picture_results(gateway)
    broker = gateway.broker
    branch = gateway.mode, gateway.site, gateway.name
    login = broker.username, broker.password
    certificate = broker.certificate_file if complaint is None else None
    if certificate is not None:
        yield from certificate_results(certificate, gateway, account)
    target = gateway_target((broker.host, broker.port), login, broker.ca_file, branch, certificate)
    yield from broker_results(target, knows_password=complaint is None)


def _loaded(file: Path) -> tuple[Gateway, ConfigurationError | None]:
    """With secrets, or without them and what is wrong with them; raises `ConfigurationError`."""
    try:
        return starting(file).gateway, None
    except ConfigurationError as exc:
        if exc.field.rpartition(".")[2] not in SECRETS:
            raise
        return load_in_force(file), exc


def _complaint(exc: ConfigurationError) -> Result:
    return CONFIGURATION.finding(str(exc).removesuffix(f" {exc.mend}"), exc.mend)


def _configuration_results(gateway: Gateway) -> Iterator[Result]:
    doubts = list(unheard(gateway))
    mend = "change it, or be sure that it is meant: sitewarden edge check says the same"
    yield from (CONFIGURATION.finding(doubt, mend) for doubt in doubts)
    yield from map(CONFIGURATION.note, unjudged(gateway))
    if not doubts:
        yield CONFIGURATION.ok(
            f"{len(list(gateway.devices))} devices on {len(gateway.buses) + len(gateway.ears)} buses"
        )
    for bus in gateway.buses:
        percent = load_of(bus).percent
        told = f"held {percent:.0f} % of its time"
        if percent > FULL_PERCENT:
            mend = "poll slower (`interval_ms`), or split it in two"
            yield BUS_LOAD.finding(told, mend, subject=bus.name)
        else:
            yield BUS_LOAD.ok(told, subject=bus.name)


def secret_files(written: object, folder: Path) -> Iterator[Path]:
    """The files with secrets that a configuration names, as plain values, anywhere in it."""
    if isinstance(written, dict):
        for key, value in written.items():
            if key in SECRETS and isinstance(value, str):
                yield folder / value
            else:
                yield from secret_files(value, folder)
    elif isinstance(written, list):
        for value in written:
            yield from secret_files(value, folder)


def _secret_results(secret: Path, source: Path) -> Iterator[Result]:
    """`source` is what systemd hands on as `secret`, where it does."""
    is_handed_on = CREDENTIALS in secret.parents
    if is_handed_on and _is_seen(source):
        yield file_result(source, is_secret=True)
    if is_handed_on and not _is_seen(secret):
        told = "is there only while the service runs, and only for root and the agent's account"
        yield PRIVATE.unknown(told, "start the service, and run the doctor as root", subject=str(secret))
    else:
        yield file_result(secret, is_secret=True)


def _is_seen(file: Path) -> bool:
    """Whether it is there and the folder lets us see it."""
    try:
        return file.exists()
    except PermissionError:
        return False
