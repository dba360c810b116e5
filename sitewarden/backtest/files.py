"""A history file as the source of a back-test."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from sitewarden.errors import SiteWardenError
from sitewarden.history import Header, Track, read_history
from sitewarden.messages import DeviceSetup
from sitewarden.rules.model import LimitChange
from sitewarden.rules.packs import RulePack
from sitewarden.text import Text


class NotInFileError(SiteWardenError):
    """The history is of other devices or another time."""


class FileSource:
    """A file, or a part of it; read whole when first asked."""

    def __init__(
        self, file: Path, header: Header, since_ms: int, until_ms: int, device: str | None = None
    ) -> None:
        """`header` is the file's; raises `NotInFileError` where it has nothing of what is asked."""
        devices = [d for d in header.devices if device in (None, d.device)]
        if not devices:
            known = ", ".join(d.device for d in header.devices)
            raise NotInFileError(f"{file} has no device `{device}`; it has {known}")
        if not header.since_ms <= since_ms < until_ms <= header.until_ms:
            raise NotInFileError(f"{file} holds another time: {header.since_ms} to {header.until_ms} ms UTC")
        self.header = msgspec.structs.replace(
            header,
            since_ms=since_ms,
            until_ms=until_ms,
            devices=devices,
            alarms=[alarm for alarm in header.alarms if device in (None, alarm.device)],
        )
        self.notes: list[Text] = []
        self._file, self._whole = file, header
        self._tracks: Mapping[str, Track] | None = None

    def judge_as(
        self,
        packs: Sequence[RulePack],
        changes: Sequence[LimitChange],
        setups: Mapping[str, DeviceSetup],
    ) -> None:
        """Take rules, changed limits and, by device, parameters from elsewhere than the file."""
        devices = [
            msgspec.structs.replace(
                device,
                parameters=setups[device.device].parameters,
                point_parameters=setups[device.device].point_parameters,
            )
            if device.device in setups
            else device
            for device in self.header.devices
        ]
        self.header = msgspec.structs.replace(
            self.header, rules=list(packs), changes=list(changes), devices=devices
        )

    def tracks(self, points: Sequence[str], first_ms: int, end_ms: int) -> dict[str, Track]:
        """The readings of these points at `first_ms` <= instant < `end_ms`; those without any left out."""
        if self._tracks is None:
            self._tracks = read_history(self._file, header=self._whole).tracks
        found = {
            point: _between(self._tracks[point], first_ms, end_ms)
            for point in points
            if point in self._tracks
        }
        return {point: track for point, track in found.items() if track.times.size}


def _between(track: Track, first_ms: int, end_ms: int) -> Track:
    first, end = track.times.searchsorted([first_ms, end_ms])
    return Track(track.times[first:end], track.values[first:end], track.quality[first:end])
