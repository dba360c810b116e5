"""An HTTP server for tests, whose visitors owe it no farewell."""

import ssl
import sys
from http.server import ThreadingHTTPServer
from typing import Any


class VisitedServer(ThreadingHTTPServer):
    """Who hangs up on it, or does not trust its certificate, is no mistake of its own and is not printed."""

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exc_info()[1], ConnectionError | ssl.SSLError):
            super().handle_error(request, client_address)
