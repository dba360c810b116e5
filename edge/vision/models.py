"""The detector in force: chosen by the settings, examined before it looks, dropped where it fails.

Whoever looks asks one object, whatever becomes of the model behind it. A model of a site's own is examined in
a process of its own and loaded beside the one in force, which looks until the new one is ready, and stays
where that is refused.
"""

import contextlib
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec

from edge.vision import examining, golden
from edge.vision.card import SHIPPED, card_file, load_model
from edge.vision.detectors import FAINTEST, Detector, DetectorFailedError, NetworkDetector
from edge.vision.detectors.scripted import Scripted, drawn
from edge.vision.examining import Findings
from edge.vision.model import Frame, Heads, Region
from edge.vision.settings import VisionSettings
from sitewarden.errors import ConfigurationError, SiteWardenError

FALL_BACK = VisionSettings()
"""Names the shipped models that look where one of a site's own may not."""

NEW_LOOKS = 100
"""So many looks a model of a site's own is new: if the process ends meanwhile, it is held to be the cause."""

Examine = Callable[..., Findings]


class Said(NamedTuple):
    """What whoever runs this is to know."""

    level: Literal["info", "warning"]
    text: str


class Pair(msgspec.Struct, frozen=True):
    """A detector, and the one that looks instead while the machine cannot keep up."""

    large: Detector
    small: Detector
    label: str
    """Both, with their fingerprints, for the log: alarms are these models'."""
    own: bool = False
    """One of them is no shipped one, and may be dropped for those."""


class Models:
    """A detector that goes on looking, whatever becomes of a model of the site's own."""

    def __init__(
        self,
        settings: VisionSettings,
        *,
        marker: Path | None = None,
        examine: Examine = examining.examined_apart,
    ) -> None:
        """`examine` is what a model of a site's own must pass; the file `marker` is there while one is new.

        Shipped models look until one of a site's own has passed. Raises `DetectorFailedError` where not even
        they can be computed.
        """
        self._examine, self._marker = examine, marker
        self._looks_left = 0
        self._told: list[Said] = []
        self._small = False
        self._wanted = settings
        self._switching = threading.Thread(target=self._take, args=(settings,), name="model", daemon=True)
        if _names_own(settings):
            self._pair = self._shipped()
            if self._has_died():
                self._tell("the process ended while a model of the site's own was new: it is not tried again")
            else:
                self._switching.start()
        else:
            self._pair = self._first(settings)
        self._tell(f"{self._pair.label} look", "info")

    @property
    def name(self) -> str:
        """Of the model that looks now."""
        return self._now.name

    @property
    def size(self) -> int:
        """The side of its input, in pixels."""
        return self._now.size

    @property
    def _now(self) -> Detector:
        return self._pair.small if self._small else self._pair.large

    def shed(self, small: bool) -> None:
        """Look with the smaller model, or again with the larger."""
        self._small = small

    def told(self) -> list[Said]:
        """What is to be said since this was last asked: who looks, who was refused or dropped."""
        told, self._told = self._told, []
        return told

    def find(self, frame: Frame, regions: Sequence[Region], faintest: float = FAINTEST) -> Heads:
        """The heads in these squares; a model of a site's own that fails is dropped for shipped ones."""
        pair = self._pair
        try:
            heads = (pair.small if self._small else pair.large).find(frame, regions, faintest)
        except DetectorFailedError as exc:
            if not pair.own:
                raise
            self._pair = self._shipped()
            self._tell(f"a model of the site's own failed and was dropped for {self.name}: {exc}")
            self._looks_left = 0
            self.close()
            return self._now.find(frame, regions, faintest)
        if self._looks_left and regions:
            self._grow_old()
        return heads

    def switch(self, settings: VisionSettings) -> None:
        """Begin to take the models of these settings into use, while the one in force goes on looking."""
        self._wanted = settings
        self._switching = threading.Thread(target=self._take, args=(settings,), name="model", daemon=True)
        self._switching.start()

    def close(self) -> None:
        """The process ends by its own will, or the model is new no more."""
        if self._marker is not None:
            with contextlib.suppress(OSError):
                self._marker.unlink(missing_ok=True)

    def settled(self) -> None:
        """Come back when what was begun last has been taken into use or refused."""
        if self._switching.ident is not None:
            self._switching.join()

    def _first(self, settings: VisionSettings) -> Pair:
        try:
            return _opened(settings, _files(settings))
        except SiteWardenError as exc:
            self._tell(str(exc))
            return self._shipped()

    def _shipped(self) -> Pair:
        """What looks where nothing else may: by whichever library computes it rightly."""
        settings = msgspec.structs.replace(FALL_BACK, threads=self._wanted.threads)
        try:
            return _opened(settings, _files(settings))
        except SiteWardenError as exc:
            self._tell(str(exc))
        try:
            return _opened(msgspec.structs.replace(settings, provider="opencv"), _files(settings))
        except ConfigurationError as exc:
            raise DetectorFailedError(str(exc)) from exc

    def _take(self, settings: VisionSettings) -> None:
        try:
            files = _files(settings)
            passed = {file: self._examined(file, settings) for file in files if file.parent != SHIPPED}
            pair = _opened(settings, files, passed)
        except (SiteWardenError, OSError) as exc:
            self._tell(f"{self.name} stays in use: {exc}")
            return
        if self._wanted is settings:  # or somebody has asked for others meanwhile
            self._be_new(pair)
            self._pair = pair
            self._tell(f"{pair.label} look from now on", "info")

    def _has_died(self) -> bool:
        """The last process was ended while a model was new: this time it is not tried again."""
        if self._marker is None or not self._marker.exists():
            return False
        self.close()
        return True

    def _be_new(self, pair: Pair) -> None:
        """What has only passed an examination may still bring the process down."""
        self._looks_left = NEW_LOOKS if pair.own else 0
        if not pair.own:
            self.close()
        elif self._marker is not None:
            with contextlib.suppress(OSError):  # a full disk keeps nobody from seeing
                self._marker.touch()

    def _grow_old(self) -> None:
        self._looks_left -= 1
        if self._looks_left == 0:
            self.close()

    def _examined(self, file: Path, settings: VisionSettings) -> str:
        """The fingerprint of a model that has passed."""
        found = self._examine(
            file, provider=settings.provider, threads=settings.threads, budget_ms=settings.budget_ms
        )
        for note in found.notes:
            self._tell(f"{found.name}: {note}")
        return found.sha256

    def _tell(self, text: str, level: Literal["info", "warning"] = "warning") -> None:
        self._told.append(Said(level, text))


def _files(settings: VisionSettings) -> list[Path]:
    return [card_file(name) for name in (settings.detector, settings.smaller)]


def _names_own(settings: VisionSettings) -> bool:
    return settings.provider != "scripted" and any(file.parent != SHIPPED for file in _files(settings))


def shipped(name: str = FALL_BACK.detector, *, provider: str = "onnxruntime", threads: int = 1) -> Detector:
    """A shipped model that looks at once, for benchmarks and tools."""
    return _loaded(card_file(name), provider, threads)


def _opened(settings: VisionSettings, files: Sequence[Path], passed: dict[Path, str] | None = None) -> Pair:
    """The detectors of these cards, of which those of a site's own have `passed` with a fingerprint."""
    if settings.provider == "scripted":
        return Pair(Scripted(drawn), Scripted(drawn, 320), "scripts")
    passed = passed or {}
    large, small = (_loaded(file, settings.provider, settings.threads, passed.get(file)) for file in files)
    if small.size > large.size:
        message = f"`smaller` has an input of {small.size} px, and `detector` one of {large.size} px"
        raise ConfigurationError(files[1], 0, "input.size", message, "Name them the other way round.")
    label = " and ".join(f"{one.name} ({one.card.sha256[:12]})" for one in (large, small))
    return Pair(large, small, label, own=bool(passed))


def _loaded(file: Path, provider: str, threads: int, passed: str | None = None) -> NetworkDetector:
    """The model of a card, seen to be computed rightly, now or when it passed."""
    model = load_model(file)
    network = examining.network_of(model, provider=provider, threads=threads)
    if passed is None:
        off = golden.off_golden(model.card, golden.answers(model.card, network))
        if not off <= golden.FARTHEST:
            raise DetectorFailedError(f"{provider} computes {model.card.name} otherwise here: {off:.1e} off")
    elif passed != model.card.sha256:
        message = "is another one than was examined just now"
        raise ConfigurationError(file, 0, "sha256", message, "Leave the files alone for a minute.")
    return NetworkDetector(model.card, network)
