"""Load charts: shipped ones by name, a site's own by file; both checked for order."""

from importlib import resources
from pathlib import Path

from sitewarden import documents
from sitewarden.errors import ConfigurationError
from sitewarden.loadchart import LoadChart, faults

_BUILT_IN = resources.files("sitewarden.charts")


def load_chart(name_or_file: str, beside: Path) -> LoadChart:
    """A shipped chart by its name, or a file ending `.yaml` relative to the folder `beside`.

    Raises `ConfigurationError` where there is none or its radii do not ascend or its loads ascend.
    """
    if name_or_file.endswith(".yaml"):
        return _checked(beside / name_or_file)
    shipped = sorted(e.name.removesuffix(".yaml") for e in _BUILT_IN.iterdir() if e.name.endswith(".yaml"))
    if name_or_file not in shipped:
        mend = f"Shipped are {', '.join(shipped)}; a file of your own ends in .yaml."
        raise ConfigurationError(
            beside, 0, "load_chart", f"`{name_or_file}` is not a shipped load chart", mend
        )
    with resources.as_file(_BUILT_IN / f"{name_or_file}.yaml") as file:
        return _checked(file)


def _checked(file: Path) -> LoadChart:
    document = documents.read(file, LoadChart)
    for fault in faults(document.value.falls):
        where = f"falls.{fault.falls}" if fault.place is None else f"falls.{fault.falls}.{fault.place}"
        raise document.error(where, fault.message, fault.mend)
    return document.value
