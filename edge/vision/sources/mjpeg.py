"""MJPEG over HTTP: JPEGs without end in one answer. Only those that are looked at are decoded."""

import http.client
import time
import urllib.error
import urllib.request
from email.message import Message

from edge.vision.model import Picture
from edge.vision.sources import LOCKS_S, OPEN_S, READ_S, REFUSED, Order, SourceFailedError
from edge.vision.sources.pictures import decoded
from sitewarden.quality import Quality

LARGEST = 32 << 20
"""Bytes of one picture: of 8K there are a dozen."""
_PIECE = 1 << 16
_HEADS = 8192
"""Bytes between two pictures."""
_BEGINS, _ENDS = b"\xff\xd8", b"\xff\xd9"
_PNG = b"\x89PNG\r\n"
"""Some cameras, and drawn ones, send their pictures without loss."""
_NO_PICTURES = "what comes is no stream of pictures"
_LOGIN = 401
_SAYS = {
    _LOGIN: "the camera does not accept name and password, or asks for them",
    403: "the camera lets nobody see this stream, or not this account",
    404: "the camera has no stream of that name",
    503: "the camera has as many viewers as it takes",
}


class Mjpeg:
    """One camera's stream."""

    def __init__(self, order: Order) -> None:
        """Raises `SourceFailedError` with what the camera says."""
        self._answer = _opened(order)
        try:
            self._mark = _mark_of(self._answer.headers)
        except SourceFailedError:
            self._answer.close()
            raise
        self._rest = bytearray()
        self._newest = b""

    def grab(self) -> float:
        """The next picture, whole and not decoded."""
        head = self._until(b"\r\n\r\n", _HEADS)
        while self._mark not in head:
            # The rest of a picture that lied about its length, or what stands before the first.
            head = self._until(b"\r\n\r\n", LARGEST)
        length = _length_of(head)
        self._newest = self._exactly(length) if length else self._until(b"\r\n--" + self._mark, LARGEST)
        if not length:
            # The mark that ended it begins the next head.
            self._rest[:0] = b"--" + self._mark
        return time.monotonic()

    def picture(self) -> Picture | None:
        """Decoded; `None` where it is no whole JPEG, for half a picture shows half of what is there."""
        content = self._newest.rstrip(b"\r\n\0")
        is_whole = content.startswith(_BEGINS) and content.endswith(_ENDS)
        if not is_whole and not content.startswith(_PNG):
            return None
        return decoded(content)

    def close(self) -> None:
        """Hang up."""
        self._answer.close()

    def _exactly(self, length: int) -> bytes:
        while len(self._rest) < length:
            self._read()
        taken = bytes(self._rest[:length])
        del self._rest[:length]
        return taken

    def _until(self, mark: bytes, most: int) -> bytes:
        """What comes before a mark, which goes too."""
        looked = 0
        while (place := self._rest.find(mark, max(0, looked - len(mark)))) < 0:
            looked = len(self._rest)
            if looked > most:
                raise SourceFailedError(_NO_PICTURES, Quality.TIMEOUT)
            self._read()
        taken = bytes(self._rest[:place])
        del self._rest[: place + len(mark)]
        return taken

    def _read(self) -> None:
        try:
            piece = self._answer.read1(_PIECE)
        except TimeoutError as exc:
            message = f"the camera has been silent for {READ_S:g} s"
            raise SourceFailedError(message, Quality.TIMEOUT) from exc
        except (OSError, http.client.HTTPException) as exc:
            raise SourceFailedError("the camera hung up") from exc
        if not piece:
            raise SourceFailedError("the camera ended the stream")
        self._rest += piece


def _opened(order: Order) -> http.client.HTTPResponse:
    """The camera's answer, once it is a stream of pictures."""
    try:
        answer = _opener(order).open(order.asked, timeout=max(OPEN_S, READ_S))
    except urllib.error.HTTPError as exc:
        exc.close()
        message = _SAYS.get(exc.code, f"the camera answers {exc.code}")
        rests_s = LOCKS_S if exc.code == _LOGIN and order.has_login else 0.0
        raise SourceFailedError(message, REFUSED, rests_s=rests_s) from None
    except (TimeoutError, urllib.error.URLError) as exc:
        reason = exc.reason if isinstance(exc, urllib.error.URLError) else exc
        if isinstance(reason, TimeoutError):
            message = f"the camera does not answer within {OPEN_S:g} s"
            raise SourceFailedError(message, Quality.TIMEOUT) from None
        why = (
            reason.strerror if isinstance(reason, OSError) and reason.strerror else "no such host, or no TLS"
        )
        raise SourceFailedError(f"the camera cannot be reached: {why}") from None
    except ConnectionError:
        raise SourceFailedError("the camera hung up") from None
    except (OSError, http.client.HTTPException, ValueError):
        # A login refused in a way of the camera's own ends here too. Not shown: it may hold anything.
        raise SourceFailedError("what answers speaks no HTTP that we know", Quality.TIMEOUT) from None
    return answer  # type: ignore[no-any-return]  # urllib says Any of what HTTP gives


def _opener(order: Order) -> urllib.request.OpenerDirector:
    # Cameras are on the site's own network: a proxy of the environment knows none of them.
    handlers: list[urllib.request.BaseHandler] = [urllib.request.ProxyHandler({})]
    if order.username is not None:
        logins = urllib.request.HTTPPasswordMgrWithDefaultRealm()
        logins.add_password(None, order.asked, order.username, order.password or "")
        handlers += [
            urllib.request.HTTPDigestAuthHandler(logins),
            urllib.request.HTTPBasicAuthHandler(logins),
        ]
    return urllib.request.build_opener(*handlers)


def _mark_of(headers: Message) -> bytes:
    """What stands between two pictures, as the answer says."""
    if headers.get_content_type() == "image/jpeg":
        raise SourceFailedError("this address gives one picture; name that of the stream")
    mark = headers.get_param("boundary")
    if headers.get_content_maintype() != "multipart" or not isinstance(mark, str):
        raise SourceFailedError(f"this address gives {headers.get_content_type()}, no stream of pictures")
    return mark.removeprefix("--").encode("latin-1", "replace")


def _length_of(head: bytes) -> int:
    """Bytes of the picture, where its head says so; 0 where not."""
    for row in head.split(b"\r\n"):
        name, _, value = row.partition(b":")
        if name.strip().lower() == b"content-length" and value.strip().isdigit():
            length = int(value)
            if length > LARGEST:
                raise SourceFailedError(_NO_PICTURES, Quality.TIMEOUT)
            return length
    return 0
