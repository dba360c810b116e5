"""The web application put together: routes, errors, guards, lifetimes."""

import contextlib
import functools
from collections.abc import AsyncIterator, Callable
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.middleware.gzip import GZipMiddleware
from pydantic import Field
from starlette.routing import BaseRoute

from cloud import health, pages, problems
from cloud.accounts.managing_routes import make_router as make_managing_router
from cloud.accounts.oidc_routes import make_router as make_oidc_router
from cloud.accounts.own_routes import make_router as make_own_router
from cloud.accounts.permissions import Public, declared_permissions
from cloud.accounts.rates import Rates
from cloud.accounts.routes import make_router as make_accounts_router
from cloud.accounts.signing import tell_of_ended_keys
from cloud.alarms.routes import router as alarms_router
from cloud.backtest.routes import router as backtest_router
from cloud.cameras.routes import router as cameras_router
from cloud.clauses.routes import router as clauses_router
from cloud.commissioning.routes import make_router as make_commissioning_router
from cloud.configuration.routes import router as configuration_router
from cloud.cycles.routes import router as cycles_router
from cloud.duties.log_routes import router as logs_router
from cloud.duties.month import router as calendar_router
from cloud.duties.proposing import router as theme_proposals_router
from cloud.duties.recorded import router as duties_recorded_router
from cloud.duties.recording import router as duty_records_router
from cloud.duties.routes import router as duties_router
from cloud.enforcement.routes import make_router as make_enforcement_router
from cloud.enrolment.routes import make_router as make_enrolment_router
from cloud.evidence.routes import router as evidence_router
from cloud.exposures.routes import make_router as make_exposures_router
from cloud.guards import Guards
from cloud.hazards.clearing_routes import router as clearing_router
from cloud.hazards.counts import router as counts_router
from cloud.hazards.filing_routes import router as filing_router
from cloud.hazards.inbox import router as inbox_router
from cloud.hazards.listing import router as hazard_lists_router
from cloud.hazards.patterns import router as patterns_router
from cloud.hazards.reports_routes import router as reports_router
from cloud.hazards.routes import router as hazards_router
from cloud.hazards.supervision import router as supervision_router
from cloud.histories.routes import router as histories_router
from cloud.histories.service import Exporter
from cloud.home.routes import router as home_router
from cloud.incidents.routes import make_router as make_incidents_router
from cloud.indicators.alarm_routes import router as alarm_figures_router
from cloud.indicators.board_routes import router as board_router
from cloud.indicators.ranking_routes import router as ranking_router
from cloud.indicators.routes import router as indicators_router
from cloud.inspections.plans import make_router as make_plans_router
from cloud.inspections.routes import make_router as make_inspections_router
from cloud.intake.routes import make_router as make_intake_router
from cloud.intake.sources import make_router as make_sources_router
from cloud.jurisdictions.routes import router as jurisdictions_router
from cloud.live.hub import Hub
from cloud.live.permits import permits_of
from cloud.live.routes import router as live_router
from cloud.mailing.routes import make_router as make_mailing_router
from cloud.media.routes import router as media_router
from cloud.notices.people_routes import make_people_router
from cloud.notices.rota_routes import router as rota_router
from cloud.notices.routes import make_router as make_notices_router
from cloud.outbound.routes import make_router as make_outbound_router
from cloud.profiles.routes import make_router as make_profiles_router
from cloud.readings.arrival_routes import router as arrivals_router
from cloud.readings.routes import router as readings_router
from cloud.registry.import_routes import router as imports_router
from cloud.registry.routes import make_router as make_registry_router
from cloud.registry.trees import router as trees_router
from cloud.replay.routes import router as replay_router
from cloud.reports.routes import make_router as make_reports_router
from cloud.returns.routes import router as returns_router
from cloud.serving import Served, Serving, make_pool, wall_clock_ms
from cloud.settings import Settings
from cloud.shown import Shown, TextShown
from cloud.sites.routes import router as sites_router
from cloud.tables.ledgers import router as ledger_tables_router
from cloud.tables.routes import router as tables_router
from cloud.tips.public_routes import make_public_router
from cloud.tips.routes import make_router as make_tips_router
from cloud.trials.routes import router as trials_router
from cloud.upkeep.routes import router as upkeep_router
from sitewarden import __version__

API = "/api/v1"
_COMPRESS_ABOVE_BYTES = 2048


class ServerShown(Shown):
    """What a page must know before anybody signs in."""

    version: str
    demo: bool
    replay: bool = Field(description="What is shown is a recorded history, not what is so now.")
    needs_setup: bool
    oidc: TextShown | None = Field(
        default=None, description="What the button is called by which one signs in elsewhere; none: nowhere."
    )


def make_app(settings: Settings, dsn: str, *, now_ms: Callable[[], int] = wall_clock_ms) -> FastAPI:
    """The application; raises `UndeclaredPermissionError` where a route does not say who may call it."""

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with make_pool(dsn) as pool:
            hub = Hub(settings, dsn, pool, now_ms)
            exporter = Exporter(dsn, settings.data_dir / "exports", now_ms)
            app.state.serving = Serving(
                settings=settings,
                dsn=dsn,
                pool=pool,
                hub=hub,
                exporter=exporter,
                now_ms=now_ms,
                rates=Rates(settings.limits),
            )
            app.state.permits = permits_of(app.state.serving)
            async with hub.running(), exporter.running():
                yield

    app = _bare(lifespan)
    app.state.exposed = health.exposed(settings, dsn)
    problems.install(app)
    tell_of_ended_keys(app)
    app.router.routes.extend(_routes())
    # Live streams pass through it as they are.
    app.add_middleware(GZipMiddleware, minimum_size=_COMPRESS_ABOVE_BYTES, compresslevel=5)
    app.add_middleware(Guards)
    return app


def _bare(lifespan: Callable[[FastAPI], contextlib.AbstractAsyncContextManager[None]] | None) -> FastAPI:
    # No interactive documentation: its scripts come from elsewhere, which the content policy forbids.
    return FastAPI(
        title="SiteWarden",
        version="1",
        summary="Construction-site safety monitoring (工地卫士)",
        lifespan=lifespan,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        responses=problems.RESPONSES,
        separate_input_output_schemas=False,
    )


@functools.cache
def _routes() -> tuple[BaseRoute, ...]:
    """Once a process: to work out what each asks takes a second. What they remember is each `Own`."""
    whole = _bare(None)
    whole.include_router(_api())
    whole.include_router(health.router)
    whole.include_router(pages.make_router())
    declared_permissions(whole)
    return tuple(whole.router.routes)


def openapi(app: FastAPI) -> dict[str, Any]:
    """The description of the interface (OpenAPI 3.1)."""
    document = app.openapi()
    problem = problems.Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    document["components"]["schemas"] |= {**problem.pop("$defs"), "Problem": problem}
    for name in ("HTTPValidationError", "ValidationError"):
        document["components"]["schemas"].pop(name, None)
    return document


def _api() -> APIRouter:
    router = APIRouter(prefix=API)
    _add_server(router)
    for part in (
        *_of_ways_in_and_out(),
        *_of_accounts_and_sites(),
        *_of_hazards(),
        *_of_office(),
        *_of_work(),
        *_of_equipment(),
    ):
        router.include_router(part)
    return router


def _add_server(router: APIRouter) -> None:
    @router.get("/server", dependencies=[Public], tags=["server"])
    async def server(serving: Served) -> ServerShown:
        """What is running here."""
        row = await serving.row("SELECT EXISTS (SELECT FROM account) AS done")
        done, oidc = row is not None and bool(row["done"]), serving.settings.oidc
        return ServerShown(
            version=__version__,
            demo=serving.settings.demo,
            replay=serving.settings.mode == "replay",
            needs_setup=not done,
            oidc=None if oidc is None else TextShown.of(oidc.label),
        )


def _of_ways_in_and_out() -> tuple[APIRouter, ...]:
    """Where somebody comes from elsewhere, and by what people are told."""
    return (
        make_oidc_router(),
        make_enrolment_router(),
        make_notices_router(),
        make_people_router(),
        make_public_router(),
    )


def _of_accounts_and_sites() -> tuple[APIRouter, ...]:
    """Who looks, and what sites tell."""
    return (
        make_accounts_router(),
        make_own_router(),
        make_managing_router(),
        sites_router,
        home_router,
        readings_router,
        arrivals_router,
        histories_router,
        tables_router,
        ledger_tables_router,
        returns_router,
        alarms_router,
        counts_router,
        patterns_router,
    )


def _of_hazards() -> tuple[APIRouter, ...]:
    """Hazards, and the figures that are made of them."""
    return (
        hazard_lists_router,
        inbox_router,
        hazards_router,
        filing_router,
        supervision_router,
        evidence_router,
        clearing_router,
        reports_router,
        jurisdictions_router,
        indicators_router,
        ranking_router,
        board_router,
        alarm_figures_router,
        clauses_router,
    )


def _of_office() -> tuple[APIRouter, ...]:
    """What goes to and comes from others."""
    return (
        make_incidents_router(),
        make_enforcement_router(),
        make_reports_router(),
        make_mailing_router(),
        make_inspections_router(),
        make_plans_router(),
        make_intake_router(),
        make_sources_router(),
    )


def _of_work() -> tuple[APIRouter, ...]:
    """Trials of rules, cranes at work, cameras, and people on duty."""
    return (
        backtest_router,
        cycles_router,
        cameras_router,
        media_router,
        duties_router,
        duties_recorded_router,
        theme_proposals_router,
        duty_records_router,
        calendar_router,
        logs_router,
        live_router,
        replay_router,
        rota_router,
    )


def _of_equipment() -> tuple[APIRouter, ...]:
    """Gateways, what is set up on them, and the registry."""
    return (
        configuration_router,
        trials_router,
        upkeep_router,
        imports_router,
        make_registry_router(),
        trees_router,
        make_profiles_router(),
        make_commissioning_router(),
        make_tips_router(),
        make_exposures_router(),
        make_outbound_router(),
    )
