"""A login as RTSP cameras ask for it (RFC 7616 and 7617), for asking them once before FFmpeg does."""

import base64
import hashlib
import re
import secrets
from collections.abc import Callable, Iterable, Mapping

_HASHES: Mapping[str, Callable[..., "hashlib._Hash"]] = {"md5": hashlib.md5, "sha-256": hashlib.sha256}
_PAIR = re.compile(r'(\w+)\s*=\s*(?:"([^"]*)"|([^\s,]+))')


def authorization(
    challenges: Iterable[str], method: str, uri: str, username: str, password: str
) -> str | None:
    """What to answer to what a camera demands, a digest before a plain login; `None` to what nobody knows."""
    demanded = {way.lower(): rest for way, _, rest in (one.strip().partition(" ") for one in challenges)}
    if "digest" in demanded and (answer := _digest(demanded["digest"], method, uri, username, password)):
        return answer
    if "basic" in demanded:
        return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()
    return None


def _digest(demanded: str, method: str, uri: str, username: str, password: str) -> str | None:
    said = {name.lower(): quoted or plain for name, quoted, plain in _PAIR.findall(demanded)}
    algorithm, realm, nonce = said.get("algorithm", "MD5"), said.get("realm", ""), said.get("nonce", "")
    hashed = _HASHES.get(algorithm.lower())
    if hashed is None:
        return None

    def of(*parts: str) -> str:
        return hashed(":".join(parts).encode(), usedforsecurity=False).hexdigest()

    mine, asked = of(username, realm, password), of(method, uri)
    given = {"username": username, "realm": realm, "nonce": nonce, "uri": uri}
    plain = {"algorithm": algorithm} if "algorithm" in said else {}
    if "auth" in re.split(r"[\s,]+", said.get("qop", "")):
        count, own = "00000001", secrets.token_hex(8)
        given |= {"response": of(mine, nonce, count, own, "auth", asked), "cnonce": own}
        plain |= {"qop": "auth", "nc": count}
    else:
        given["response"] = of(mine, nonce, asked)
    if "opaque" in said:
        given["opaque"] = said["opaque"]
    parts = [f'{name}="{value}"' for name, value in given.items()]
    return "Digest " + ", ".join([*parts, *(f"{name}={value}" for name, value in plain.items())])
