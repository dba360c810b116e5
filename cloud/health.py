"""Whether the web process lives, whether it is ready, and what it counts: for machines that watch it."""

import asyncio

import psycopg
from fastapi import APIRouter, Request, Response
from psycopg_pool import PoolTimeout
from pydantic import Field

from cloud.accounts.permissions import Public
from cloud.metrics import web
from cloud.metrics.access import may_read
from cloud.metrics.exposing import MEDIA_TYPE, Exposed
from cloud.metrics.machine import DiskCollector
from cloud.metrics.stored import StoredCollector
from cloud.problems import ProblemError
from cloud.readiness import RETRY_AFTER_S, SCHEMA, is_migrated
from cloud.serving import Served, Serving
from cloud.settings import Settings
from cloud.shown import Shown


class HealthShown(Shown):
    """That it runs."""

    status: str


class ReadyShown(Shown):
    """That it has what it needs."""

    status: str
    parts: dict[str, bool] = Field(
        description="`database`: it answers; `migrations`: it has this program's schema."
    )


def exposed(settings: Settings, dsn: str) -> Exposed:
    """What the web process tells of itself, of its machine and of the database."""
    return Exposed(web.CATALOGUE.registry, [DiskCollector(settings.data_dir), StoredCollector(dsn)])


router = APIRouter(dependencies=[Public], tags=["server"])


@router.get("/healthz")
async def health() -> HealthShown:
    """The process answers."""
    return HealthShown(status="ok")


@router.get("/readyz")
async def ready(serving: Served) -> ReadyShown:
    """The process answers and has its database, in the state that it needs."""
    await _check(serving)
    return ReadyShown(status="ok", parts={"database": True, "migrations": True})


@router.get("/metrics", include_in_schema=False)
async def metrics(request: Request, serving: Served) -> Response:
    """What Prometheus reads; for whoever has the token, or is on the same machine."""
    peer = request.client.host if request.client else ""
    if not may_read(serving.settings.metrics.token, peer, request.headers):
        raise ProblemError(
            401,
            "not-signed-in",
            "Metrics are not for everybody",
            "Send the token of metrics.token_file; without one, ask from the same machine.",
            {"WWW-Authenticate": "Bearer"},
        )
    told: Exposed = request.app.state.exposed
    return Response(await asyncio.to_thread(told.text), media_type=MEDIA_TYPE)


async def _check(serving: Serving) -> None:
    try:
        row = await serving.row(SCHEMA)
    except psycopg.errors.UndefinedTable:
        row = None
    except (psycopg.OperationalError, PoolTimeout) as exc:
        raise _not_ready("The database does not answer.") from exc
    if row is None or not is_migrated(row["max"]):
        raise _not_ready("The database has not this program's schema yet: run `sitewarden cloud migrate`.")


def _not_ready(detail: str) -> ProblemError:
    return ProblemError(503, "not-ready", "Not ready", detail, {"Retry-After": str(RETRY_AFTER_S)})
