"""Checks of siren and lamp: what drives them is there, and the agent may use it. No pin is touched."""

import importlib.util
from collections.abc import Iterator
from pathlib import Path

from edge.config import Gateway
from edge.doctor.service import Account
from edge.settings import GpioOutput, LogOutput
from sitewarden.doctor.model import Check, Result

DEVICES = Path("/dev")
DRIVES = ("lgpio", "RPi", "pigpio")
"""What gpiozero drives pins with; one is enough."""

OUTPUT = Check(
    "output.usable",
    "whether what drives siren and lamp is installed, there, and allowed to the agent's account",
    "An alarm is neither heard nor seen where the danger is.",
)


def output_results(gateway: Gateway, account: Account, devices: Path = DEVICES) -> Iterator[Result]:
    """Of every output; to hear it, test it."""
    for settings in gateway.outputs:
        match settings:
            case GpioOutput():
                yield _gpio(settings, account, devices)
            case LogOutput(file=file):
                yield _log(Path(file), account)


def _gpio(settings: GpioOutput, account: Account, devices: Path) -> Result:
    subject = f"gpio {settings.siren_pin}, {settings.lamp_pin}"
    if not _is_installed("gpiozero") or not any(map(_is_installed, DRIVES)):
        mend = "sudo /opt/sitewarden/bin/pip install 'sitewarden[edge,gpio]'"
        return OUTPUT.finding("gpiozero or what it drives pins with is missing", mend, subject=subject)
    chips = sorted(devices.glob("gpiochip*"))
    if not chips:
        mend = "is this the right board? A Raspberry Pi has /dev/gpiochip0"
        return OUTPUT.finding("this machine has no pins", mend, subject=subject)
    if not any(account.may_use(chip) for chip in chips):
        mend = f"sudo usermod --append --groups gpio {account.name}; ls -l /dev/gpiochip*"
        return OUTPUT.finding(f"`{account.name}` may not use {chips[0]}", mend, subject=subject)
    return OUTPUT.ok("can be driven; whether it sounds, `edge test-outputs` shows", subject=subject)


def _is_installed(name: str) -> bool:
    return importlib.util.find_spec(name) is not None


def _log(file: Path, account: Account) -> Result:
    subject = str(file)
    where = file
    try:
        where = file if file.exists() else file.parent
        may_use = account.may_use(where)
    except OSError as exc:
        return OUTPUT.unknown(f"cannot be seen: {exc.strerror}", "run the doctor as root", subject=subject)
    if not may_use:
        mend = f"sudo chown {account.name} {where}"
        return OUTPUT.finding(f"`{account.name}` may not write {where}", mend, subject=subject)
    return OUTPUT.ok("a diary, which nobody hears: a site needs a siren beside it", subject=subject)
