"""The way of a device into use: bound, tried, run on trial, witnessed, commissioned, and back on trial."""

from uuid import UUID, uuid4

from cloud.accounts.model import Signed
from cloud.accounts.roles import roles_with
from cloud.commissioning import store
from cloud.commissioning.facts import Gathered, gather
from cloud.commissioning.model import BindingGiven, CheckGiven, TrialGiven
from cloud.commissioning.proposing import put_device
from cloud.commissioning.readiness import is_in_use, reasons, runs_as_bound
from cloud.database import Row, row_of, rows_of
from cloud.problems import FieldProblem, ProblemError, not_found
from cloud.profiles.denials import denials_at, product_of, refuse_denied
from cloud.profiles.service import Kept, kept
from cloud.registry.kinds import DEVICES, Around
from cloud.registry.service import check_match
from cloud.registry.store import read as read_record
from cloud.trials.service import Request, UnderWayError, ask
from sitewarden.profiles import ModbusProfile

COMMISSIONED_WITH = "devices.commission"
"""The permission."""
MOST_TOLERANCE = 0.5
"""Of the known value: what may be off by more proves nothing of the scale."""


async def file_of(around: Around, device: str) -> Row:
    """The device's file; a problem where there is none."""
    found = await read_record(around.connection, DEVICES.table, around.site.site, device)
    if found is None:
        raise not_found("device")
    return found


async def bind(around: Around, device: str, given: BindingGiven, if_match: str | None) -> None:
    """Say where a device hangs and by what it is read. What is in use is bound otherwise on trial only."""
    file, named = await file_of(around, device), _named(around, device)
    bound = await store.bound(around.connection, named, locked=True)
    if bound is not None:
        check_match(if_match, bound["version"])
        if bound["commissioned_at"] is not None:
            detail = "It is in use: roll a new version out, or put it back on trial first."
            raise ProblemError(409, "device-in-use", "It is in use", detail, field="profile")
    profile = await _profile(around, given)
    _check_fits(file, profile, given)
    denied = await denials_at(around.connection, around.site.site)
    refuse_denied([*profile.profile.products, product_of(file)], denied)
    await store.bind(around.connection, {**named, **given.model_dump()})


async def _profile(around: Around, given: BindingGiven) -> Kept:
    try:
        return await kept(around.connection, given.profile, given.profile_version)
    except ProblemError as exc:
        raise ProblemError(
            422, "unknown-reference", "It refers to nothing", f"profile: {exc.detail}", field="profile"
        ) from exc


def _check_fits(file: Row, profile: Kept, given: BindingGiven) -> None:
    if profile.profile.device_kind != file["kind"]:
        detail = f"profile: it is of a {profile.profile.device_kind}, the file of a {file['kind']}."
        raise ProblemError(422, "invalid", "It cannot be so", detail, field="profile")
    if isinstance(profile.profile, ModbusProfile) != (given.unit is not None):
        field = "unit" if given.unit is None else "identity"
        detail = f"{field}: a device that is polled has a unit, one that speaks by itself an identity."
        raise ProblemError(422, "invalid", "It cannot be so", detail, field=field)


async def begin_trial(around: Around, device: str, given: TrialGiven, by: str) -> UUID:
    """Have the gateway try the device as it is bound; raises a problem where it tries one already."""
    await file_of(around, device)
    named = _named(around, device)
    bound = await _bound(around, named)
    profile = await kept(around.connection, bound["profile"], bound["profile_version"])
    if bound["unit"] is None and given.kind == "conformance":
        detail = "It speaks by itself: see what it said lately, run it on trial and see what is heard."
        raise ProblemError(422, "not-polled", "Nothing to ask", detail, field="profile")
    gateway = await row_of(around.connection, store.GATEWAY, {**named, "gateway": bound["gateway"]})
    if gateway is None:
        raise ProblemError(409, "gateway-unheard", "The gateway was never heard", field="gateway")
    request = Request(
        kind=given.kind,
        bus=bound["bus"],
        unit=bound["unit"],
        identity=bound["identity"] or "",
        profile=profile.text,
        seconds=given.seconds if given.kind == "conformance" else 0,
        by=by,
        at=around.now,
    )
    try:
        trial = await ask(around.connection, gateway["id"], request)
    except UnderWayError:
        detail = "The gateway tries a device already; wait for that trial to end."
        raise ProblemError(409, "trial-under-way", "A trial is under way", detail) from None
    await store.note_trial(around.connection, {**bound, **named, "trial": trial})
    return trial


async def run_on_trial(around: Around, device: str, reason: str, signed: Signed) -> None:
    """Propose it to its gateway as on trial (试运行); one that is in use is taken out of it.

    From then on its alarms call nobody, so that only who may put it into use may take it out.
    """
    gathered = await _gathered(around, device)
    bound, profile = _both(gathered)
    if is_in_use(gathered.facts):
        await _check_may_commission(around, device, signed)
    denied = gathered.facts.denied
    if denied:
        raise ProblemError(409, "model-denied", "This model is not let in", "; ".join(denied))
    await _put(around, bound, profile, "trial", (signed.name, reason))
    await store.commission(around.connection, _named(around, device), _nobody())


async def _check_may_commission(around: Around, device: str, signed: Signed) -> None:
    asked = {"account": signed.account_id, "roles": roles_with(COMMISSIONED_WITH), **_named(around, device)}
    found = await row_of(around.connection, store.MAY_COMMISSION, asked)
    if found is None or not found["is_so"]:
        detail = "It is in use: whoever may put it into use takes it out, for its alarms then call nobody."
        raise ProblemError(403, "silences-in-use", "It is in use", detail)


async def commission(around: Around, device: str, if_match: str | None, reason: str, by: str) -> None:
    """Put it into use (投用); a problem that names everything that is in the way."""
    gathered = await _gathered(around, device)
    bound, profile = _both(gathered)
    check_match(if_match, bound["version"])
    if found := reasons(gathered.facts):
        detail = "; ".join(f"{its.says.zh} / {its.says.en}" for its in found)
        errors = [
            FieldProblem(field=its.step, code=its.code, message=f"{its.says.zh} / {its.says.en}")
            for its in found
        ]
        raise ProblemError(409, "not-ready", "It may not be in use yet", detail, errors=errors)
    await _put(around, bound, profile, "in_use", (by, reason))
    by_what = f"{bound['profile']} {bound['profile_version']}"
    done = {"at": around.now, "by": by, "profile": by_what}
    await store.commission(around.connection, _named(around, device), done)


def _nobody() -> Row:
    return {"at": None, "by": None, "profile": None}


async def _put(around: Around, bound: Row, profile: Kept, state: str, signed: tuple[str, str]) -> None:
    device = bound["device"]
    file = await file_of(around, device)
    keys = {
        "profile": bound["profile"],
        **{name: bound[name] for name in ("unit", "identity") if bound[name] is not None},
        "label": {"zh": file["name"]["zh"], "en": file["name"]["en"]},
        "commissioning": state,
    }
    author, reason = signed
    version = await put_device(around, bound, keys, profile, author=author, reason=reason)
    await store.sent(around.connection, _named(around, device), version)


async def witness(around: Around, device: str, given: CheckGiven, signed: Signed) -> UUID:
    """Sign that a known value was there, beside the reading of this moment."""
    _check_tolerance(given)
    gathered = await _gathered(around, device)
    bound, _ = _both(gathered)
    _check_runs_as_bound(gathered)
    point = next((live for live in gathered.live if live.name == given.point), None)
    if point is None:
        raise ProblemError(
            422,
            "unknown-reference",
            "It refers to nothing",
            "point: it has none of that name.",
            field="point",
        )
    if not point.is_fresh or point.value is None:
        quality = "" if point.quality is None else f" ({point.quality.word})"
        detail = f"point: no good reading of this moment{quality}; a check needs one."
        raise ProblemError(409, "reading-stale", "No reading of this moment", detail, field="point")
    made = uuid4()
    values = {
        **_named(around, device),
        **given.model_dump(),
        "id": made,
        "unit": point.unit,
        "value": point.value,
        "read_at": point.at,
        "age_ms": point.age_ms,
        "profile": bound["profile"],
        "profile_version": bound["profile_version"],
        "gateway": bound["gateway"],
        "bus": bound["bus"],
        "bound_unit": bound["unit"],
        "identity": bound["identity"],
        "is_passed": abs(point.value - given.reference) <= given.tolerance,
        "account": signed.account_id,
        "author": signed.name,
        "at": around.now,
    }
    await store.sign(around.connection, values)
    return made


def _check_tolerance(given: CheckGiven) -> None:
    if given.reference == 0:
        detail = "reference: a known value of 0 proves nothing of the scale; take another."
        raise ProblemError(422, "invalid", "It proves nothing", detail, field="reference")
    if given.tolerance > MOST_TOLERANCE * abs(given.reference):
        detail = "tolerance: above half of the known value it could not tell a wrong scale."
        raise ProblemError(422, "invalid", "It proves nothing", detail, field="tolerance")


def _check_runs_as_bound(gathered: Gathered) -> None:
    if not runs_as_bound(gathered.facts):
        detail = "The gateway does not run it as it is bound yet; a reading would prove nothing of it."
        raise ProblemError(409, "not-on-trial", "It does not run so yet", detail)


async def approve(around: Around, device: str, check: UUID, note: str, signed: Signed) -> None:
    """Another than who signed says that the check holds; a failed one is not approved."""
    found = await rows_of(around.connection, store.CHECKS, _named(around, device))
    row = next((row for row in found if row["id"] == check), None)
    if row is None:
        raise not_found("check")
    if row["account_id"] == signed.account_id:
        detail = "Whoever signed a check does not approve it; somebody else does."
        raise ProblemError(409, "own-check", "Your own check", detail)
    if not row["is_passed"]:
        raise ProblemError(409, "check-failed", "The check failed", "Only a check that held is approved.")
    values = {
        "id": check,
        "site": around.site.site,
        "witness": row["account_id"],
        "account": signed.account_id,
        "author": signed.name,
        "note": note,
        "at": around.now,
    }
    await store.approve(around.connection, values)


def _named(around: Around, device: str) -> Row:
    return {"site": around.site.site, "device": device, "mode": around.mode}


async def _bound(around: Around, named: Row) -> Row:
    bound = await store.bound(around.connection, named, locked=True)
    if bound is None:
        raise _not_bound()
    return bound


async def _gathered(around: Around, device: str) -> Gathered:
    """With the binding locked, so that what is judged is what is done."""
    file = await file_of(around, device)
    await _bound(around, _named(around, device))
    return await gather(around, file)


def _both(gathered: Gathered) -> tuple[Row, Kept]:
    if gathered.bound is None or gathered.profile is None:
        raise _not_bound()
    return gathered.bound, gathered.profile


def _not_bound() -> ProblemError:
    detail = "Bind it to a gateway, a bus and a profile first."
    return ProblemError(409, "not-bound", "It is not bound", detail)
