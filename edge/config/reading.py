"""From the file to the gateway, checks first, in the order in which a person would mend them."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from edge.config.access import broker_of, page_of
from edge.config.buses import bus_of, ear_of
from edge.config.cameras import camera_of, cameras_unclear, recorded_cameras, vision_of
from edge.config.devices import gateway_itself
from edge.config.model import Gateway
from edge.config.naming import named_twice, nothing_to_watch, spoken_unclearly
from edge.config.outputs import outputs_unusable, placed, unreplayable
from edge.config.parameters import parameters_unmeant
from edge.config.profiles import profile_folders, protocols_unknown, unknown_profiles
from edge.config.reach import reaching_out
from edge.config.rules import changes_unmeant, packs_of
from edge.config.source import Known, Source
from edge.grouping import plan_groups
from edge.settings import GatewayDocument, GatewayFile
from sitewarden import documents
from sitewarden.errors import ConfigurationError
from sitewarden.profiles import Profile, load_profiles
from sitewarden.profiles.replayed import as_registers
from sitewarden.rules.packs import RulePack


def load_gateway(file: Path, told: Path | None = None, *, with_secrets: bool = True) -> Gateway:
    """Read and check `gateway.yaml`; raises `ConfigurationError` at the first thing that cannot be meant.

    `told` is a document of the cloud, which says what is connected in place of the file. Without secrets
    password and PIN stay unread, for whoever only wants to know what is connected.
    """
    document = None if told is None else documents.read(told, GatewayDocument)
    return _gateway(Source(documents.read(file, GatewayFile), document, with_secrets=with_secrets))


def load_own(file: Path) -> GatewayFile:
    """What the gateway's own file says, its meaning unchecked."""
    return documents.load(file, GatewayFile)


def data_dir_of(file: Path, own: GatewayFile) -> Path:
    """The folder of outbox and configurations.

    A mode has one of its own: what was decided in a test must never go out as live.
    """
    folder = file.resolve().parent / own.data_dir
    return folder if own.mode == "live" else folder / own.mode


def _gateway(source: Source) -> Gateway:
    for error in _unclear(source):
        raise error
    profiles = load_profiles(*profile_folders(source))
    if source.file.mode == "replay":
        # What spoke by itself is asked in a replay, like all the rest.
        profiles = {name: as_registers(profile) for name, profile in profiles.items()}
    packs = packs_of(source)
    for error in _unmeant(source, profiles, packs):
        raise error
    groups = plan_groups(source.file, profiles, source.error)
    known = Known(
        profiles, packs, {device: points for group in groups for device, points in group.points().items()}
    )
    is_replay = source.file.mode == "replay"
    return Gateway(
        site=source.file.site,
        name=source.file.gateway,
        mode=source.file.mode,
        data_dir=data_dir_of(source.own_file, source.file),
        configuration=source.file.configuration,
        broker=broker_of(source),
        outputs=tuple(placed(source, settings) for settings in source.file.outputs),
        siren=source.file.siren,
        page=None if source.file.page is None else page_of(source, source.file.page),
        buses=(
            *(
                bus_of(source, i, entry, entry.modbus, known)
                for i, entry in enumerate(source.file.buses)
                if entry.modbus is not None
            ),
            *(recorded_cameras(source, packs) if is_replay else ()),
        ),
        ears=tuple(
            ear_of(source, i, entry, entry.speaking, known)
            for i, entry in enumerate(source.file.buses)
            if entry.speaking is not None
        ),
        cameras=tuple(
            camera_of(source, i, entry, packs) for i, entry in enumerate(source.file.cameras) if not is_replay
        ),
        vision=vision_of(source),
        groups=groups,
        itself=None if is_replay else gateway_itself(source, packs),
    )


def _unclear(source: Source) -> Iterator[ConfigurationError]:
    """What is wrong whatever profiles and packs say."""
    yield from nothing_to_watch(source)
    yield from reaching_out(source)
    yield from spoken_unclearly(source)
    yield from named_twice(source)
    yield from cameras_unclear(source)
    yield from outputs_unusable(source)
    yield from unreplayable(source)


def _unmeant(
    source: Source, profiles: Mapping[str, Profile], packs: list[RulePack]
) -> Iterator[ConfigurationError]:
    """What profiles and packs do not know."""
    yield from unknown_profiles(source, profiles)
    yield from protocols_unknown(source)
    yield from parameters_unmeant(source, profiles, packs)
    yield from changes_unmeant(source, packs)
