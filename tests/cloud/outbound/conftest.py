"""Another platform, whoever sends to it, and an officer who finds major hazards."""

import multiprocessing

import msgspec
import pytest

from cloud.database import connect
from cloud.outbound.sender import OutboundSender
from tests.cloud.hazards.people import Somebody
from tests.cloud.outbound.platform import LOOPBACK, Platform
from tests.cloud.registry.test_scope import trees
from tests.cloud.site import now_ms

__all__ = ["trees"]


def look_once(settings, dsn: str, at_ms: int) -> None:
    """In a process of its own."""
    with connect(dsn) as connection:
        OutboundSender(settings, dsn).look(connection, at_ms)


@pytest.fixture
def platform():
    made = Platform()
    yield made
    made.close()


@pytest.fixture
def sender(settings, dsn):
    notices = msgspec.structs.replace(settings.notices, networks=(LOOPBACK,))
    with connect(dsn) as connection:
        made = OutboundSender(msgspec.structs.replace(settings, notices=notices), dsn)

        def look(after_s: int = 0) -> None:
            made.look(connection, now_ms() + after_s * 1000)

        yield look


@pytest.fixture
def another_sender(settings, dsn):
    """A process that looks once; it has not begun."""
    notices = msgspec.structs.replace(settings.notices, networks=(LOOPBACK,))
    given = (msgspec.structs.replace(settings, notices=notices), dsn, now_ms())
    return multiprocessing.get_context("spawn").Process(target=look_once, args=given)


@pytest.fixture
def officer(web, site):
    made = Somebody(web, site.connection, "执法员", "enforcement_officer", site="demo")
    yield made
    made.client.close()
