"""A database in each mode that there is a server for; one suite runs over all of them."""

from collections.abc import Iterator

import pytest

from cloud.migrate import migrate
from cloud.storage.modes import Mode
from tests.cloud.storage.databases import empty_database
from tests.cloud.storage.history import History
from tests.support import timescale
from tests.support.left_out import leave_out_optional
from tests.support.postgres import Postgres
from tests.support.timescale import NO_SERVER

MODES: list[Mode] = ["plain", "timescale"] if timescale.server() else ["plain"]


@pytest.fixture(params=MODES)
def mode(request) -> Mode:
    """How readings are stored; `timescale` only where a server with it is named."""
    if request.param == "timescale" and not timescale.server():
        leave_out_optional(NO_SERVER)
    return request.param


@pytest.fixture
def history(mode: Mode, postgres: Postgres) -> Iterator[History]:
    """An empty history in a database of that mode."""
    with empty_database(mode, postgres) as dsn:
        migrate(dsn, wish=mode)
        made = History(dsn)
        try:
            yield made
        finally:
            made.close()
