"""What each camera showed when its outlines were drawn, on the gateway's disk; and what its stills showed.

Without it whoever pushes a camera aside and cuts the power has made its new view the right one. Kept are
edges of a copy 160 cells wide, the mean of minutes: no picture, and nobody in it.
"""

import hashlib
import logging
import os
from pathlib import Path

import msgspec
import numpy as np

from edge.vision.sanity import Known
from edge.vision.settings import CameraEntry

log = logging.getLogger(__name__)

FOLDER = "views"
"""Below the gateway's data."""
_UNFINISHED = ".part"
MOST_PICTURED = 8
"""A still may be looked at while later ones of the same view are on their way."""


class Shelf:
    """Of one camera, as long as its outlines are what they are."""

    def __init__(self, folder: Path, entry: CameraEntry) -> None:
        """Nothing is read yet."""
        self._file = folder / f"{entry.camera}.npz"
        self._drawn = _drawn(entry)
        self._has_complained = False

    def read(self) -> Known | None:
        """What it showed; `None` where nothing is known, or its outlines were drawn anew since."""
        try:
            with self._file.open("rb") as file, np.load(file, allow_pickle=False) as kept:
                view, detail, drawn = kept["view"], float(kept["detail"]), str(kept["drawn"])
        except FileNotFoundError:
            return None
        except Exception as exc:  # noqa: BLE001
            # Spoilt bytes make zip, zlib, numpy and its reader of headers fail in a dozen ways, and a file
            # that ends the eyes would end them at every start.
            log.warning(
                "what a camera showed cannot be read, it is learned anew file=%s: %s", self._file, exc
            )
            return None
        if drawn != self._drawn or view.ndim != 2 or view.dtype != np.float32:  # noqa: PLR2004  a picture
            return None
        if not (np.isfinite(view).all() and np.isfinite(detail)):
            return None
        return Known(view, detail)

    def write(self, known: Known) -> None:
        """Whole or not at all; what the disk does not take is learned anew after the next start."""
        unfinished = self._file.with_name(self._file.name + _UNFINISHED)
        try:
            self._file.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
            with unfinished.open("wb") as file:
                np.savez_compressed(
                    file, view=known.view, detail=np.float64(known.detail), drawn=np.str_(self._drawn)
                )
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(self._file)
        except OSError as exc:
            if not self._has_complained:
                log.warning("what a camera shows cannot be kept file=%s: %s", self._file, exc)
            self._has_complained = True
        else:
            self._has_complained = False

    def forget(self) -> None:
        """Another view is the right one now."""
        try:
            self._file.unlink(missing_ok=True)
        except OSError as exc:
            log.warning("what a camera showed cannot be deleted file=%s: %s", self._file, exc)


class Pictured:
    """What the newest still pictures of one camera show: of one of them somebody may say that it is right."""

    def __init__(self) -> None:
        """None was made yet."""
        self._views: dict[str, Known] = {}

    def note(self, sha256: str, view: Known) -> None:
        """A still was made, and so many are remembered."""
        self._views.pop(sha256, None)
        self._views[sha256] = view
        while len(self._views) > MOST_PICTURED:
            del self._views[next(iter(self._views))]

    def of(self, sha256: str) -> Known | None:
        """What that one shows; `None` of one that is too old, or none of this run."""
        return self._views.get(sha256)

    @property
    def newest(self) -> Known | None:
        """What the newest shows."""
        return next(reversed(self._views.values()), None)


def _drawn(entry: CameraEntry) -> str:
    """Changes with whatever is drawn in the picture, and with which camera it is."""
    of = (entry.url, entry.masks, [zone.outline for zone in entry.zones], entry.ground)
    return hashlib.sha256(msgspec.json.encode(of)).hexdigest()
