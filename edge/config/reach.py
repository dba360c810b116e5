"""What a document of the cloud may name: its own texts, and secrets beside the gateway's own file.

Whoever writes such a document is not at the gateway. It must not be able to read there what it likes, least
of all the broker's password, which it could have sent to a broker of its choice.
"""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from edge.config.source import Source
from edge.settings import DeviceEntry
from sitewarden.errors import ConfigurationError


def reaching_out(source: Source) -> Iterator[ConfigurationError]:
    """Names in a document of the cloud that lead elsewhere; a gateway's own file may name what it likes."""
    if not source.is_told:
        return
    for field, name in (*_texts(source), *_secrets(source)):
        if _leaves(name):
            mend = "Name a file of the document, or a secret beside the gateway's own file."
            yield source.error(field, f"`{name}` leads elsewhere", mend)
    kept = _kept(source)
    for field, name in _secrets(source):
        if (source.home / name).resolve() in kept or Path(name).name in {file.name for file in kept}:
            message = f"`{name}` is the gateway's own secret"
            yield source.error(field, message, "Put the bus's secret into a file of its own.")


def _texts(source: Source) -> Iterator[tuple[str, str]]:
    for i, name in enumerate(source.file.rules):
        yield f"rules.{i}", name
    for i, name in enumerate(source.file.profiles):
        yield f"profiles.{i}", name
    for where, entry in _entries(source):
        if entry.load_chart is not None:
            yield f"{where}.load_chart", entry.load_chart
        if entry.history is not None:
            yield f"{where}.history", entry.history


def _secrets(source: Source) -> Iterator[tuple[str, str]]:
    for i, bus in enumerate(source.file.buses):
        for way, settings in (("hj212", bus.hj212), ("mqtt_json", bus.mqtt_json)):
            for key in ("password_file", "ca_file"):
                if (name := getattr(settings, key, None)) is not None:
                    yield f"buses.{i}.{way}.{key}", name
    for i, camera in enumerate(source.file.cameras):
        if camera.password_file is not None:
            yield f"cameras.{i}.password_file", camera.password_file
    for where, entry in _entries(source):
        if entry.token_file is not None:
            yield f"{where}.token_file", entry.token_file


def _entries(source: Source) -> Iterator[tuple[str, DeviceEntry]]:
    for i, bus in enumerate(source.file.buses):
        for j, entry in enumerate(bus.devices):
            yield f"buses.{i}.devices.{j}", entry


def _kept(source: Source) -> set[Path]:
    """Secrets of the gateway itself."""
    page = source.file.page
    broker = source.file.broker
    names = (broker.password_file, broker.certificate_file, None if page is None else page.pin_file)
    return {(source.home / name).resolve() for name in names if name is not None}


def _leaves(name: str) -> bool:
    path = PurePosixPath(name)
    return path.is_absolute() or ".." in path.parts
