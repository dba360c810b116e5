"""The way of a file to the cloud over HTTPS, piece by piece. Blocks; whoever calls it does so in a thread."""

import http
import http.client
import ssl
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from edge import mediafiles
from edge.enrolment.asking import checked, tls_fault
from edge.media import NotTakenError
from sitewarden.errors import UnreachableError, UsageError
from sitewarden.messages import MediaAnswer

TIMEOUT_S = 15.0
"""Of one step; the agent's end waits for it."""
_MOST_BYTES = 64 * 1024
_DONE = {200, 201}


class _BoxKey(msgspec.Struct, frozen=True):
    key: bytes
    """In base64."""


class Upload:
    """One connection, for the pieces of files; made anew where it breaks."""

    def __init__(self, address: str, ca_file: Path | None) -> None:
        """Nothing is connected yet; raises `UsageError` where pictures would travel in the clear."""
        self._address = checked(address, without_tls=False)
        parts = urlsplit(self._address)
        host, self._path = parts.hostname or "", parts.path
        if parts.scheme == "http":
            self._connection = http.client.HTTPConnection(host, parts.port or 80, timeout=TIMEOUT_S)
            return
        try:
            tls = ssl.create_default_context(cafile=ca_file)
        except (OSError, ssl.SSLError) as exc:
            raise UsageError(f"{ca_file} holds no certificates: {exc}") from exc
        port = parts.port or http.client.HTTPS_PORT
        self._connection = http.client.HTTPSConnection(host, port, timeout=TIMEOUT_S, context=tls)

    def put(self, answer: MediaAnswer, offset: int, piece: bytes) -> MediaAnswer:
        """Bring a piece; how the file stands afterwards. Raises `UnreachableError`, `NotTakenError`."""
        headers = {
            "Authorization": f"Bearer {answer.token}",
            "Upload-Offset": str(offset),
            "Content-Type": "application/octet-stream",
        }
        path = f"{self._path}/api/v1/media/{answer.sha256}"
        status, body = self._asked("PUT", path, piece, headers)
        if status not in _DONE:
            raise self._not_taken(status, body)
        try:
            return msgspec.json.decode(body, type=MediaAnswer)
        except (msgspec.DecodeError, UnicodeDecodeError) as exc:
            raise NotTakenError(f"{self._address} answers like no SiteWarden that we know: {exc}") from exc

    def key(self) -> bytes | None:
        """For which unredacted pictures are sealed; `None` of a cloud that has none.

        Whoever answers at that address gets the pictures anyway: its certificate says that it is the cloud.
        Raises `UnreachableError`, `NotTakenError`.
        """
        status, body = self._asked("GET", f"{self._path}/api/v1/media/box-key")
        if status == http.HTTPStatus.NOT_FOUND:
            return None
        if status not in _DONE:
            raise self._not_taken(status, body)
        try:
            key = msgspec.json.decode(body, type=_BoxKey).key
        except (msgspec.DecodeError, UnicodeDecodeError) as exc:
            raise NotTakenError(f"{self._address} answers like no SiteWarden that we know: {exc}") from exc
        if len(key) != mediafiles.KEY_BYTES:
            raise NotTakenError(f"{self._address} tells a key of {len(key)} bytes")
        return key

    def _asked(
        self, method: str, path: str, piece: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, bytes]:
        """What it answers; raises `UnreachableError`."""
        try:
            self._connection.request(method, path, body=piece, headers=headers or {})
            response = self._connection.getresponse()
            return response.status, response.read(_MOST_BYTES)
        except ssl.SSLError as exc:
            self.close()
            raise UnreachableError(f"{self._address}: {tls_fault(exc)}") from exc
        except (OSError, http.client.HTTPException) as exc:
            self.close()
            raise UnreachableError(f"{self._address} does not answer: {exc}") from exc

    def _not_taken(self, status: int, body: bytes) -> NotTakenError:
        self.close()
        return NotTakenError(f"{self._address} answers HTTP {status}: {body[:200].decode(errors='replace')}")

    def close(self) -> None:
        """Let go of the connection."""
        self._connection.close()
