"""A package goes out: into a folder, or by HTTP to a receiver that answers with a receipt."""

import hashlib
import hmac
import http.client
import itertools
import json
import os
import ssl
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from cloud.notices.reaching import UnreachedError, dial, encrypt, within
from cloud.outbound.addresses import can_be_sent_to
from cloud.outbound.queue import Claimed, Outcome, plain, read_receipt
from cloud.settings import Network

_MOST_ANSWER = 64 * 1024
_FINE = range(200, 300)
_OF_ITS_CONTENT = frozenset({400, 409, 413, 415, 422})
"""Answers by which a package itself is refused; any other is of the way there: a key, a path, a gate."""
_WRITTEN_BY_S = 60
"""So long somebody may be writing a receipt that cannot be read yet."""
_OUT, _RECEIPTS, _READ, _UNREADABLE = "outgoing", "receipts", "read", "unreadable"


def folder_of(data_dir: Path, connector: object) -> Path:
    """Where a connector of files has its folders."""
    return data_dir / "outbound" / str(connector)


def write(folder: Path, claimed: Claimed, wire: str) -> Outcome:
    """Whole or not at all, under the same name however often."""
    out = folder / _OUT
    name = f"{claimed.seq:08}-{claimed.package}.json"
    try:
        if not out.is_dir():
            _make(folder)
        unfinished = out / f".{name}"
        with unfinished.open("wb") as file:
            file.write(wire.encode())
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(out / name)
        _sync(out)
    except OSError as exc:
        return Outcome(state="waiting", code="disk", text=str(exc), fails=True)
    return Outcome(state="sent", code="written", text=name)


def receipts(folder: Path) -> list[Path]:
    """Those that lie there, by their names."""
    found = folder / _RECEIPTS
    try:
        return sorted(one for one in found.iterdir() if one.suffix == ".json" and one.is_file())
    except FileNotFoundError:
        return []


def read(receipt: Path) -> bytes:
    """What a receipt says; of more than any says only the beginning."""
    with receipt.open("rb") as file:
        return file.read(_MOST_ANSWER)


def may_be_written(receipt: Path, now_ms: int) -> bool:
    """Whether somebody may still be writing it."""
    return now_ms / 1000 - receipt.stat().st_mtime < _WRITTEN_BY_S


def put_away(receipt: Path, *, is_read: bool) -> None:
    """It was read, or nobody can make anything of it; it stays to be looked at, and so do all of its name."""
    to = receipt.parent / (_READ if is_read else _UNREADABLE)
    to.mkdir(exist_ok=True)
    names = itertools.chain(
        [receipt.name], (f"{receipt.stem}.{no}{receipt.suffix}" for no in itertools.count(2))
    )
    receipt.rename(next(to / name for name in names if not (to / name).exists()))


def post(
    claimed: Claimed, wire: str, networks: Sequence[Network], trusted: ssl.SSLContext, now_ms: int
) -> Outcome:
    """Send it once. The other side knows it again by its number, whatever becomes of the answer."""
    if not can_be_sent_to(claimed.url):
        return Outcome(state="waiting", code="no-address", text=f"{claimed.url} is no address", fails=True)
    parts = urlsplit(claimed.url)
    host, is_safe = parts.hostname or "", parts.scheme == "https"
    try:
        connection = dial(host, parts.port or (443 if is_safe else 80), networks)
        if is_safe:
            connection = encrypt(connection, host, trusted)
    except UnreachedError as exc:
        return Outcome(state="waiting", code=exc.code, text=exc.text, fails=True)
    speaking = http.client.HTTPConnection(host, parts.port)
    speaking.sock = connection
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        with within(lambda: connection):
            speaking.request("POST", path, wire.encode(), headers_of(claimed, wire, now_ms))
            answer = speaking.getresponse()
            status, body = answer.status, answer.read(_MOST_ANSWER)
    except (OSError, http.client.HTTPException) as exc:
        text = f"{host} took it and gave no answer: {type(exc).__name__} {exc}".strip()
        return Outcome(state="unknown", code="no-answer", text=text, fails=True)
    finally:
        speaking.close()
    return judge(claimed, wire, status, body)


def headers_of(claimed: Claimed, wire: str, now_ms: int) -> dict[str, str]:
    """By what the other side knows it again, and that it is from here."""
    headers = {
        "Host": urlsplit(claimed.url).netloc,
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "SiteWarden",
        "Connection": "close",
        "Idempotency-Key": str(claimed.package),
        "X-SiteWarden-Sequence": str(claimed.seq),
    }
    if claimed.key:
        second = now_ms // 1000
        signed = hmac.new(claimed.key.encode(), f"{second}.".encode() + wire.encode(), hashlib.sha256)
        headers["X-SiteWarden-Signature"] = f"t={second},v1={signed.hexdigest()}"
    return headers


def judge(claimed: Claimed, wire: str, status: int, body: bytes) -> Outcome:
    """What an answer means; pure. Without a receipt for these very bytes nothing was accepted."""
    said = plain(body.decode("utf-8", "replace"))
    receipt = read_receipt(body)
    if receipt is not None and receipt.id == str(claimed.package) and receipt.hash == hash_of(wire):
        return Outcome(state=receipt.result, code=receipt.code, text=receipt.text)
    if status in _OF_ITS_CONTENT:
        return Outcome(state="rejected", code=f"http {status}", text=said)
    if status in _FINE:
        text = f"answered {status} without a receipt for it: {said}"
        return Outcome(state="unknown", code="no-receipt", text=text, fails=True)
    return Outcome(state="unknown", code=f"http {status}", text=said, fails=True)


def hash_of(wire: str) -> str:
    """The payload's, as the envelope says it."""
    return str(json.loads(wire)["hash"])


def _make(folder: Path) -> None:
    """Its folders, on the disk before anything is said to lie in them."""
    new = [one for one in (folder, *folder.parents) if not one.exists()]
    (folder / _RECEIPTS).mkdir(parents=True, exist_ok=True)
    (folder / _OUT).mkdir(exist_ok=True)
    for one in (folder, *(its.parent for its in new)):
        _sync(one)


def _sync(folder: Path) -> None:
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
