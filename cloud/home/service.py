"""How the registry's rows become what is shown beside a device. Pure."""

import datetime as dt
from collections.abc import Mapping
from typing import NamedTuple

from cloud.database import Row
from cloud.home.model import MachineFacts, OperatorFacts
from cloud.registry.kinds import validity
from cloud.registry.lifecycle import Done, commissioning_finding, in_order, standing


class RegistryRows(NamedTuple):
    """What the registry has of the devices of a site."""

    files: list[Row]
    steps: list[Row]
    operators: list[Row]


def machines_shown(rows: RegistryRows, today: dt.date) -> dict[str, MachineFacts]:
    """By device, those that have a file."""
    steps: dict[str, list[Row]] = {}
    for row in rows.steps:
        steps.setdefault(row["device"], []).append(row)
    bound: dict[str, list[OperatorFacts]] = {}
    for row in rows.operators:
        for device in row["devices"]:
            bound.setdefault(device, []).append(_operator(row, today))
    return {
        row["device"]: _machine(row, steps.get(row["device"], []), bound.get(row["device"], []), today)
        for row in rows.files
    }


def _machine(file: Row, steps: list[Row], operators: list[OperatorFacts], today: dt.date) -> MachineFacts:
    done = {Done(row["step"], row["done_on"], row["valid_until"]): row["document_no"] for row in steps}
    stands = standing(file["kind"], list(done), today)
    return MachineFacts(
        registration_no=_registration(done),
        property_no=file["property_no"],
        standing=stands.step,
        is_in_use=stands.is_in_use,
        expired=stands.expired,
        expires_on=stands.expires_on,
        finding=commissioning_finding(stands, file["commissioning"]),
        operators=operators,
    )


def _registration(steps: Mapping[Done, str]) -> str:
    """The newest one's number; taken down, a machine is registered no longer."""
    number = ""
    for done in in_order(list(steps)):
        if done.step == "registered":
            number = steps[done]
        elif done.step == "dismantled":
            number = ""
    return number


def _operator(row: Row, today: dt.date) -> OperatorFacts:
    return OperatorFacts(
        name=row["name"],
        trade=row["trade"],
        certificate_no=row["certificate_no"],
        valid_until=row["valid_until"],
        validity=validity(row["valid_from"], row["valid_until"], today),
    )
