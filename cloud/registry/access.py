"""Who may see which site, for every route: what is out of an account's scope does not exist for it."""

from typing import Annotated, LiteralString

from fastapi import Depends

from cloud.accounts.model import Signed
from cloud.accounts.permissions import SignedIn
from cloud.problems import not_found
from cloud.registry.known import KNOWN, SiteEntry, entry_of
from cloud.serving import Served, Serving

_SEEN: LiteralString = KNOWN + "WHERE sees_site(%(account)s, site.site) "


async def seen_site(serving: Serving, signed: Signed, site: str) -> SiteEntry | None:
    """The site, if there is one of that name and the account may see it."""
    row = await serving.row(_SEEN + "AND site.site = %(site)s", {"account": signed.account_id, "site": site})
    return None if row is None else entry_of(row)


async def known_site(serving: Served, signed: SignedIn, site: str) -> SiteEntry:
    """The site named in the path; a problem where there is none, or none that the account may see."""
    entry = await seen_site(serving, signed, site)
    if entry is None:
        raise not_found("site")
    return entry


KnownSite = Annotated[SiteEntry, Depends(known_site)]


async def visible_sites(serving: Serving, signed: Signed) -> list[SiteEntry]:
    """Every site that the account may see."""
    rows = await serving.rows(_SEEN + "ORDER BY site.site", {"account": signed.account_id})
    return [entry_of(row) for row in rows]
