"""Recorded history as a file: what a site's devices said, with all that is needed to play or judge it again.

Needs numpy and pyarrow, so nothing that a gateway runs imports it.
"""

from sitewarden.history.files import HistoryWriter, find_header, read_header, read_history, write_history
from sitewarden.history.model import (
    DeviceConfiguration,
    DevicePast,
    Header,
    History,
    PastAlarm,
    TakenOut,
    Track,
)

__all__ = [
    "DeviceConfiguration",
    "DevicePast",
    "Header",
    "History",
    "HistoryWriter",
    "PastAlarm",
    "TakenOut",
    "Track",
    "find_header",
    "read_header",
    "read_history",
    "write_history",
]
