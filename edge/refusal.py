"""Why the broker does not let the gateway in: people on site must not look for it in the wiring."""

import socket
import ssl
from typing import Literal

import aiomqtt

from edge.config import Broker
from edge.login import Login

Refusal = Literal["refused", "revoked", "expired", "unknown-issuer"]
"""By name and password (revoked, retired, or another password); or its certificate was revoked, has ended, or
is of an authority that the broker does not know."""

PATIENCE_S = 5.0
_NOT_AUTHORISED = {4, 5, 134, 135}
"""Bad user name or password, not authorised: in MQTT 3.1.1 and as the library translates them."""
_ALERTS: dict[str, Refusal] = {
    "CERTIFICATE_REVOKED": "revoked",
    "CERTIFICATE_EXPIRED": "expired",
    "UNKNOWN_CA": "unknown-issuer",
    "BAD_CERTIFICATE": "unknown-issuer",
}

WORDS: dict[Refusal, str] = {
    "refused": "the broker does not know this name and password: the gateway was revoked or retired, or got "
    "another password",
    "revoked": "this gateway's certificate was revoked: the gateway was revoked or retired in the cloud",
    "expired": "this gateway's certificate has ended{ended}, if this clock is right",
    "unknown-issuer": "the broker does not believe who signed this gateway's certificate",
}
_MEND = "A new code of the cloud lets it in: sitewarden edge enrol"


def told(refusal: Refusal, login: Login) -> str:
    """What the log says of it."""
    ended = f" ({login.ends_at})" if login.ends_at else ""
    return f"{WORDS[refusal].format(ended=ended)}. {_MEND}"


def of_login(exc: Exception) -> Refusal | None:
    """Whether the broker turned down name and password; pure."""
    code = exc.rc if isinstance(exc, aiomqtt.MqttCodeError) else None
    value = getattr(code, "value", code)
    return "refused" if value in _NOT_AUTHORISED else None


def of_certificate(broker: Broker, login: Login, now_s: float) -> Refusal | None:
    """What the broker has against the certificate; blocks for seconds, asks by a connection of its own.

    In TLS 1.3 a client is through with its handshake before the broker has looked at its certificate, and
    often hears nothing but a connection that ends. In TLS 1.2 it is told.
    """
    if login.file is None:
        return None
    if login.ends_s is not None and login.ends_s < now_s:
        return "expired"
    try:
        context = ssl.create_default_context(cafile=broker.ca_file)
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(login.file)
        with (
            socket.create_connection((broker.host, broker.port), PATIENCE_S) as link,
            context.wrap_socket(link, server_hostname=broker.host),
        ):
            return None
    except ssl.SSLError as exc:
        return next((word for alert, word in _ALERTS.items() if alert in (exc.reason or "")), None)
    except OSError:
        return None
