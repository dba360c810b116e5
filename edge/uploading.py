"""The way of a file to the cloud over HTTPS, piece by piece. Blocks; whoever calls it does so in a thread."""

import http.client
import ssl
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from edge.enrolment.asking import checked, tls_fault
from edge.media import NotTakenError
from sitewarden.errors import UnreachableError, UsageError
from sitewarden.messages import MediaAnswer

TIMEOUT_S = 15.0
"""Of one step; the agent's end waits for it."""
_MOST_BYTES = 64 * 1024
_DONE = {200, 201}


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
        try:
            self._connection.request("PUT", path, body=piece, headers=headers)
            response = self._connection.getresponse()
            status, body = response.status, response.read(_MOST_BYTES)
        except ssl.SSLError as exc:
            self.close()
            raise UnreachableError(f"{self._address}: {tls_fault(exc)}") from exc
        except (OSError, http.client.HTTPException) as exc:
            self.close()
            raise UnreachableError(f"{self._address} does not answer: {exc}") from exc
        if status not in _DONE:
            self.close()
            raise NotTakenError(
                f"{self._address} answers HTTP {status}: {body[:200].decode(errors='replace')}"
            )
        try:
            return msgspec.json.decode(body, type=MediaAnswer)
        except (msgspec.DecodeError, UnicodeDecodeError) as exc:
            raise NotTakenError(f"{self._address} answers like no SiteWarden that we know: {exc}") from exc

    def close(self) -> None:
        """Let go of the connection."""
        self._connection.close()
