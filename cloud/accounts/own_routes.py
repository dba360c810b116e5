"""One's own ways in over HTTP: second factor, tokens for programs, the key for signing."""

import hashlib
from typing import LiteralString

from fastapi import APIRouter

from cloud.accounts import factors
from cloud.accounts.api_tokens import LISTED, make_token, revoke_token
from cloud.accounts.holding import held_of, permissions_of
from cloud.accounts.own_model import (
    CodeGiven,
    FactorBegun,
    FactorShown,
    OwnPermissions,
    Proof,
    ProofWithCode,
    RecoveryCodes,
    SigningKeyShown,
    SigningPassword,
    TokenAsked,
    TokenMade,
    TokenShown,
)
from cloud.accounts.permissions import AnySigned, SignedIn
from cloud.accounts.proving import prove
from cloud.accounts.roles import roles
from cloud.accounts.signing import choose_signing_password
from cloud.problems import ProblemError, not_found
from cloud.registry.service import acting
from cloud.serving import Served
from cloud.shown import Page, TextShown

_FACTOR: LiteralString = """
    SELECT f.confirmed_at AS since, account.password_hash IS NOT NULL AS has_password,
           EXISTS (SELECT FROM assignments_of(account.id) WHERE role = ANY (%(roles)s)) AS required,
           (SELECT count(*) FROM recovery_code AS r
             WHERE r.account_id = account.id AND r.used_at IS NULL) AS recovery_codes_left
      FROM account LEFT JOIN second_factor AS f ON f.account_id = account.id
     WHERE account.id = %(account)s
"""
_KEYS: LiteralString = """
    SELECT k.key, k.public_key, k.made_at, k.ended_at, k.end_reason,
           (SELECT count(*) FROM hazard_signature AS s WHERE s.key = k.key)
           + (SELECT count(*) FROM ledger_signature AS s WHERE s.key = k.key) AS signatures
      FROM signing_key AS k WHERE k.account_id = %s ORDER BY k.key DESC LIMIT 50
"""
_FINGERPRINT_DIGITS = 16


def make_router() -> APIRouter:
    """The routes."""
    router = APIRouter(tags=["accounts"], prefix="/session")
    _add_factor(router)
    _add_factor_changes(router)
    _add_tokens(router)
    _add_keys(router)
    return router


def _add_factor(router: APIRouter) -> None:
    @router.get("/second-factor", dependencies=[AnySigned])
    async def read_second_factor(signed: SignedIn, serving: Served) -> FactorShown:
        """Whether one has a second factor, and whether one must."""
        asked = {"account": signed.account_id, "roles": serving.settings.second_factor_roles}
        row = await serving.row(_FACTOR, asked)
        if row is None:
            return FactorShown(
                active=False, since=None, required=False, recovery_codes_left=0, has_password=False
            )
        return FactorShown(active=row["since"] is not None, **row)

    @router.post("/second-factor", dependencies=[AnySigned], status_code=201)
    async def begin_second_factor(proof: Proof, signed: SignedIn, serving: Served) -> FactorBegun:
        """A secret for one's authenticator; nothing changes until a code of it is given."""
        account = await prove(serving, signed, proof.password)
        async with acting(serving, signed) as connection:
            secret = await factors.begin(connection, account, serving.now_ms())
        return FactorBegun(secret=secret, uri=factors.otpauth_uri(secret, signed.name))

    @router.post("/second-factor/confirm", dependencies=[AnySigned])
    async def confirm_second_factor(given: CodeGiven, signed: SignedIn, serving: Served) -> RecoveryCodes:
        """Put it in force; the answer's recovery codes are shown this once."""
        if signed.account_id is None:
            raise not_found("second factor")
        factors.take_try(serving, signed.account_id)
        async with acting(serving, signed) as connection:
            codes = await factors.confirm(connection, signed.account_id, given.code, serving.now_ms())
        factors.forgive_tries(serving, signed.account_id)
        return RecoveryCodes(codes=codes)


def _add_factor_changes(router: APIRouter) -> None:
    @router.post("/second-factor/recovery-codes", dependencies=[AnySigned])
    async def renew_recovery_codes(proof: ProofWithCode, signed: SignedIn, serving: Served) -> RecoveryCodes:
        """Ten new recovery codes; those before are void."""
        account = await prove(serving, signed, proof.password)
        await factors.pass_second(serving, account, proof.code, refusal=403)
        async with acting(serving, signed) as connection:
            found = await factors.factor_of(connection, account, locked=True)
            if found is None or not found.confirmed:
                raise ProblemError(409, "no-second-factor", "There is none", "Set it up first.")
            return RecoveryCodes(codes=await factors.renew_recovery_codes(connection, account))

    @router.post("/second-factor/remove", dependencies=[AnySigned], status_code=204)
    async def remove_second_factor(proof: ProofWithCode, signed: SignedIn, serving: Served) -> None:
        """Sign in by the password alone again; refused where a role asks for the second factor."""
        account = await prove(serving, signed, proof.password)
        roles = serving.settings.second_factor_roles
        needed = "SELECT FROM assignments_of(%s) WHERE role = ANY (%s)"
        if await serving.row(needed, [account, roles]) is not None:
            detail = "A role of yours asks for a second factor."
            raise ProblemError(409, "second-factor-required", "It is required", detail)
        await factors.pass_second(serving, account, proof.code, refusal=403)
        async with acting(serving, signed) as connection:
            await factors.remove(connection, account)


def _add_tokens(router: APIRouter) -> None:
    @router.get("/tokens", dependencies=[AnySigned])
    async def list_tokens(signed: SignedIn, serving: Served) -> Page[TokenShown]:
        """One's tokens for programs, the newest first."""
        asked = {"account": signed.account_id, "now": serving.now()}
        return Page(items=[TokenShown(**row) for row in await serving.rows(LISTED, asked)], next=None)

    @router.get("/permissions", dependencies=[AnySigned])
    async def read_own_permissions(signed: SignedIn, serving: Served) -> OwnPermissions:
        """What one may do somewhere, by its names."""
        known, held = roles().permissions, permissions_of(await held_of(serving, signed.account_id))
        return OwnPermissions(
            permissions={name: TextShown(zh=known[name].zh, en=known[name].en) for name in held}
        )

    @router.post("/tokens", dependencies=[AnySigned], status_code=201)
    async def make_api_token(asked: TokenAsked, signed: SignedIn, serving: Served) -> TokenMade:
        """A token for a program, shown this once: `Authorization: Bearer …`."""
        account = await prove(serving, signed, asked.password)
        held = set(permissions_of(await held_of(serving, account)))
        async with acting(serving, signed) as connection:
            token, shown = await make_token(connection, account, asked, held, serving.now_ms())
        return TokenMade(token=token, shown=shown)

    @router.delete("/tokens/{token}", dependencies=[AnySigned], status_code=204)
    async def revoke_api_token(token: int, signed: SignedIn, serving: Served) -> None:
        """The token opens nothing from this moment on."""
        async with acting(serving, signed) as connection:
            if not await revoke_token(connection, signed.account_id, token, serving.now_ms()):
                raise not_found("token")


def _add_keys(router: APIRouter) -> None:
    @router.get("/signing-keys", dependencies=[AnySigned])
    async def list_signing_keys(signed: SignedIn, serving: Served) -> Page[SigningKeyShown]:
        """The keys by which one signs or has signed; one that is not one's own is a reason to call."""
        rows = await serving.rows(_KEYS, [signed.account_id])
        shown = [
            SigningKeyShown(
                fingerprint=hashlib.sha256(row.pop("public_key")).hexdigest()[:_FINGERPRINT_DIGITS], **row
            )
            for row in rows
        ]
        return Page(items=shown, next=None)

    @router.put("/signing-password", dependencies=[AnySigned], status_code=204)
    async def set_signing_password(given: SigningPassword, signed: SignedIn, serving: Served) -> None:
        """The password by which an account signs that has no other here, for it signs in elsewhere."""
        await choose_signing_password(serving, signed, given.password, given.new_password)
