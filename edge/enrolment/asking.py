"""The requests of enrolment over HTTPS, with every refusal in words that say what to do."""

import datetime as dt
import email.utils
import http.client
import ipaddress
import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, TypeVar
from urllib.parse import urlsplit

import msgspec

from edge.clock import now_ms
from sitewarden.errors import SiteWardenError, UnreachableError, UsageError

T = TypeVar("T")

_TIMEOUT_S = 20.0
_MOST_BYTES = 1_000_000
CLOCK_MAY_DIFFER_S = 300.0
"""Beyond it certificates and readings are not believed; the cloud takes no reading from ten minutes ahead."""
_NOT_YET_VALID, _EXPIRED, _OTHER_NAME = 9, 10, 62
"""OpenSSL's numbers of what is wrong with a certificate."""


class RefusedError(SiteWardenError):
    """The cloud did not enrol the gateway."""


class BrokerTold(msgspec.Struct, frozen=True, kw_only=True):
    """Where the broker is."""

    host: str
    port: int
    ca: str | None = None


class Issued(msgspec.Struct, frozen=True, kw_only=True):
    """A certificate for the key of a request."""

    certificate: str
    """PEM."""
    ends_at: str


class Enrolled(msgspec.Struct, frozen=True, kw_only=True):
    """Who the gateway is, and its password or its certificate; never printed."""

    site: str
    gateway: str
    username: str
    password: str | None = None
    certificate: Issued | None = None
    broker: BrokerTold
    in_force_at: str


class _Problem(msgspec.Struct, frozen=True):
    title: str
    detail: str = ""


class Cloud:
    """The cloud that a gateway is enrolled at."""

    def __init__(self, address: str, *, ca_file: Path | None = None, without_tls: bool = False) -> None:
        """`address` as a browser has it; raises `UsageError` where a password would travel in the clear."""
        self._address = checked(address, without_tls=without_tls)
        try:
            self._tls = ssl.create_default_context(cafile=ca_file)
        except (OSError, ssl.SSLError) as exc:
            raise UsageError(f"{ca_file} holds no certificates: {exc}") from exc
        self._opener = urllib.request.build_opener(
            urllib.request.HTTPSHandler(context=self._tls), _NoRedirects()
        )

    def check_clock(self) -> None:
        """Raise where this gateway's clock cannot be believed; before a code is used up for nothing."""
        _, date = self._request("server", None)
        if date is None:
            return
        ahead_s = now_ms() / 1000 - date.timestamp()
        if abs(ahead_s) > CLOCK_MAY_DIFFER_S:
            direction = "ahead of" if ahead_s > 0 else "behind"
            by = dt.timedelta(seconds=round(abs(ahead_s)))
            raise RefusedError(
                f"this gateway's clock is {by} {direction} the cloud's. Set it (timedatectl set-ntp true, or "
                "the time server of the site) and try again; the code was not used up"
            )

    def enrol(self, code: str, site: str | None, gateway: str | None, request: str) -> Enrolled:
        """Use the code up; the request for a certificate is for a cloud that gives any."""
        asked = {"code": code, "site": site, "gateway": gateway, "request": request}
        enrolled = self._answer("enrol", asked, Enrolled)
        if (enrolled.password is None) == (enrolled.certificate is None):
            raise RefusedError(f"{self._address} gives neither a password nor a certificate alone")
        return enrolled

    def say_seen(self, enrolled: Enrolled) -> None:
        """The password is in a safe place: it may be put in force."""
        named = {name: getattr(enrolled, name) for name in ("site", "gateway", "password")}
        self._request("enrol/seen", named)

    def say_seen_certificate(self, serial: str, signature: str) -> None:
        """The certificate is in a safe place: no earlier one need be good any more."""
        self._request("enrol/seen-certificate", {"serial": serial, "signature": signature})

    def renew(self, serial: str, request: str, signature: str) -> Issued:
        """The next certificate, for whoever has the key of this one."""
        asked = {"serial": serial, "request": request, "signature": signature}
        return self._answer("enrol/renewal", asked, Issued)

    def _answer(self, path: str, asked: Mapping[str, Any], kind: type[T]) -> T:
        body, _ = self._request(path, asked)
        try:
            return msgspec.json.decode(body, type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError) as exc:
            raise RefusedError(f"{self._address} answers like no SiteWarden that we know: {exc}") from exc

    def _request(self, path: str, asked: Mapping[str, Any] | None) -> tuple[bytes, dt.datetime | None]:
        request = urllib.request.Request(  # noqa: S310  the scheme was checked
            f"{self._address}/api/v1/{path}",
            data=None if asked is None else json.dumps(asked).encode(),
            headers={"Content-Type": "application/json", "Accept": "application/json"},
        )
        try:
            with self._opener.open(request, timeout=_TIMEOUT_S) as answer:
                return answer.read(_MOST_BYTES), _date(answer.headers)
        except urllib.error.HTTPError as exc:
            raise RefusedError(self._refusal(exc)) from exc
        except urllib.error.URLError as exc:
            if isinstance(exc.reason, ssl.SSLError):
                raise UnreachableError(f"{self._address}: {tls_fault(exc.reason)}") from exc
            raise UnreachableError(f"{self._address} does not answer: {exc.reason}") from exc
        except (OSError, http.client.HTTPException) as exc:
            raise UnreachableError(f"{self._address} does not answer: {exc}") from exc

    def _refusal(self, answer: urllib.error.HTTPError) -> str:
        """The cloud's own words; those of another server say that it is none."""
        with answer:
            body = answer.read(_MOST_BYTES)
        try:
            problem = msgspec.json.decode(body, type=_Problem)
        except (msgspec.DecodeError, UnicodeDecodeError):
            elsewhere = answer.headers.get("Location")
            hint = f"; it sends to {elsewhere}" if elsewhere else ""
            return f"there is no SiteWarden at {self._address} (HTTP {answer.code}{hint})"
        return f"{problem.title}. {problem.detail}" if problem.detail != problem.title else problem.title


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A code goes to the address that was given, and to no other."""

    def redirect_request(
        self, _req: urllib.request.Request, _fp: IO[bytes], _code: int, _msg: str, _headers: Any, _newurl: str
    ) -> None:
        """None is followed."""
        return


def checked(address: str, *, without_tls: bool) -> str:
    """The address of a cloud without a slash at its end; raises `UsageError`."""
    parts = urlsplit(address)
    if parts.scheme not in {"https", "http"} or not parts.hostname or parts.query or parts.fragment:
        raise UsageError(f"`{address}` is no address of a cloud; write it like https://cloud.example.org")
    if parts.scheme == "http" and not (without_tls or _is_this_machine(parts.hostname)):
        raise UsageError(
            f"{address} is not encrypted, and the password would be read on the way. Use https://, or on a "
            "network of your own --without-tls"
        )
    return address.rstrip("/")


def _is_this_machine(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _date(headers: Any) -> dt.datetime | None:
    try:
        return email.utils.parsedate_to_datetime(headers.get("Date") or "")
    except ValueError:
        return None


def tls_fault(exc: ssl.SSLError) -> str:
    """What is wrong with the connection, and the mend."""
    if not isinstance(exc, ssl.SSLCertVerificationError):
        return f"no encrypted connection: {exc.reason or exc}"
    here = dt.datetime.fromtimestamp(now_ms() / 1000, dt.UTC).strftime("%Y-%m-%d %H:%M UTC")
    if exc.verify_code in {_NOT_YET_VALID, _EXPIRED}:
        state = "not valid yet" if exc.verify_code == _NOT_YET_VALID else "expired"
        return f"by this gateway's clock ({here}) its certificate is {state}. Is this clock right?"
    if exc.verify_code == _OTHER_NAME:
        return f"the certificate is for another name: {exc.verify_message}"
    return f"its certificate is not trusted ({exc.verify_message}). Give its issuer's with --ca-file"
