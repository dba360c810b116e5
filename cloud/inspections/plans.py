"""Unannounced inspections that are planned (四不两直): seen by the authority itself and by nobody else."""

from typing import Any
from uuid import UUID, uuid4

from fastapi import APIRouter
from fastapi.encoders import jsonable_encoder

from cloud.accounts.permissions import SignedIn, requires
from cloud.accounts.roles import roles_with
from cloud.database import AsyncConnection, instant, row_of
from cloud.idempotency import Answer
from cloud.inspections import store
from cloud.inspections.model import InspectionPlan, InspectionPlanGiven, InspectionPlans
from cloud.problems import ProblemError, not_found
from cloud.registry.service import IdempotencyKey, acting, once
from cloud.serving import Served

RECORDS = "inspections.record"
_CARRY_OUT = """
    UPDATE inspection_plan SET inspection = %s WHERE plan = %s AND inspection IS NULL AND NOT withdrawn
"""


async def carry_out(connection: AsyncConnection, plan: UUID, inspection: UUID) -> None:
    """Note by which inspection a plan was carried out; row-level security hides those of others."""
    done = await connection.execute(_CARRY_OUT, [inspection, plan])
    if done.rowcount == 0:
        detail = "plan: there is none that is still to be carried out."
        raise ProblemError(422, "unknown-reference", "It refers to nothing", detail, field="plan")


def make_router() -> APIRouter:
    """Every route of it."""
    router = APIRouter(tags=["inspections"])
    records = [requires(RECORDS)]

    @router.get("/inspection-plans", dependencies=records)
    async def list_plans(serving: Served, signed: SignedIn) -> InspectionPlans:
        """The plans of the caller's own authority, the latest day first."""
        query = store.PLANS + "ORDER BY its.day DESC, its.plan DESC LIMIT 200"
        return InspectionPlans(
            items=[InspectionPlan(**row) for row in await serving.rows(query, _scope(signed.account_id))]
        )

    @router.post("/inspection-plans", dependencies=records, status_code=201)
    async def make_plan(
        given: InspectionPlanGiven, serving: Served, signed: SignedIn, idempotency_key: IdempotencyKey = None
    ) -> InspectionPlan:
        """Plan an unannounced inspection for one's own authority."""
        if given.site is None and not given.enterprise_name:
            detail = "site: say which site or enterprise."
            raise ProblemError(422, "invalid", "Of what?", detail, field="body.site", code="inspection-needs")
        now_ms = serving.now_ms()
        async with acting(serving, signed) as connection:

            async def work() -> Answer:
                made = uuid4()
                values = {**given.model_dump(), "plan": made, "at": instant(now_ms), "author": signed.name}
                cursor = await connection.execute(store.INSERT_PLAN, {**values, **_scope(signed.account_id)})
                if await cursor.fetchone() is None:
                    detail = "territory: you plan for your own authority alone."
                    raise ProblemError(
                        422, "unknown-reference", "It refers to nothing", detail, field="territory"
                    )
                return Answer(body=str(made))

            request = ("inspection-plans", jsonable_encoder(given.model_dump()))
            answer = await once(
                connection, signed, key=idempotency_key, request=request, now_ms=now_ms, work=work
            )
            return await _one(connection, signed.account_id, UUID(answer.body))

    @router.post("/inspection-plans/{plan}/withdrawal", dependencies=records)
    async def withdraw_plan(plan: UUID, serving: Served, signed: SignedIn) -> InspectionPlan:
        """It is not carried out."""
        async with acting(serving, signed) as connection:
            # Whoever carries it out at the same moment is waited for.
            query = "UPDATE inspection_plan SET withdrawn = true WHERE plan = %s AND inspection IS NULL"
            await connection.execute(query, [plan])
            known = await _one(connection, signed.account_id, plan)
            if not known.withdrawn:
                detail = "It has been carried out."
                raise ProblemError(409, "carried-out", "It has been carried out", detail)
            return known

    return router


async def _one(connection: AsyncConnection, account: int | None, plan: UUID) -> InspectionPlan:
    asked = {**_scope(account), "plan": plan}
    found = await row_of(connection, store.PLANS + "AND its.plan = %(plan)s", asked)
    if found is None:
        raise not_found("plan")
    return InspectionPlan(**found)


def _scope(account: int | None) -> dict[str, Any]:
    return {"account": account, "roles": roles_with(RECORDS)}
