"""A migrated database of the test's own, a site in it, and the web pages over it."""

from collections.abc import Iterator

import pytest

from cloud.migrate import migrate
from cloud.settings import Settings
from tests.cloud.site import TestSite, make_settings
from tests.cloud.web.serving import Web
from tests.support.postgres import Postgres


@pytest.fixture(scope="session")
def migrated(postgres: Postgres) -> str:
    """A database with the whole schema, to be copied."""
    dsn = postgres.create_database()
    migrate(dsn)
    return dsn


@pytest.fixture
def dsn(postgres: Postgres, migrated: str) -> Iterator[str]:
    """A fresh copy of the schema; logs in as the owner."""
    copy = postgres.create_database(template=migrated)
    yield copy
    postgres.drop_database(copy)


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
