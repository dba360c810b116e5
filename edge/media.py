"""Pictures of cameras on their way: named by alarms at once, brought to the cloud after everything else.

Files and notes lie on the disk as the eyes have put them there (`edge.mediafiles`); what is here is what
is known of them. They are offered over MQTT and brought by HTTPS, one at a time, from where the cloud says;
what the cloud says it keeps is deleted here. Nothing here holds up an alarm, and nothing that fails here ends
anything.
"""

import asyncio
import contextlib
import logging
import math
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import msgspec

from edge import mediafiles
from edge.clock import Clock
from edge.config import Gateway
from edge.mediafiles import CloudKey, MediaNote
from sitewarden import topics
from sitewarden.errors import SiteWardenError, UnreachableError
from sitewarden.messages import (
    Alarm,
    MediaAnswer,
    MediaAnswers,
    MediaOffer,
    MediaOffered,
    NoPicture,
    Picture,
)

log = logging.getLogger(__name__)

LOOK_S = 2.0
"""So often somebody looks whether what waits may go."""
ANSWER_S = 60.0
"""So long the answer to an offer is waited for; then it is offered again."""
OFFERED = 8
"""Files of one offer: an answer's tokens are good for minutes."""
GOOD_FOR_S = 600.0
"""So long a picture is of the alarm that its point is about to raise: a rule may wait before it does."""
AGAIN_S = (5.0, 300.0)
"""After something has failed it is tried again; the wait doubles."""
REFUSED_S = 86_400.0
NOT_TAKEN_S = 600.0
TIDY_S = 60.0
KEY_S = 3600.0
"""So often the cloud is asked for its key: it may have another."""
KEY_AGAIN_S = 60.0
PIECE_BYTES = 64 * 1024
LEAST_PIECE_BYTES = 4 * 1024
"""A piece is what may go in a second, between these: an alarm does not wait longer for a slow line."""
SPARE_MS = 5_000
"""A token that ends so soon is not begun with."""
TOKEN_MS = 300_000
"""So long a token is taken to be good that is over as it comes: then it is our clock that is ahead."""
_DAY_MS = 86_400_000
_PRECIOUS = {"still": 0, "clip": 1, "snapshot": 2}
MOST_REMEMBERED = 1000
SEEN = ("vision.bare_head", "vision.intruders", "vision.under_load")
"""Kinds of points of which the eyes store a picture before they tell a value."""


class NotTakenError(SiteWardenError):
    """The cloud did not take a piece; the next answer to an offer says where to go on."""


class Line(Protocol):
    """The way over MQTT."""

    @property
    def is_calm(self) -> bool:
        """Whether neither an alarm nor an outage of readings waits."""

    async def tell(self, channel: topics.UpChannel, message: msgspec.Struct) -> None:
        """Say what needs no receipt."""


class Bringing(Protocol):
    """The way over HTTPS; blocks."""

    def put(self, answer: MediaAnswer, offset: int, piece: bytes) -> MediaAnswer:
        """Bring a piece."""

    def key(self) -> bytes | None:
        """For which unredacted pictures are sealed."""

    def close(self) -> None:
        """Let go."""


class _Pictured(NamedTuple):
    """What is to go out with the alarm of a point."""

    since_s: float
    pictures: Sequence[Picture]
    why: NoPicture | None


class Media:
    """Of one gateway. All but `run` waits for nothing."""

    def __init__(
        self,
        gateway: Gateway,
        folder: Path | None,
        clock: Clock,
        *,
        boot: str,
        line: Callable[[], Line],
        upload: Callable[[Gateway], Bringing] | None = None,
    ) -> None:
        """`folder` is where the eyes put files; `None` where nothing can be kept."""
        self._gateway, self._folder, self._clock, self._boot = gateway, folder, clock, boot
        self._line, self._make_upload = line, upload or _upload
        self._notes: dict[str, MediaNote] = {}
        self._fresh: list[str] = []
        """Files that are not looked at yet."""
        self._pictured: dict[str, _Pictured] = {}
        """By point."""
        self._episodes: dict[str, str] = {}
        """By snapshot the alarm that it went out with."""
        self._unwritten: set[str] = set()
        """Notes that know more than the disk."""
        self._answers: dict[str, MediaAnswer] = {}
        self._offered: dict[str, str] = {}
        """By file the camera as whose picture it was offered."""
        self._not_before: dict[str, float] = {}
        """By file, of what was refused."""
        self._has_news, self._answered = asyncio.Event(), asyncio.Event()
        self._complaint = ""
        self._key_due_s = -math.inf
        self._key_complaint = ""
        self._searched_s = time.monotonic()

    def change(self, gateway: Gateway) -> None:
        """Go on by another configuration."""
        self._key_due_s = -math.inf
        self._gateway = gateway
        self._has_news.set()

    def kept(self, camera: str, key: str, pictures: Iterable[Any], why: NoPicture | None) -> None:
        """The eyes have stored what goes out with the alarm that this point will raise, or why not."""
        found = [
            Picture(sha256=p.sha256, bytes=p.bytes, media_type=p.media_type, kind=p.kind) for p in pictures
        ]
        reason = None if found else why or "no_frame"
        self._pictured[f"{camera}/{key}"] = _Pictured(time.monotonic(), found, reason)
        self.stored(picture.sha256 for picture in found)

    def stored(self, files: Iterable[str]) -> None:
        """The eyes have stored a clip or a still picture, by its hash."""
        self._fresh += files
        self._has_news.set()

    def pictured(self, alarm: Alarm) -> Alarm:
        """An alarm with its pictures, or with why it has none; alarms of anything but sight as they are."""
        if alarm.change != "raised" or not alarm.kind.startswith(SEEN):
            return alarm
        if self._gateway.mode == "replay":
            return msgspec.structs.replace(alarm, no_picture="replay")
        found = self._pictured.get(alarm.point)
        if found is None or time.monotonic() - found.since_s > GOOD_FOR_S:
            return msgspec.structs.replace(alarm, no_picture="eyes")
        for picture in found.pictures:
            self._know(picture.sha256, alarm.episode)
        return msgspec.structs.replace(alarm, pictures=list(found.pictures), no_picture=found.why)

    def answered(self, answers: MediaAnswers) -> None:
        """What the cloud says of files that were offered; also, later, that it keeps one."""
        self._answers |= {answer.sha256: answer for answer in answers.media}
        self._answered.set()
        self._has_news.set()

    @property
    def waiting(self) -> int:
        """Files that the cloud has not."""
        return len(self._notes)

    async def run(self) -> None:
        """Bring what waits until cancelled."""
        if self._folder is None:
            return
        for note in await asyncio.to_thread(_read_all, self._folder):
            self._notes.setdefault(note.sha256, note)
        wait_s = AGAIN_S[0]
        while True:
            try:
                await self._turn(self._folder)
                wait_s = AGAIN_S[0]
            except (OSError, SiteWardenError) as exc:
                self._complain(str(exc))
                await asyncio.sleep(wait_s)
                wait_s = min(2 * wait_s, AGAIN_S[1])
            except Exception:
                log.exception("pictures could not be looked after")
                await asyncio.sleep(wait_s)
            await self._rest()

    async def _rest(self) -> None:
        wait_s = LOOK_S if self._notes and self._gateway.broker.cloud else TIDY_S
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                await self._has_news.wait()
        self._has_news.clear()

    async def _turn(self, folder: Path) -> None:
        """Take in what is new, make room, and bring a few where nothing else waits."""
        if time.monotonic() - self._searched_s >= TIDY_S:
            # What eyes that died a moment later could not tell of.
            self._searched_s = time.monotonic()
            lying = await asyncio.to_thread(lambda: list(mediafiles.files(folder)))
            self._fresh += [sha256 for sha256 in lying if sha256 not in self._notes]
        fresh, self._fresh = self._fresh, []
        for note in await asyncio.to_thread(_read, folder, fresh):
            await self._take_in(folder, note)
        await self._write_notes(folder)
        await self._learn_key(folder)
        await self._settle(folder)
        for note in self._surplus():
            log.warning("a picture is given up kind=%s camera=%s", note.kind, note.camera)
            await self._forget(folder, note)
        address = self._gateway.broker.cloud
        if address is not None and self._notes and self._line().is_calm:
            await self._bring(folder)

    async def _learn_key(self, folder: Path) -> None:
        """Ask the cloud for which key unredacted pictures are to be sealed, where there are any.

        Without one the eyes redact: what nobody may see lies on no disk as it is.
        """
        is_wished = any(camera.entry.pictures.unredacted for camera in self._gateway.cameras)
        if not is_wished and not self._unsealed:
            return
        address = self._gateway.broker.cloud
        known = await asyncio.to_thread(mediafiles.cloud_key, folder)
        if known is not None and known.cloud != address:
            await asyncio.to_thread(mediafiles.forget_cloud_key, folder)
            known = None
        if address is not None and time.monotonic() >= self._key_due_s:
            known = await self._ask_key(folder, address, known)
        if known is not None:
            await self._seal_left(folder, known.key)

    @property
    def _unsealed(self) -> list[MediaNote]:
        return [note for note in self._notes.values() if note.unredacted and note.sealed_for is None]

    async def _seal_left(self, folder: Path, key: bytes) -> None:
        """What waits from before pictures were sealed."""
        for note in self._unsealed:
            try:
                self._notes[note.sha256] = await asyncio.to_thread(mediafiles.seal, folder, note, key)
            except FileNotFoundError:
                await self._forget(folder, note)
            except (OSError, ValueError) as exc:
                # It is brought as it is, or tried again: no room, say.
                self._complain(f"a picture could not be sealed: {exc}")
                return

    async def _ask_key(self, folder: Path, address: str, known: CloudKey | None) -> CloudKey | None:
        """The cloud's key; what is known where it does not tell, or the disk does not take it."""
        self._key_due_s = time.monotonic() + KEY_AGAIN_S
        try:
            upload = await asyncio.to_thread(self._make_upload, self._gateway)
            try:
                key = await asyncio.to_thread(upload.key)
            finally:
                await asyncio.to_thread(upload.close)
            if key is None:
                raise NotTakenError(f"{address} has no key for unredacted pictures")
            found = CloudKey(cloud=address, key=key)
            if found != known:
                await asyncio.to_thread(mediafiles.keep_cloud_key, folder, found)
        except (OSError, SiteWardenError) as exc:
            if str(exc) != self._key_complaint:
                log.warning("the cloud's key for unredacted pictures is not learned: %s", exc)
            self._key_complaint = str(exc)
            return known
        if known is not None and found != known:
            log.warning("%s has another key: unredacted pictures are sealed for that from now on", address)
        self._key_complaint, self._key_due_s = "", time.monotonic() + KEY_S
        return found

    async def _take_in(self, folder: Path, note: MediaNote) -> None:
        self._notes[note.sha256] = note
        if note.kind == "still":
            of_view = [n for n in self._notes.values() if n.kind == "still" and n.camera == note.camera]
            for old in sorted(of_view, key=lambda still: still.at_ms)[:-1]:
                await self._forget(folder, old)
        if (episode := self._episodes.get(note.of or note.sha256)) is not None:
            self._know(note.sha256, episode)

    def _know(self, sha256: str, episode: str) -> None:
        """Of which alarm a file is."""
        self._episodes[sha256] = episode
        while len(self._episodes) > MOST_REMEMBERED:
            del self._episodes[next(iter(self._episodes))]
        for note in list(self._notes.values()):
            if sha256 in {note.sha256, note.of} and note.episode != episode:
                self._notes[note.sha256] = msgspec.structs.replace(note, episode=episode)
                self._unwritten.add(note.sha256)
        self._has_news.set()

    async def _write_notes(self, folder: Path) -> None:
        while self._unwritten:
            note = self._notes.get(self._unwritten.pop())
            if note is not None:
                await asyncio.to_thread(mediafiles.write_note, folder, note)

    async def _settle(self, folder: Path) -> None:
        """What the cloud keeps is deleted here; what it refuses rests for a day."""
        for answer in list(self._answers.values()):
            if answer.state == "wanted":
                continue
            del self._answers[answer.sha256]
            note = self._notes.get(answer.sha256)
            if note is not None and answer.state == "kept":
                await self._let_go(folder, note)
            elif note is not None:
                log.warning("the cloud refuses a picture camera=%s: %s", note.camera, answer.why)
                self._not_before[note.sha256] = time.monotonic() + REFUSED_S

    async def _let_go(self, folder: Path, note: MediaNote) -> None:
        """The cloud has it; but not as that of another camera, which has stored the same bytes since."""
        lying = await asyncio.to_thread(mediafiles.note_of, folder, note.sha256)
        offered = self._offered.pop(note.sha256, note.camera)
        if lying is None or lying.camera == offered:
            await self._forget(folder, note)
        else:
            await self._take_in(folder, lying)

    def _surplus(self) -> list[MediaNote]:
        """What is too old, and of too much the least precious first, the oldest of it."""
        days = {camera.name: camera.entry.pictures.keep_days for camera in self._gateway.cameras}
        now_ms, most = self._clock.now_ms(), self._gateway.vision.media_mb * 1_000_000
        # By a clock that cannot be believed nothing is old.
        is_sure = self._clock.state != "unsynced"
        old = [
            note
            for note in self._notes.values()
            if is_sure and now_ms - note.at_ms > days.get(note.camera, 30) * _DAY_MS
        ]
        size = sum(note.bytes for note in self._notes.values()) - sum(note.bytes for note in old)
        gone = {note.sha256 for note in old}
        for note in sorted(self._notes.values(), key=_worth):
            if size <= most:
                break
            if note.sha256 not in gone:
                old.append(note)
                size -= note.bytes
        return old

    async def _forget(self, folder: Path, note: MediaNote) -> None:
        await asyncio.to_thread(mediafiles.delete, folder, note)
        self._notes.pop(note.sha256, None)
        self._offered.pop(note.sha256, None)
        self._not_before.pop(note.sha256, None)
        self._unwritten.discard(note.sha256)

    async def _bring(self, folder: Path) -> None:
        """Offer the most precious, the newest first, and bring what is wanted of them."""
        now_s = time.monotonic()
        due = [n for n in self._notes.values() if self._not_before.get(n.sha256, 0.0) <= now_s]
        due = sorted(due, key=lambda note: (-_PRECIOUS[note.kind], -note.at_ms))[:OFFERED]
        if not due:
            return
        self._answered.clear()
        for note in due:
            self._answers.pop(note.sha256, None)
            self._offered[note.sha256] = note.camera
        await self._line().tell("media", MediaOffer(boot=self._boot, media=[_offered(note) for note in due]))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(ANSWER_S):
                await self._answered.wait()
        await self._settle(folder)
        heard_ms = self._clock.now_ms()
        wanted = [_dated(self._answers.pop(n.sha256), heard_ms) for n in due if n.sha256 in self._answers]
        if not wanted:
            return
        upload = await asyncio.to_thread(self._make_upload, self._gateway)
        try:
            for answer in wanted:
                mine = self._notes.get(answer.sha256)
                if mine is not None:
                    await self._try(folder, upload, mine, answer)
        finally:
            await asyncio.to_thread(upload.close)
        self._complain("")

    async def _try(self, folder: Path, upload: Bringing, note: MediaNote, answer: MediaAnswer) -> None:
        """Bring one; what is wrong with it keeps no other back."""
        try:
            if not await asyncio.to_thread(mediafiles.whole, folder, note):
                log.error("a picture was damaged on the disk camera=%s at_ms=%d", note.camera, note.at_ms)
                await self._forget(folder, note)
                return
            await self._upload(folder, upload, note, answer)
        except UnreachableError:
            raise
        except FileNotFoundError:
            log.error("a picture is gone from the disk camera=%s at_ms=%d", note.camera, note.at_ms)  # noqa: TRY400
            await self._forget(folder, note)
        except (OSError, SiteWardenError) as exc:
            self._not_before[note.sha256] = time.monotonic() + NOT_TAKEN_S
            self._complain(str(exc))

    async def _upload(self, folder: Path, upload: Bringing, note: MediaNote, answer: MediaAnswer) -> None:
        """All pieces from where the cloud wants them, no faster than is allowed; alarms go first."""
        offset = answer.offset
        while offset < note.resting_bytes:
            if answer.until - self._clock.now_ms() < SPARE_MS or not self._line().is_calm:
                return  # it is offered again, and goes on from here
            began_s = time.monotonic()
            piece = await asyncio.to_thread(_piece, folder / note.name, offset, self._piece_bytes)
            stands = await asyncio.to_thread(upload.put, answer, offset, piece)
            if stands.state != "wanted":
                self._answers[note.sha256] = stands
                await self._settle(folder)
                return
            if stands.offset <= offset:
                raise NotTakenError(f"the cloud stays at byte {stands.offset}")
            offset = stands.offset
            least_s = len(piece) * 8 / (1000 * self._gateway.vision.upload_kbit_s)
            await asyncio.sleep(max(0.0, began_s + least_s - time.monotonic()))

    @property
    def _piece_bytes(self) -> int:
        per_s = self._gateway.vision.upload_kbit_s * 125
        return min(PIECE_BYTES, max(LEAST_PIECE_BYTES, per_s))

    def _complain(self, complaint: str) -> None:
        if complaint and complaint != self._complaint:
            log.error("pictures do not reach the cloud, trying on: %s", complaint)
        elif self._complaint and not complaint:
            log.info("pictures reach the cloud again")
        self._complaint = complaint


def _dated(answer: MediaAnswer, heard_ms: int) -> MediaAnswer:
    """An answer that has just come, good for as long as our clock can tell; the cloud decides by its own."""
    if answer.until - heard_ms >= SPARE_MS:
        return answer
    return msgspec.structs.replace(answer, until=heard_ms + TOKEN_MS)


def _worth(note: MediaNote) -> tuple[int, bool, int]:
    """The least first."""
    return _PRECIOUS[note.kind], note.episode is not None, note.at_ms


def _offered(note: MediaNote) -> MediaOffered:
    return MediaOffered(
        sha256=note.sha256,
        bytes=note.bytes,
        media_type=note.media_type,
        kind=note.kind,
        camera=note.camera,
        at=note.at_ms,
        point=None if note.key is None else f"{note.camera}/{note.key}",
        episode=note.episode,
        of=note.of,
        unredacted=note.unredacted,
        about=note.about,
        sealed_for=note.sealed_for,
    )


def _read_all(folder: Path) -> list[MediaNote]:
    try:
        return mediafiles.notes(folder)
    except OSError as exc:
        log.warning("pictures cannot be read: %s", exc)
        return []


def _read(folder: Path, files: Iterable[str]) -> list[MediaNote]:
    found = (mediafiles.note_of(folder, sha256) for sha256 in files)
    return [note for note in found if note is not None]


def _piece(file: Path, offset: int, size: int) -> bytes:
    with file.open("rb") as opened:
        opened.seek(offset)
        return opened.read(size)


def _upload(gateway: Gateway) -> Bringing:
    from edge.uploading import Upload  # noqa: PLC0415  takes memory; most gateways have no camera

    broker = gateway.broker
    return Upload(broker.cloud or "", broker.cloud_ca_file)
