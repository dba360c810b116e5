"""Accounts over HTTP, for those who manage them."""

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query

from cloud.accounts import managing
from cloud.accounts.holding import held_of
from cloud.accounts.links import NewLink
from cloud.accounts.managing_model import (
    AccountChange,
    AccountChoices,
    AccountMade,
    AccountManaged,
    AccountState,
    AssignmentGiven,
    Because,
    Invited,
    LinkMade,
    RoleExplained,
    RolesExplained,
    RoleShown,
)
from cloud.accounts.permissions import AnySigned, SignedIn, requires
from cloud.accounts.roles import roles, roles_giving, roles_with
from cloud.paging import After, KeyCursor, Limit, by_key, number_after, part
from cloud.registry.service import acting
from cloud.serving import Served
from cloud.shown import Page, TextShown

_CONFLICT: dict[int | str, dict[str, Any]] = {409: {"description": "It contradicts what is there"}}
_MANAGES = requires(managing.MANAGE)
_MAX_INT = 2**31 - 1
_TEXT = r"^[^\x00]*$"
_Search = Annotated[
    str | None, Query(max_length=100, pattern=_TEXT, description="Letters of its name or note.")
]


def make_router() -> APIRouter:
    """The routes."""
    router = APIRouter(tags=["accounts"], responses=_CONFLICT)
    _add_list(router)
    _add_roles(router)
    _add_changes(router)
    _add_accounts(router)
    _add_ways_in(router)
    _add_assignments(router)
    return router


def _add_list(router: APIRouter) -> None:
    @router.get("/accounts", dependencies=[_MANAGES])
    async def list_accounts(
        serving: Served,
        signed: SignedIn,
        *,
        search: _Search = None,
        state: Annotated[AccountState | None, Query(description="How it stands.")] = None,
        role: Annotated[
            str | None, Query(max_length=64, pattern=_TEXT, description="With this role.")
        ] = None,
        node: Annotated[
            int | None, Query(ge=0, le=_MAX_INT, description="With a role there or below.")
        ] = None,
        site: Annotated[
            str | None, Query(max_length=128, pattern=_TEXT, description="With a role at this site.")
        ] = None,
        after: After = None,
        limit: Limit = 100,
    ) -> Page[AccountManaged]:
        """The accounts that have a role in the caller's scope, those that he made, and his own.

        Roles that are over find nobody, nor do roles outside of the caller's scope.
        """
        wanted = managing.Wanted(search=search, state=state, role=role, node=node, site=site)
        async with acting(serving, signed) as connection:
            items = await managing.listed(
                serving, signed, connection, wanted, after=number_after(after) or 0, limit=limit + 1
            )
        shown, following = part(items, limit, lambda account: KeyCursor(key=str(account.id)))
        return Page(items=shown, next=following)


def _add_roles(router: APIRouter) -> None:
    @router.get("/account-choices", dependencies=[_MANAGES])
    async def read_choices(serving: Served, signed: SignedIn) -> AccountChoices:
        """Roles and permissions by their names, and which of them the caller may give."""
        known, held = roles(), {one.role for one in await held_of(serving, signed.account_id)}
        row = await serving.row(
            "SELECT array_agg(role) AS roles FROM assignments_of(%s) WHERE num_nonnulls(node, site) = 0",
            [signed.account_id],
        )
        whole = set((row or {})["roles"] or ())
        return AccountChoices(
            roles=[
                RoleShown(
                    name=name,
                    label=TextShown.of(role.name),
                    permissions=sorted(known.permissions_of(name)),
                    is_given=not held.isdisjoint(roles_giving(name)),
                )
                for name, role in known.roles.items()
            ],
            permissions={name: TextShown.of(text) for name, text in known.permissions.items()},
            everywhere=[name for name in known.roles if not whole.isdisjoint(roles_giving(name))],
            source=TextShown.of(known.source),
        )

    @router.get("/roles", dependencies=[AnySigned])
    async def read_roles() -> RolesExplained:
        """All roles, what each may do and which it may give: no secret to anybody who is signed in."""
        return _explained()


def _add_changes(router: APIRouter) -> None:
    @router.get("/account-changes", dependencies=[requires(managing.AUDIT)])
    async def list_account_changes(
        serving: Served,
        signed: SignedIn,
        *,
        account: Annotated[int | None, Query(description="Of this account alone.")] = None,
        after: After = None,
        limit: Limit = 50,
    ) -> Page[AccountChange]:
        """Who changed what of accounts and roles, the newest first; nothing is ever taken out of it."""
        asked = {
            "caller": signed.account_id,
            "auditors": roles_with(managing.AUDIT),
            "account": account,
            "before": number_after(after),
            "limit": limit + 1,
        }
        rows = await serving.rows(managing.CHANGES, asked)
        shown, following = part(rows, limit, by_key())
        return Page(items=[AccountChange(**row) for row in shown], next=following)


def _add_accounts(router: APIRouter) -> None:
    @router.post("/accounts", dependencies=[_MANAGES], status_code=201)
    async def invite_account(serving: Served, signed: SignedIn, *, given: Invited) -> AccountMade:
        """A new account. Its link is shown this once; who opens it, within 72 hours, chooses the password."""
        account, link = await managing.invite(serving, signed, given)
        return AccountMade(account=account, link=_link_made(link))

    @router.get("/accounts/{account}", dependencies=[_MANAGES])
    async def read_account(account: int, serving: Served, signed: SignedIn) -> AccountManaged:
        """One account."""
        async with acting(serving, signed) as connection:
            return await managing.one(serving, signed, connection, account)

    @router.post("/accounts/{account}/link", dependencies=[_MANAGES], status_code=201)
    async def renew_link(account: int, serving: Served, signed: SignedIn) -> LinkMade:
        """A new link by which its owner chooses a password: 72 hours for an invitation, 24 for a reset."""
        return _link_made(await managing.renew_link(serving, signed, account))

    @router.post("/accounts/{account}/disable", dependencies=[_MANAGES])
    async def disable_account(
        account: int, serving: Served, signed: SignedIn, *, given: Because
    ) -> AccountManaged:
        """Shut it out: its sessions and links end at once, its streams within five seconds."""
        return await managing.set_disabled(serving, signed, account, given.reason, disabled=True)

    @router.post("/accounts/{account}/enable", dependencies=[_MANAGES])
    async def enable_account(
        account: int, serving: Served, signed: SignedIn, *, given: Because
    ) -> AccountManaged:
        """Let it in again, with its password and the roles that still hold."""
        return await managing.set_disabled(serving, signed, account, given.reason, disabled=False)


def _add_ways_in(router: APIRouter) -> None:
    @router.post("/accounts/{account}/second-factor/reset", dependencies=[_MANAGES])
    async def reset_second_factor(
        account: int, serving: Served, signed: SignedIn, *, given: Because
    ) -> AccountManaged:
        """Take the second factor away, whose owner has lost it; its sessions end at once."""
        return await managing.reset_factor(serving, signed, account, given.reason)

    @router.post("/accounts/{account}/identity/forget", dependencies=[_MANAGES])
    async def forget_identity(
        account: int, serving: Served, signed: SignedIn, *, given: Because
    ) -> AccountManaged:
        """Forget whom the provider of identities means by it: the next who signs in by that name is bound."""
        return await managing.unbind(serving, signed, account, given.reason)


def _add_assignments(router: APIRouter) -> None:
    @router.post("/accounts/{account}/assignments", dependencies=[_MANAGES], status_code=201)
    async def give_role(
        account: int, serving: Served, signed: SignedIn, *, given: AssignmentGiven
    ) -> AccountManaged:
        """One more role, for a place and a time."""
        return await managing.give(serving, signed, account, given)

    @router.post("/accounts/{account}/assignments/{assignment}/end", dependencies=[_MANAGES])
    async def end_role(
        account: int, assignment: int, serving: Served, signed: SignedIn, *, given: Because
    ) -> AccountManaged:
        """Take a role away, from this moment on."""
        return await managing.end(serving, signed, account, assignment, given.reason)


def _explained() -> RolesExplained:
    """`roles.yaml` as a page shows it."""
    known = roles()
    return RolesExplained(
        roles=[
            RoleExplained(
                name=name,
                label=TextShown.of(role.name),
                side=role.side,
                permissions=[its for its in known.permissions if its in known.permissions_of(name)],
                gives=[its for its in known.roles if its in known.given_by(name)],
            )
            for name, role in known.roles.items()
        ],
        permissions={name: TextShown.of(text) for name, text in known.permissions.items()},
        source=TextShown.of(known.source),
    )


def _link_made(link: NewLink) -> LinkMade:
    return LinkMade(**msgspec.structs.asdict(link))
