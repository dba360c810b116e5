"""Siren, lamp and log: what cannot be driven, and what must not sound in a replay."""

from collections.abc import Iterator
from pathlib import Path

from edge.config.source import Source
from edge.settings import GpioOutput, LogOutput, ModbusTcp, OutputSettings
from sitewarden.errors import ConfigurationError


def outputs_unusable(source: Source) -> Iterator[ConfigurationError]:
    """Outputs that could not be driven as they are written."""
    for i, settings in enumerate(source.file.outputs):
        if isinstance(settings, GpioOutput) and settings.siren_pin == settings.lamp_pin:
            message = f"pin {settings.lamp_pin} already drives the siren"
            yield source.error(f"outputs.{i}.lamp_pin", message, "Give siren and lamp a pin each.")
        if isinstance(settings, GpioOutput) and settings.acknowledge_pin in (
            settings.siren_pin,
            settings.lamp_pin,
        ):
            message = f"pin {settings.acknowledge_pin} already drives siren or lamp"
            yield source.error(f"outputs.{i}.acknowledge_pin", message, "Give the button its own pin.")
        if isinstance(settings, LogOutput) and _is_missing((source.home / settings.file).parent):
            message = f"the folder of `{settings.file}` does not exist"
            yield source.error(f"outputs.{i}.file", message, "Make the folder, or name another file.")


def unreplayable(source: Source) -> Iterator[ConfigurationError]:
    """A past alarm must not sound a siren on a site, and a replay is served over Modbus TCP only."""
    if source.file.mode != "replay":
        return
    for i, settings in enumerate(source.file.outputs):
        if isinstance(settings, GpioOutput):
            message = "would sound a real siren for alarms of the past"
            yield source.error(f"outputs.{i}.driver", message, "In mode replay use `driver: log`.")
    for i, bus in enumerate(source.file.buses):
        if not isinstance(bus.modbus, ModbusTcp):
            message = "a replay is served over Modbus TCP"
            mend = "Write `transport: tcp`, host and port of the replay."
            field = "modbus.transport" if bus.modbus is not None else "bus"
            yield source.error(f"buses.{i}.{field}", message, mend)


def placed(source: Source, settings: OutputSettings) -> OutputSettings:
    """With its file made absolute."""
    if isinstance(settings, LogOutput):
        return LogOutput(file=str(source.home / settings.file))
    return settings


def _is_missing(folder: Path) -> bool:
    """Whether there is no such folder; what is closed to whoever checks may be open to the agent."""
    try:
        return not folder.is_dir()
    except PermissionError:
        return False
