"""What the doctor looks at of a cloud, beside one that runs or without."""

from collections.abc import Iterator
from pathlib import Path

import psycopg

from cloud.doctor.authority import authority_results
from cloud.doctor.registry import registry_results, zone_result
from cloud.embedded import EmbeddedError
from cloud.migrate import MigrationError, pending
from cloud.running import owner_dsn
from cloud.settings import Settings, read_settings
from sitewarden.doctor import Check, Result
from sitewarden.doctor.broker import broker_results, cloud_target
from sitewarden.doctor.machine import MIB, clock_results, disk_results, file_result
from sitewarden.errors import ConfigurationError

LEAST_BYTES = 2048 * MIB
"""Some weeks of a site; PostgreSQL stops where a disk is full."""

CONFIGURATION = Check(
    "configuration",
    "whether the file can be meant",
    "A cloud that cannot read its file does not start.",
)
DATABASE = Check(
    "database.reached",
    "whether PostgreSQL answers",
    "Without it no record is taken in and no page is shown; gateways keep what they have and go on sounding.",
)
SCHEMA = Check(
    "database.migrated",
    "whether the database has this program's schema",
    "A program over another schema fails in the middle of its work.",
)


def examine(file: Path) -> Iterator[Result]:
    """Every check of a cloud, beginning with its file."""
    yield file_result(file, is_secret=False)
    try:
        settings = read_settings(file)
    except ConfigurationError as exc:
        yield CONFIGURATION.finding(str(exc).removesuffix(f" {exc.mend}"), exc.mend)
        return
    yield CONFIGURATION.ok("can be meant")
    broker = settings.broker
    if broker.password_file is not None:
        yield file_result(file.parent / broker.password_file, is_secret=True)
    if settings.enrolment is not None:
        yield file_result(settings.enrolment.password_file, is_secret=True)
        if settings.enrolment.certificates is not None:
            yield from authority_results(settings.enrolment.certificates)
    yield from clock_results(broker.host)
    for site in settings.sites.values():
        yield zone_result(site.site, site.time_zone)
    yield from disk_results(settings.data_dir, LEAST_BYTES, "there should be")
    yield from _database_results(settings)
    login = broker.username, settings.broker_password
    yield from broker_results(cloud_target((broker.host, broker.port), login))


def _database_results(settings: Settings) -> Iterator[Result]:
    try:
        missing = pending(owner_dsn(settings))
    except EmbeddedError as exc:
        yield DATABASE.finding(str(exc), "pip install 'sitewarden[cloud]'")
    except psycopg.OperationalError as exc:
        mend = f"does the cloud run? sitewarden cloud run {settings.file}"
        if settings.dsn is not None:
            mend = "does PostgreSQL run, and is database.dsn right?"
        yield DATABASE.unreachable(f"does not answer: {' '.join(str(exc).split())}", mend)
    except MigrationError as exc:
        yield DATABASE.ok("answers")
        yield SCHEMA.finding(str(exc), "install the program that this database belongs to")
    except psycopg.Error as exc:
        yield DATABASE.finding(f"refuses a question: {exc}", "the user of database.dsn must own the database")
    else:
        yield DATABASE.ok("answers")
        yield _schema(settings, [migration.name for migration in missing])
        if not missing:
            yield from registry_results(settings)


def _schema(settings: Settings, missing: list[str]) -> Result:
    if not missing:
        return SCHEMA.ok("has this program's schema")
    mend = f"sitewarden cloud migrate {settings.file}"
    return SCHEMA.finding(f"{len(missing)} migrations are missing, from {missing[0]} on", mend)
