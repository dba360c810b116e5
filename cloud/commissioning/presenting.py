"""A device's commissioning, as pages show it. Pure."""

from cloud.commissioning.facts import Gathered, Live
from cloud.commissioning.model import (
    AnnouncedShown,
    BindingShown,
    CommissioningListed,
    CommissioningShown,
    CommissioningStep,
    LiveShown,
    ReasonShown,
    SentShown,
    WitnessedCheck,
)
from cloud.commissioning.readiness import STEPS, reasons, standing
from cloud.database import Row
from cloud.instants import rfc3339
from cloud.shown import TextShown


def shown(device: Row, gathered: Gathered) -> CommissioningShown:
    """How far the device is."""
    facts, bound = gathered.facts, gathered.bound or {}
    found = reasons(facts)
    shown_reasons = [
        ReasonShown(step=its.step, code=its.code, says=TextShown.of(its.says), is_blocking=its.is_blocking)
        for its in found
    ]
    announced = facts.announced
    return CommissioningShown(
        device=device["device"],
        kind=device["kind"],
        name=device["name"],
        version=bound.get("version", 0),
        binding=_binding(gathered),
        is_polled=facts.is_polled,
        steps=[
            CommissioningStep(
                step=step,
                standing=standing(step, facts, found),
                reasons=[its for its in shown_reasons if its.step == step],
            )
            for step in STEPS
        ],
        may_be_commissioned=not found and gathered.bound is not None,
        read=gathered.read,
        conformance=gathered.conformance,
        sent=_sent(gathered.sent),
        announced=None
        if announced is None
        else AnnouncedShown(
            commissioning=announced.commissioning, profile=announced.profile, version=announced.version
        ),
        commissioned_at=bound.get("commissioned_at"),
        commissioned_by=bound.get("commissioned_by"),
        commissioned_profile=bound.get("commissioned_profile"),
        checks=[
            WitnessedCheck(**{name: row[name] for name in WitnessedCheck.model_fields})
            for row in gathered.checks
        ],
        points=[_live(its) for its in gathered.live],
    )


def _binding(gathered: Gathered) -> BindingShown | None:
    if gathered.bound is None or gathered.profile is None:
        return None
    fields = [name for name in BindingShown.model_fields if name != "newest_version"]
    return BindingShown(
        **{name: gathered.bound[name] for name in fields},
        newest_version=gathered.profile.versions[0].version,
    )


def _sent(row: Row | None) -> SentShown | None:
    if row is None:
        return None
    return SentShown(version=row["version"], state=row["state"], why=row["why"])


def _live(its: Live) -> LiveShown:
    return LiveShown(
        point=its.name,
        label=TextShown.of(its.label),
        unit=its.unit,
        value=its.value,
        quality="none" if its.quality is None else its.quality.word,
        at=None if its.at is None else rfc3339(its.at),
        age_ms=its.age_ms,
        is_fresh=its.is_fresh,
    )


def listed(row: Row) -> CommissioningListed:
    """A device in the list."""
    state = "not_bound" if row["profile"] is None else "bound"
    if row["commissioning"] == "trial":
        state = "trial"
    elif row["commissioning"] == "in_use":
        state = "in_use" if row["commissioned_at"] is not None else "unwitnessed"
    return CommissioningListed(
        device=row["device"],
        kind=row["kind"],
        name=row["name"],
        gateway=row["gateway"],
        profile=row["profile"],
        profile_version=row["profile_version"],
        state=state,  # type: ignore[arg-type]  # one of the five
    )
