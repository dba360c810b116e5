"""The agent renews its certificate in time, by itself, and says when the new one has worked."""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

from edge import clock
from edge.config import Broker
from edge.enrolment.asking import Cloud, RefusedError
from edge.enrolment.keys import Identity, NewKey
from edge.enrolment.writing import keep_before, write_identity
from edge.login import before
from sitewarden.errors import SiteWardenError

log = logging.getLogger(__name__)

LOOK_S = 10.0
AGAIN_S = 3600.0
"""So long after something has failed it is tried again; a third of the life is left for that."""


class Renewal:
    """Of one gateway's certificate."""

    def __init__(self, broker: Broker, in_use: Callable[[], str | None], look_s: float = LOOK_S) -> None:
        """`in_use` is the serial of the certificate by which the gateway is logged in, while it is."""
        self._broker, self._in_use, self._look_s = broker, in_use, look_s
        self._said: str | None = None
        """The serial of which the cloud knows that it works."""
        self._not_before_s = 0.0
        self._complaint = ""

    async def run(self) -> None:
        """Look now and then; a mistake must not end it, and nothing here holds up an alarm."""
        file = self._broker.certificate_file
        if file is None or self._broker.cloud is None:
            return
        monotonic = asyncio.get_running_loop().time
        while True:
            await asyncio.sleep(self._look_s)
            if monotonic() < self._not_before_s:
                continue
            try:
                await asyncio.to_thread(self._look, file, self._broker.cloud, self._in_use())
            except (OSError, SiteWardenError) as exc:
                self._not_before_s = monotonic() + AGAIN_S
                self._complain(str(exc))
            except Exception:
                self._not_before_s = monotonic() + AGAIN_S
                log.exception("the certificate could not be looked after")

    def _look(self, file: Path, address: str, in_use: str | None) -> None:
        """One look; blocks for seconds where the cloud has to be asked."""
        identity = Identity.read(file)
        if in_use == identity.serial and self._said != in_use:
            self._cloud(address).say_seen_certificate(identity.serial, identity.sign(seen_text(identity)))
            before(file).unlink(missing_ok=True)
            self._said = in_use
        # One that was just renewed and is not used yet is not renewed again.
        if in_use in {None, identity.serial} and clock.now_ms() / 1000 >= identity.due_s:
            self._renew(file, identity, self._cloud(address))

    def _renew(self, file: Path, identity: Identity, cloud: Cloud) -> None:
        key = NewKey()
        request = key.request()
        said = f"sitewarden renewal\n{identity.serial}\n{request}"
        issued = cloud.renew(identity.serial, request, identity.sign(said))
        renewed = key.with_certificate(issued.certificate)
        if renewed.username != identity.username:
            raise RefusedError(f"the cloud gave a certificate of another gateway: {renewed.username}")
        keep_before(file)
        write_identity(file, renewed.pem)
        self._complaint = ""
        log.info("the certificate was renewed serial=%s ends=%s", renewed.serial, renewed.ends_at)

    def _cloud(self, address: str) -> Cloud:
        # Nothing that is sent is secret, and what comes is believed for its key alone.
        return Cloud(address, ca_file=self._broker.cloud_ca_file, without_tls=True)

    def _complain(self, complaint: str) -> None:
        if complaint != self._complaint:
            log.error("the certificate could not be renewed, trying on: %s", complaint)
        self._complaint = complaint


def seen_text(identity: Identity) -> str:
    """What is signed to say that a certificate has arrived."""
    return f"sitewarden seen\n{identity.serial}"
