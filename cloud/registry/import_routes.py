"""Tables brought in over HTTP: the template, the trial, the deed."""

from typing import Literal

from fastapi import APIRouter, Response

from cloud.accounts.permissions import SignedIn, requires
from cloud.database import instant
from cloud.registry.access import KnownSite
from cloud.registry.columns import CHART, TABLES
from cloud.registry.importing import bring_chart, bring_records
from cloud.registry.kinds import Around
from cloud.registry.model import ImportAsked, Imported
from cloud.registry.service import acting
from cloud.registry.sheets import template
from cloud.serving import Served

router = APIRouter(tags=["registry"])
What = Literal["devices", "operators", "points", "load-chart"]


class CsvFile(Response):
    """A table."""

    media_type = "text/csv"


@router.post(
    "/sites/{site}/registry/imports/{what}",
    dependencies=[requires("registry.edit")],
    responses={409: {"description": "The table or the registry has changed since the trial"}},
)
async def bring_table(
    site: KnownSite, what: What, serving: Served, signed: SignedIn, *, asked: ImportAsked
) -> Imported:
    """What a table would add and change, and with `agreed` exactly that, all of it or nothing."""
    async with acting(serving, signed) as connection:
        around = Around(
            connection=connection, site=site, mode=serving.settings.mode, now=instant(serving.now_ms())
        )
        if what == "load-chart":
            return await bring_chart(around, asked)
        return await bring_records(around, TABLES[what](), asked)


@router.get(
    "/registry/templates/{what}.csv",
    dependencies=[requires("registry.edit")],
    response_class=CsvFile,
    responses={
        200: {"description": "The titles, in UTF-8 with a mark for Excel.", "content": {"text/csv": {}}}
    },
)
async def read_template(what: What, language: Literal["zh", "en"] = "zh") -> CsvFile:
    """An empty table with the titles that are understood."""
    columns = CHART if what == "load-chart" else TABLES[what]().columns
    content = template(columns, in_english=language == "en")
    return CsvFile(content, headers={"Content-Disposition": f'attachment; filename="{what}.csv"'})
