"""A film over RTSP, sent as it lies in its file: so cheap that what looks at it can be measured beside it.

One port of one camera: interleaved TCP only, as gateways read cameras. All viewers see the same moment of the
film, and begin with its next whole picture. Pictures carry the instant at which they are due, also those that
are held back.
"""

import asyncio
import base64
import contextlib
import hashlib
import hmac
import itertools
import re
import secrets
import struct
import time
from collections.abc import Iterator
from typing import NamedTuple, Self
from urllib.parse import parse_qs, urlsplit

from firmware_sim.camera.film import Film
from firmware_sim.camera.model import Camera, Login, fault_at
from sitewarden.conversations import Conversations

CLOCK_HZ = 90_000
INTERLEAVED = "RTP/AVP/TCP;unicast;interleaved=0-1"
REQUEST_S, VIEWER_S = 30.0, 10.0
"""How long a request may take to arrive once it has begun, and a viewer to take a picture."""
LONGEST_REQUEST = 8192
_OK, _LOGIN, _NOT_THERE, _WRONG_STATE, _NO_WAY, _FULL = 200, 401, 404, 455, 461, 453
_WORDS = {
    _OK: "OK",
    _LOGIN: "Unauthorized",
    _NOT_THERE: "Not Found",
    _FULL: "Not Enough Bandwidth",
    _WRONG_STATE: "Method Not Valid in This State",
    _NO_WAY: "Unsupported Transport",
}
_OPEN = {"OPTIONS", "GET_PARAMETER", "TEARDOWN"}
"""What nobody has to log in for."""


class Request(NamedTuple):
    """What a viewer asks."""

    method: str
    uri: str
    headers: dict[str, str]
    """By names in small letters."""


class Answer(NamedTuple):
    """What a viewer is told."""

    status: int
    headers: tuple[str, ...] = ()
    body: str = ""

    def to(self, request: Request) -> bytes:
        """As it travels."""
        length = (f"Content-Length: {len(self.body)}",) if self.body else ()
        number = f"CSeq: {request.headers.get('cseq', '0')}"
        lines = [f"RTSP/1.0 {self.status} {_WORDS[self.status]}", number, *self.headers, *length]
        return ("\r\n".join(lines) + "\r\n\r\n" + self.body).encode()


class FilmServer:
    """One camera's RTSP port; `async with` opens it and throws every viewer out at the end."""

    def __init__(self, camera: Camera, film: Film) -> None:
        """Time begins with `async with`."""
        self._camera, self._film = camera, film
        self._conversations = Conversations(self._serve)
        self._viewers = 0
        self._began_s = 0.0
        self.refused = 0
        """Requests with a wrong login."""

    @property
    def address(self) -> str:
        """Its URL."""
        return f"rtsp://{self._camera.host}:{self._conversations.port}/{self._camera.camera}"

    async def __aenter__(self) -> Self:
        self._began_s = time.monotonic()
        camera = self._camera
        await self._conversations.listen(
            lambda take_in: asyncio.start_server(take_in, camera.host, camera.port, limit=LONGEST_REQUEST)
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._conversations.end()

    def _is_cut(self) -> bool:
        fault = fault_at(self._camera, time.monotonic() - self._began_s)
        return fault is not None and fault.fault == "cut"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._viewers += 1
        playing: asyncio.Task[None] | None = None
        viewer = _Viewer(self._camera, self._film)
        try:
            # A viewer that says nothing sensible ends here, and only for itself.
            with contextlib.suppress(ValueError, asyncio.LimitOverrunError):
                while not self._is_cut() and self._viewers <= 2 * self._camera.viewers:
                    request = await _asked(reader)
                    is_full = self._viewers > self._camera.viewers
                    answer = viewer.answer(request, self.address, is_full=is_full)
                    if answer.status == _LOGIN and "authorization" in request.headers:
                        self.refused += 1
                    writer.write(answer.to(request))
                    await _drained(writer)
                    if request.method == "PLAY" and answer.status == _OK and playing is None:
                        playing = asyncio.create_task(self._play(writer, viewer))
                        playing.add_done_callback(lambda _: writer.transport.abort())
                    if request.method == "TEARDOWN":
                        break
        finally:
            self._viewers -= 1
            if playing is not None:
                playing.cancel()
                await asyncio.wait([playing])
            if self._is_cut():
                writer.transport.abort()

    async def _play(self, writer: asyncio.StreamWriter, viewer: "_Viewer") -> None:
        """Send pictures from the next whole one on, each when it is due."""
        with contextlib.suppress(OSError, asyncio.CancelledError):
            for number in self._from_next_key():
                due_s = number / self._camera.fps
                fault = fault_at(self._camera, due_s)
                held_s = fault.late_s if fault is not None and fault.fault == "late" else 0.0
                await asyncio.sleep(self._began_s + due_s + held_s - time.monotonic())
                if self._is_cut():
                    return
                writer.write(viewer.packed(number))
                await _drained(writer)

    def _from_next_key(self) -> Iterator[int]:
        shown, count = int((time.monotonic() - self._began_s) * self._camera.fps), len(self._film.pictures)
        keys = set(self._film.keys)
        first = next(number for number in itertools.count(shown + 1) if number % count in keys)
        return itertools.count(first)


class _Viewer:
    """One connection: what it is answered, and its packets."""

    def __init__(self, camera: Camera, film: Film) -> None:
        self._camera, self._film = camera, film
        self._nonce, self._session = secrets.token_hex(8), secrets.token_hex(4)
        self._source, self._number = secrets.randbits(32), 0
        self._is_set_up = False

    def answer(self, request: Request, address: str, *, is_full: bool) -> Answer:
        """What to tell who asks this."""
        refusal = None if request.method in _OPEN else self._refusal(request, address, is_full=is_full)
        return refusal or self._done(request, address)

    def _refusal(self, request: Request, address: str, *, is_full: bool) -> Answer | None:
        login, name = self._camera.login, self._camera.camera
        if login is not None and not may_enter(login, request, name, self._nonce):
            demand = challenge(login, name, self._nonce)
            return Answer(_LOGIN, () if demand is None else (f"WWW-Authenticate: {demand}",))
        if not _is_of(request.uri, address):
            return Answer(_NOT_THERE)
        if is_full:
            return Answer(_FULL)
        if request.method == "SETUP" and "tcp" not in request.headers.get("transport", "").lower():
            return Answer(_NO_WAY)
        return Answer(_WRONG_STATE) if request.method == "PLAY" and not self._is_set_up else None

    def _done(self, request: Request, address: str) -> Answer:
        session = f"Session: {self._session}"
        match request.method:
            case "OPTIONS":
                return Answer(_OK, ("Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN, GET_PARAMETER",))
            case "DESCRIBE":
                about = "Content-Type: application/sdp", f"Content-Base: {address}/"
                return Answer(_OK, about, _described(self._film))
            case "SETUP":
                self._is_set_up = True
                return Answer(_OK, (f"{session};timeout=60", f"Transport: {INTERLEAVED}"))
            case _:
                return Answer(_OK, (session,))

    def packed(self, number: int) -> bytes:
        """The packets of a picture, each behind its mark."""
        contents = self._film.pictures[number % len(self._film.pictures)]
        stamp = round(number * CLOCK_HZ / self._camera.fps) & 0xFFFFFFFF
        parts = []
        for place, content in enumerate(contents, 1):
            is_last = place == len(contents)
            kind = (0x80 if is_last else 0) | 96
            head = struct.pack(">BBHII", 0x80, kind, self._number, stamp, self._source)
            parts += [struct.pack(">BBH", 0x24, 0, len(head) + len(content)), head, content]
            self._number = (self._number + 1) & 0xFFFF
        return b"".join(parts)


def _is_of(uri: str, address: str) -> bool:
    """Whether a viewer asks for the camera's stream, or for its only track; whatever it calls us."""
    paths = [re.sub(r"^rtsp://[^/]*", "", one).partition("?")[0] for one in (uri, address)]
    return paths[0].rstrip("/") in {paths[1], f"{paths[1]}/track1"}


def _described(film: Film) -> str:
    known = ",".join(base64.b64encode(part).decode() for part in (film.sequence, film.picture))
    level = film.sequence[1:4].hex()
    lines = [
        *("v=0", "o=- 0 0 IN IP4 0.0.0.0", "s=film", "t=0 0", "a=control:*"),
        *("m=video 0 RTP/AVP 96", "c=IN IP4 0.0.0.0", f"a=rtpmap:96 H264/{CLOCK_HZ}"),
        f"a=fmtp:96 packetization-mode=1;profile-level-id={level};sprop-parameter-sets={known}",
        "a=control:track1",
    ]
    return "".join(f"{line}\r\n" for line in lines)


def challenge(login: Login, realm: str, nonce: str) -> str | None:
    """How a viewer is asked to log in; `None` where it must know that by itself."""
    if login.way == "query":
        return None
    return f'Basic realm="{realm}"' if login.way == "basic" else f'Digest realm="{realm}", nonce="{nonce}"'


def may_enter(login: Login, request: Request, realm: str, nonce: str) -> bool:
    """Whether a request bears the login that it must have."""
    if login.way == "query":
        said = parse_qs(urlsplit(request.uri).query)
        is_right = said.get("user") == [login.username] and said.get("password") == [login.password]
        return is_right or request.method != "DESCRIBE"
    way, _, given = request.headers.get("authorization", "").partition(" ")
    if way.lower() != login.way:
        return False
    if login.way == "basic":
        wanted = base64.b64encode(f"{login.username}:{login.password}".encode()).decode()
        return hmac.compare_digest(given.strip(), wanted)
    named = dict(re.findall(r'(\w+)="([^"]*)"', given))
    mine = _md5(f"{login.username}:{realm}:{login.password}")
    asked = _md5(f"{request.method}:{named.get('uri', '')}")
    wanted = _md5(f"{mine}:{nonce}:{asked}")
    is_known = named.get("username") == login.username and named.get("nonce") == nonce
    return is_known and hmac.compare_digest(named.get("response", ""), wanted)


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


async def _asked(reader: asyncio.StreamReader) -> Request:
    """The next request; what a viewer reports of packets in between is passed over."""
    while (first := await reader.readexactly(1)) == b"$":
        _, length = struct.unpack(">BH", await reader.readexactly(3))
        await reader.readexactly(length)
    async with asyncio.timeout(REQUEST_S):
        head = first + await reader.readuntil(b"\r\n\r\n")
    line, *rows = head.decode("latin-1").strip().split("\r\n")
    method, uri, _ = line.split(" ", 2)
    pairs = (row.partition(":") for row in rows)
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    await reader.readexactly(int(headers.get("content-length", "0")))
    return Request(method, uri, headers)


async def _drained(writer: asyncio.StreamWriter) -> None:
    # Not `wait_for`, which before 3.12 may swallow the cancellation by which a viewer is thrown out.
    async with asyncio.timeout(VIEWER_S):
        await writer.drain()
