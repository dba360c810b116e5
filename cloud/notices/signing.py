"""Requests signed as Aliyun (ACS3-HMAC-SHA256) and Tencent Cloud (TC3-HMAC-SHA256) ask; pure.

Written from their documents as remembered; not tried against the makers' own servers.
"""

import datetime as dt
import hashlib
import hmac
from collections.abc import Mapping
from urllib.parse import quote, urlsplit

JSON = "application/json; charset=utf-8"


def query_of(values: Mapping[str, str]) -> str:
    """A query as it is signed and sent: by name, RFC 3986's way of writing letters."""
    return "&".join(f"{quote(name, safe='~')}={quote(values[name], safe='~')}" for name in sorted(values))


def acs3(url: str, headers: Mapping[str, str], body: bytes, nonce: str, now_ms: int) -> dict[str, str]:
    """What is signed beside the key: the headers with instant, nonce and the body's digest."""
    at = dt.datetime.fromtimestamp(now_ms // 1000, dt.UTC)
    return {
        **{name.lower(): value for name, value in headers.items()},
        "host": urlsplit(url).netloc,
        "x-acs-date": f"{at:%Y-%m-%dT%H:%M:%SZ}",
        "x-acs-signature-nonce": nonce,
        "x-acs-content-sha256": hashlib.sha256(body).hexdigest(),
    }


def acs3_authorization(url: str, headers: Mapping[str, str], body: bytes, key_id: str, key: str) -> str:
    """The `Authorization` of a POST with these headers, their names in small letters."""
    parts = urlsplit(url)
    names = sorted(name for name in headers if name == "host" or name.startswith("x-acs-"))
    canonical = "\n".join(
        [
            "POST",
            parts.path or "/",
            parts.query,
            "".join(f"{name}:{headers[name].strip()}\n" for name in names),
            ";".join(names),
            hashlib.sha256(body).hexdigest(),
        ]
    )
    said = f"ACS3-HMAC-SHA256\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    signed = hmac.new(key.encode(), said.encode(), hashlib.sha256).hexdigest()
    return f"ACS3-HMAC-SHA256 Credential={key_id},SignedHeaders={';'.join(names)},Signature={signed}"


def tc3_authorization(url: str, body: bytes, key_id: str, key: str, now_ms: int) -> str:
    """The `Authorization` of a POST of JSON at that instant, which `X-TC-Timestamp` says too."""
    host, second = urlsplit(url).netloc, now_ms // 1000
    service, day = host.partition(".")[0], f"{dt.datetime.fromtimestamp(second, dt.UTC):%Y-%m-%d}"
    content = hashlib.sha256(body).hexdigest()
    canonical = f"POST\n/\n\ncontent-type:{JSON}\nhost:{host}\n\ncontent-type;host\n{content}"
    scope = f"{day}/{service}/tc3_request"
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    said = f"TC3-HMAC-SHA256\n{second}\n{scope}\n{digest}"
    secret = f"TC3{key}".encode()
    for part in (day, service, "tc3_request"):
        secret = hmac.new(secret, part.encode(), hashlib.sha256).digest()
    signed = hmac.new(secret, said.encode(), hashlib.sha256).hexdigest()
    return f"TC3-HMAC-SHA256 Credential={key_id}/{scope}, SignedHeaders=content-type;host, Signature={signed}"
