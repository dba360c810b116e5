"""The readings' lane as a program of its own, on a session filled before; `bench ingest` starts it."""

import sys
from pathlib import Path

import msgspec

from cloud import logs
from cloud.ingest.link import Link
from cloud.ingest.readings import ReadingsLane
from cloud.ingest.service import READINGS
from cloud.ingest.worker import Surroundings, Worker, collect_rarely
from cloud.settings import Broker, Settings
from cloud.sites.registry import Registry


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What it is told, as JSON in its only argument."""

    folder: str
    dsn: str
    port: int
    session: str
    filters: list[str]


def settings_of(folder: Path, port: int) -> Settings:
    """A cloud of that broker; its sites are in the database already."""
    return Settings(
        file=folder / "cloud.yaml",
        host="127.0.0.1",
        port=0,
        data_dir=folder / "data",
        dsn=None,
        broker=Broker(port=port),
        broker_password=None,
        demo=False,
        sites={},
    )


def main() -> None:
    """Work until standard input is closed; says a line when it has begun."""
    logs.set_up("worker")
    plan = msgspec.json.decode(sys.argv[1], type=Plan)
    settings = settings_of(Path(plan.folder), plan.port)
    surroundings = Surroundings(settings=settings, dsn=plan.dsn, registry=Registry())
    worker = Worker("readings", ReadingsLane, surroundings, READINGS)
    link = Link("readings", settings, plan.filters, worker.deliver, session=plan.session)
    print("ready", flush=True)
    collect_rarely()
    sys.stdin.readline()
    worker.start(link)
    link.start()
    sys.stdin.read()
    worker.stop()
    worker.join()
    link.stop()


if __name__ == "__main__":
    main()
