"""Every metric that any process tells, by which of them does: for the reference page and for checks."""

from cloud.metrics import ingest, machine, stored, web
from cloud.metrics.catalogue import Described

_SHARED = ("sitewarden_build_info",)
EVERY: tuple[tuple[str, str, tuple[Described, ...]], ...] = (
    (
        "Of every process",
        "Beside these the usual `process_*`: memory, processor time, open files.",
        (
            *(one for one in web.CATALOGUE.described if one.name in _SHARED),
            *machine.DESCRIBED,
        ),
    ),
    (
        "Of the ingest",
        "Each of several counts its own, from its start on.",
        tuple(one for one in ingest.CATALOGUE.described if one.name not in _SHARED),
    ),
    (
        "Of the web process",
        "Each of several counts its own, from its start on.",
        tuple(one for one in web.CATALOGUE.described if one.name not in _SHARED),
    ),
    (
        "Of the database",
        "Told by the web process, read by one bounded query. Of several take the largest, never the sum.",
        stored.DESCRIBED,
    ),
)
