"""A migrated database of the test's own, a site in it, and the web pages over it."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from cloud.migrate import migrate
from cloud.settings import Settings
from tests.cloud.site import TestSite, make_settings
from tests.cloud.web.serving import Web
from tests.support.postgres import Postgres


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A folder that another account can be let into; pytest's are locked again by every other session."""
    with tempfile.TemporaryDirectory(prefix="sitewarden-") as path:
        Path(path).chmod(0o711)
        yield Path(path)


@pytest.fixture(scope="session")
def migrated(postgres: Postgres) -> str:
    """A database with the whole schema; logs in as the owner."""
    dsn = postgres.create_database()
    migrate(dsn)
    return dsn


@pytest.fixture
def dsn(postgres: Postgres, migrated: str) -> str:
    """The same database, emptied: quicker than a copy for each test."""
    postgres.empty(migrated)
    return migrated


@pytest.fixture
def settings(tmp_path) -> Settings:
    """Site `demo` with the gateways gw-1 and gw-2."""
    return make_settings(tmp_path)


@pytest.fixture
def site(dsn: str, settings: Settings) -> Iterator[TestSite]:
    """The site in the database; messages given to it take ingest's road without the broker."""
    made = TestSite(settings, dsn)
    yield made
    made.close()


@pytest.fixture
def web(dsn: str, settings: Settings, site: TestSite) -> Iterator[Web]:
    """The web server over the site, signed in as the administrator."""
    served = Web(settings, dsn)
    served.sign_in(site.connection)
    yield served
    served.close()
