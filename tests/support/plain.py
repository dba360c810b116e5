"""A client of plain HTTP, made at once."""

import ssl
from typing import Any

import httpx

from tests.support.waiting import PATIENCE_S

# For every client httpx reads all authorities of the system, which takes longer than most requests do. Nobody
# is trusted here: a test that speaks TLS brings whom it trusts.
_NOBODY = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def plain_client(base_url: str, **choices: Any) -> httpx.Client:
    """Of a server at `http://…`, as patient as a test is; `choices` as of `httpx.Client`."""
    return httpx.Client(base_url=base_url, verify=_NOBODY, **{"timeout": PATIENCE_S, **choices})
