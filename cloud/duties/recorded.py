"""Duties that were recorded, as a list of a place."""

from typing import LiteralString

from fastapi import APIRouter

from cloud.accounts.permissions import SignedIn, requires
from cloud.duties.kinds import kinds
from cloud.duties.model import DutiesDone, DutyDoneListed, DutyPhoto
from cloud.duties.places import RECORDS, SEES, OfNode, OfSite, may_at, place
from cloud.duties.routes import Since, Until, check_days
from cloud.serving import Served
from cloud.shown import TextShown, from_json

router = APIRouter(tags=["duties"])
_MOST = 200

_LISTED: LiteralString = """
    SELECT done.*, coalesce(site.name, node.name) AS who,
           coalesce((SELECT jsonb_agg(jsonb_build_object(
                                'sha256', encode(sha256, 'hex'), 'media_type', media_type, 'at', photo.at)
                                ORDER BY photo.at)
                       FROM duty_photo AS photo WHERE photo.duty = done.id), '[]') AS photos
      FROM duty_done_now AS done
           LEFT JOIN site USING (site)
           LEFT JOIN tree_node AS node ON node.node = done.node
           LEFT JOIN tree_node AS t ON t.node = site.territory
           LEFT JOIN tree_node AS e ON e.node = site.enterprise
           LEFT JOIN tree_node AS top ON top.node = %(node)s::int
     WHERE done.day BETWEEN %(since)s AND %(until)s
       AND (done.site = %(site)s::text OR starts_with(node.path, top.path)
            OR starts_with(t.path, top.path) OR starts_with(e.path, top.path))
     ORDER BY done.day DESC, done.at DESC LIMIT %(most)s
"""


@router.get("/duties/done", dependencies=[requires(SEES)])
async def list_duties_done(
    serving: Served, signed: SignedIn, since: Since, until: Until, *, node: OfNode = None, site: OfSite = None
) -> DutiesDone:
    """Duties that were recorded in these days, the newest first, 200 at most, withdrawn ones too."""
    check_days(since, until)
    of = await place(serving, signed, node, site)
    asked = {"since": since, "until": until, "node": node, "site": site, "most": _MOST}
    rows = await serving.rows(_LISTED, asked)
    return DutiesDone(
        items=[
            DutyDoneListed(
                **{
                    **row,
                    "label": TextShown.of(kinds().duties[row["kind"]].label),
                    "who": TextShown(**row["who"]),
                    "photos": [DutyPhoto(**from_json(one, "at")) for one in row["photos"]],
                }
            )
            for row in rows
        ],
        may_record=await may_at(serving, signed, RECORDS, of),
    )
