"""RTSP by OpenCV's FFmpeg, over TCP, after a word with the camera, whose reasons FFmpeg keeps to itself."""

import os
import socket
import ssl
from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import quote, urlsplit

import cv2

from edge.vision.sources import LOCKS_S, OPEN_S, READ_S, REFUSED, Order, SourceFailedError
from edge.vision.sources.login import authorization
from edge.vision.sources.video import Live
from sitewarden.quality import Quality

TRANSPORT = "OPENCV_FFMPEG_CAPTURE_OPTIONS", "rtsp_transport;tcp"
"""By UDP a lost packet is a torn picture; FFmpeg's own choice has changed over time."""
DECODERS = 2
"""Threads: one decodes no 4K stream on a small machine, more take the machine from the others."""
PORTS = {"rtsp": 554, "rtsps": 322}
_LOGIN, _FORBIDDEN, _NOT_THERE = 401, 403, 404
_SAYS = {
    _FORBIDDEN: "the camera lets nobody see this stream, or not this account",
    _NOT_THERE: "the camera has no stream of that name",
}
_LONGEST = 1 << 16
"""Bytes of an answer to who asks."""


class Answer(NamedTuple):
    """What a camera says."""

    status: int
    """As HTTP has them."""
    demands: tuple[str, ...]
    """How it wants to be logged in to."""


def open_rtsp(order: Order) -> Live:
    """The stream; raises `SourceFailedError` with what the camera says, as far as it says anything."""
    answer = asked(order)
    if answer.status == _LOGIN and not order.has_login:
        raise SourceFailedError("the camera asks for a name and a password", REFUSED)
    if answer.status == _LOGIN and _is_final(order, answer):
        # Not tried again by FFmpeg: wrong logins are counted.
        message = f"refused: the camera does not accept name and password; asked again in {LOCKS_S:g} s"
        raise SourceFailedError(message, REFUSED, rests_s=LOCKS_S)
    if answer.status in _SAYS:
        raise SourceFailedError(_SAYS[answer.status], REFUSED)
    os.environ[TRANSPORT[0]] = TRANSPORT[1]
    settings = [
        *(cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, round(1000 * OPEN_S)),
        *(cv2.CAP_PROP_READ_TIMEOUT_MSEC, round(1000 * READ_S)),
        *(cv2.CAP_PROP_N_THREADS, DECODERS),
    ]
    capture = cv2.VideoCapture(_with_login(order), cv2.CAP_FFMPEG, settings)
    if not capture.isOpened():
        why = "it may not accept name and password" if answer.status == _LOGIN else "it may be no video"
        rests_s = LOCKS_S if answer.status == _LOGIN else 0.0
        message = f"the camera answers, but its stream cannot be opened: {why}"
        raise SourceFailedError(message, rests_s=rests_s)
    return Live(capture, f"the stream has ended, or was silent for {READ_S:g} s", has_stamps=True)


def _is_final(order: Order, answer: Answer) -> bool:
    """Whether the camera has been given the login in a way that it wants, and said no."""
    if order.username is None:
        return True  # what stands in the address is all there is
    if any("stale=true" in demand.lower().replace('"', "") for demand in answer.demands):
        return False
    return _login_to(order, answer) is not None


def _with_login(order: Order) -> str:
    """The address as FFmpeg wants it; never shown to anybody."""
    if order.username is None:
        return order.asked
    login = f"{quote(order.username, safe='')}:{quote(order.password or '', safe='')}"
    way, _, rest = order.asked.partition("://")
    return f"{way}://{login}@{rest}"


def _login_to(order: Order, answer: Answer) -> str | None:
    if order.username is None:
        return None
    return authorization(answer.demands, "DESCRIBE", order.asked, order.username, order.password or "")


def asked(order: Order) -> Answer:
    """What the camera answers to who asks for the stream, with the login if it demands one that we know.

    Raises `SourceFailedError` where there is no camera.
    """
    parts = urlsplit(order.url)
    host, port = parts.hostname or "", parts.port or PORTS[parts.scheme]
    try:
        with (
            socket.create_connection((host, port), OPEN_S) as plain,
            _wrapped(plain, host, parts.scheme) as line,
        ):
            answer = _heard(line, order.asked, 1, ())
            login = _login_to(order, answer) if answer is not None and answer.status == _LOGIN else None
            if login is not None:
                # On the same line: many a camera knows its own demand only there.
                answer = _heard(line, order.asked, 2, (f"Authorization: {login}",))
    except TimeoutError as exc:
        message = f"{host}:{port} does not answer within {OPEN_S:g} s"
        raise SourceFailedError(message, Quality.TIMEOUT) from exc
    except OSError as exc:
        raise SourceFailedError(f"{host}:{port} cannot be reached: {exc.strerror or 'no TLS'}") from exc
    if answer is None:
        raise SourceFailedError(f"what listens at {host}:{port} speaks no RTSP", Quality.TIMEOUT)
    return answer


def _wrapped(line: socket.socket, host: str, scheme: str) -> socket.socket:
    if scheme == "rtsp":
        return line
    # As FFmpeg does: cameras sign for themselves.
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context.wrap_socket(line, server_hostname=host)


def _heard(line: socket.socket, url: str, number: int, more: Sequence[str]) -> Answer | None:
    """The answer to one question; `None` where it is none."""
    rows = [f"DESCRIBE {url} RTSP/1.0", f"CSeq: {number}", "Accept: application/sdp", *more]
    line.sendall(("\r\n".join(rows) + "\r\n\r\n").encode())
    said = b""
    while b"\r\n\r\n" not in said and len(said) < _LONGEST:
        piece = line.recv(4096)
        if not piece:
            break
        said += piece
    head, _, body = said.partition(b"\r\n\r\n")
    first, *others = head.decode("latin-1").split("\r\n")
    words = first.split()
    if len(words) < 2 or not words[0].startswith("RTSP/") or not words[1].isdigit():  # noqa: PLR2004
        return None
    pairs = [
        (name.strip().lower(), value.strip()) for name, _, value in (row.partition(":") for row in others)
    ]
    length = next((int(value) for name, value in pairs if name == "content-length" and value.isdigit()), 0)
    while len(body) < min(length, _LONGEST) and (piece := line.recv(4096)):
        body += piece
    return Answer(int(words[1]), tuple(value for name, value in pairs if name == "www-authenticate"))
