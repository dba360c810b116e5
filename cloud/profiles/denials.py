"""Keeping models out, and letting them in again."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from cloud.accounts.model import Signed
from cloud.database import AsyncConnection, Row, instant, rows_of
from cloud.problems import ProblemError, not_found
from cloud.profiles import store
from cloud.profiles.denied import Product, denies, products_of, shipped_denials
from cloud.profiles.model import DenialGiven, DenialShown
from cloud.registry.service import acting
from cloud.serving import Serving
from cloud.shown import TextShown


class Denial(NamedTuple):
    """What keeps a model out."""

    brand: str
    model: str
    why: str


async def denials_at(connection: AsyncConnection, site: str | None) -> list[Denial]:
    """All that hold at a site; of no site: those that hold everywhere."""
    found = [
        Denial(its.brand, its.model, f"{its.reason.zh} / {its.reason.en} ({its.source})")
        for its in shipped_denials()
    ]
    rows = await rows_of(connection, store.DENIED_AT, {"site": site})
    return found + [Denial(row["brand"], row["model"], f"{row['reason']} ({row['source']})") for row in rows]


def refused(products: Iterable[Any], denials: Sequence[Denial]) -> list[str]:
    """Which products are not let in, each with why."""
    return [
        f"{product.brand} {product.model}: {denial.why}".strip()
        for product in products_of((its.brand, its.model) for its in products)
        for denial in denials
        if denies(denial.brand, denial.model, product)
    ]


def refuse_denied(products: Iterable[Any], denials: Sequence[Denial]) -> None:
    """Raise a problem where a product is not let in."""
    if found := refused(products, denials):
        raise ProblemError(
            409, "model-denied", "This model is not let in", "; ".join(found), field="products"
        )


def product_of(device: Row) -> Product:
    """What the file of a device says of its make."""
    return Product(device["maker"], device["model"])


async def denials(serving: Serving, signed: Signed) -> list[DenialShown]:
    """All that the account may know of, those in force first."""
    nobody: dict[str, Any] = dict.fromkeys(
        ("id", "site", "node", "author", "at", "lifted_at", "lifted_by", "lifted_for")
    )
    found = [
        DenialShown(
            **nobody,
            brand=its.brand,
            model=its.model,
            reason=TextShown.of(its.reason),
            source=its.source,
            listed_on=its.listed_on,
        )
        for its in shipped_denials()
    ]
    rows = await serving.rows(store.DENIED, {"account": signed.account_id})
    return found + [
        DenialShown(**{**row, "reason": TextShown(zh=row["reason"], en=row["reason"])}) for row in rows
    ]


async def deny(serving: Serving, signed: Signed, given: DenialGiven) -> UUID:
    """Keep a model out from now on: everywhere, below a node, or at a site of the account's scope."""
    if given.site is not None and given.node is not None:
        raise ProblemError(422, "invalid", "It cannot be so", "node: either a site or a node.", field="node")
    made, values = uuid4(), given.model_dump()
    async with acting(serving, signed, fenced=False) as connection:
        if not await store.rules_over(connection, signed.account_id, values):
            detail = "It would hold beyond what your account may see."
            raise ProblemError(422, "out-of-scope", "Out of scope", detail, field="site")
        at = instant(serving.now_ms())
        await store.deny(connection, {"id": made, "author": signed.name, "at": at, **values})
    return made


async def lift(serving: Serving, signed: Signed, denied: UUID, reason: str) -> None:
    """Let a model in again, for a reason that stays with the entry."""
    async with acting(serving, signed, fenced=False) as connection:
        seen = await rows_of(connection, store.DENIED, {"account": signed.account_id})
        row = next((row for row in seen if row["id"] == denied), None)
        if row is None or not await store.rules_over(connection, signed.account_id, row):
            raise not_found("denied model")
        values = {"id": denied, "at": instant(serving.now_ms()), "author": signed.name, "reason": reason}
        if not await store.lift(connection, values):
            raise ProblemError(409, "already-there", "It is let in already", field="id")
