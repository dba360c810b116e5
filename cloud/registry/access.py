"""Who may see which site, for every route: what is out of an account's scope does not exist for it."""

from typing import Annotated, LiteralString

from fastapi import Depends

from cloud.accounts.model import Signed
from cloud.accounts.permissions import SignedIn
from cloud.accounts.roles import roles_with
from cloud.problems import not_found
from cloud.registry.known import KNOWN, SiteEntry, entry_of
from cloud.serving import Served, Serving

_SEEN: LiteralString = KNOWN + "WHERE sees_site(%(account)s, site.site) AND site.site = %(site)s"
_VISIBLE: LiteralString = KNOWN + "WHERE sees_site(%(account)s, site.site, %(roles)s) ORDER BY site.site"


async def seen_site(serving: Serving, signed: Signed, site: str) -> SiteEntry | None:
    """The site, if there is one of that name and the account may see it."""
    row = await serving.row(_SEEN, {"account": signed.account_id, "site": site})
    return None if row is None else entry_of(row)


async def known_site(serving: Served, signed: SignedIn, site: str) -> SiteEntry:
    """The site named in the path; a problem where there is none, or none that the account may see."""
    entry = await seen_site(serving, signed, site)
    if entry is None:
        raise not_found("site")
    return entry


KnownSite = Annotated[SiteEntry, Depends(known_site)]


async def visible_sites(serving: Serving, signed: Signed) -> list[SiteEntry]:
    """Every site that the account may look at."""
    asked = {"account": signed.account_id, "roles": roles_with("status.view")}
    rows = await serving.rows(_VISIBLE, asked)
    return [entry_of(row) for row in rows]


def check_among(device: str, seen: list[str] | None, what: str = "device") -> None:
    """Raise a problem, as if there were none, where the account's permission is for other devices."""
    if seen is not None and device not in seen:
        raise not_found(what)
