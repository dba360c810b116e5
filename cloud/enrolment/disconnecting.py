"""Ending the connection of a gateway that is shut out, at a broker that does not do so by itself.

Mosquitto 2.0 reads its list of revoked certificates again and refuses new connections, but leaves alone
whoever is in. It knows one session a client, and ends the older one when another comes under the same name.
The cloud, whose authority it believes, comes as that gateway, and leaves again.
"""

import datetime as dt
import logging
import ssl
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from cloud.database import Connection, instant
from cloud.enrolment.authority import Authority, Key
from cloud.settings import Certificates, Enrolment
from sitewarden.errors import SiteWardenError

log = logging.getLogger(__name__)

AGAIN = dt.timedelta(seconds=15)
LASTS = dt.timedelta(minutes=3)
"""So long, and so often, it is done again: somebody may have shaken hands before the list was read again, and
log in only afterwards; Mosquitto waits 90 s for that."""
_AT_ONCE = 20
"""Gateways a look; the thread has other things to do."""
_LIFE = dt.timedelta(minutes=10)
_PATIENCE_S = 5.0


class DisconnectError(SiteWardenError):
    """The broker could not be made to end a connection."""


def disconnect_due(connection: Connection, enrolment: Enrolment, authority: Authority, now_ms: int) -> None:
    """End the connections of whoever was shut out a short while ago; raises `DisconnectError`."""
    now, certificates = instant(now_ms), enrolment.certificates
    if certificates is None:
        return
    for site, gateway in list(_due(connection, now)):
        login = authority.login(site, gateway, now, _LIFE)
        take_over(enrolment, certificates, login, client_id(site, gateway))
        log.info("connection ended of a gateway that is shut out gateway=%s/%s", site, gateway)
        connection.execute(
            """
            INSERT INTO gateway_disconnected (site, gateway, first_at, last_at)
                VALUES (%(site)s, %(gateway)s, %(now)s, %(now)s)
                ON CONFLICT (site, gateway) DO UPDATE SET last_at = excluded.last_at
            """,
            {"site": site, "gateway": gateway, "now": now},
        )


def client_id(site: str, gateway: str) -> str:
    """As agents name themselves; a broker that goes by the certificate's name takes no notice of it."""
    return f"sitewarden-{site}-{gateway}"


def _due(connection: Connection, now: dt.datetime) -> Iterator[tuple[str, str]]:
    """Whoever is shut out and had a certificate; who was let in again is forgotten."""
    connection.execute(
        """
        DELETE FROM gateway_disconnected AS done
         USING site_gateway AS its LEFT JOIN gateway_access AS access USING (site, gateway)
         WHERE done.site = its.site AND done.gateway = its.gateway
           AND its.retired_on IS NULL AND access.revoked_at IS NULL
        """
    )
    rows = connection.execute(
        """
        SELECT its.site, its.gateway
          FROM site_gateway AS its
               LEFT JOIN gateway_access AS access USING (site, gateway)
               LEFT JOIN gateway_disconnected AS done USING (site, gateway)
         WHERE (its.retired_on IS NOT NULL OR access.revoked_at IS NOT NULL)
           AND (done.site IS NULL
                OR (done.last_at <= %(before)s AND done.last_at < done.first_at + %(lasts)s))
           AND EXISTS (SELECT FROM gateway_certificate AS c
                        WHERE c.site = its.site AND c.gateway = its.gateway)
         LIMIT %(most)s
        """,
        {"before": now - AGAIN, "lasts": LASTS, "most": _AT_ONCE},
    )
    yield from ((str(site), str(gateway)) for site, gateway in rows)


def take_over(enrolment: Enrolment, certificates: Certificates, login: Key, identifier: str) -> None:
    """Come as somebody, by which the broker ends what he has, and leave; raises `DisconnectError`."""
    answers: list[str | None] = []
    client = paho.Client(
        CallbackAPIVersion.VERSION2,
        client_id=identifier,
        clean_session=True,
        protocol=MQTTProtocolVersion.MQTTv311,
        reconnect_on_failure=False,
    )
    client.connect_timeout = _PATIENCE_S
    client.on_connect = lambda *args: answers.append(str(args[3]) if args[3].is_failure else None)
    client.tls_set_context(_context(enrolment.ca, login, certificates.host == enrolment.host))
    try:
        client.connect(certificates.host, certificates.port)
        until = time.monotonic() + _PATIENCE_S
        while not answers and time.monotonic() < until and client.loop(0.1) == paho.MQTT_ERR_SUCCESS:
            pass
    except OSError as exc:
        raise DisconnectError(
            f"{certificates.host}:{certificates.port} does not let the cloud end a connection: {exc}"
        ) from exc
    finally:
        client.disconnect()
    if not answers or answers[0] is not None:
        why = answers[0] if answers else "it answers nothing"
        raise DisconnectError(
            f"{certificates.host}:{certificates.port} does not let the cloud end a connection: {why}"
        )


def _context(ca: str | None, login: Key, is_named: bool) -> ssl.SSLContext:
    """Where the broker is reached under another address than gateways use, its name is not compared."""
    context = ssl.create_default_context(cadata=ca)
    context.check_hostname = is_named
    with tempfile.TemporaryDirectory(prefix="sitewarden-") as folder:
        # The library reads keys from files only.
        file = Path(folder) / "login.pem"
        file.touch(mode=0o600)
        file.write_bytes(login.key + login.certificate)
        context.load_cert_chain(file)
    return context
