"""What a package says, by kind. Pure: the structs are the schemas, shipped as JSON Schema beside this file.

No person is named in any of them. A change that a reader of the old form would stumble over is a new version.
"""

import hashlib
from typing import Any, Literal

import msgspec

VERSION = 1
_TITLE = "sitewarden/{}/1"

Kind = Literal["hazard_major", "hazard_update", "hazard_closed", "incident_details", "inspection", "report"]


class _Form(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Strict: what a schema does not name is in no package."""


class Place(_Form, frozen=True, kw_only=True):
    """A site, and to whom it belongs."""

    id: str
    name: str
    territory: str | None = None
    enterprise: str | None = None


class Hazard(_Form, frozen=True, kw_only=True):
    """A major hazard as it stood after one of its events."""

    id: str
    number: str
    event: int
    """Sequence number of the event in the hazard's chain."""
    at: str
    site: Place
    device: str | None
    location: str
    category: str
    content: str
    potential_accident: str
    clause_edition: str | None
    clause: str | None
    level: Literal["general", "major_proposed", "major"]
    status: str
    source: Literal["self", "inspection", "public_report"]
    report: str
    supervision: str
    escalation_step: int
    overdue: bool
    detected_at: str
    due_at: str | None
    closed_at: str | None


class Incident(_Form, frozen=True, kw_only=True):
    """The details of an incident."""

    id: str
    number: str
    site: Place
    kind: Literal["near_miss", "non_fatal", "fatal"]
    what: str
    place: str
    occurred_at: str
    killed: int
    injured: int
    missing: int
    course: str
    measures: str


class Inspection(_Form, frozen=True, kw_only=True):
    """What somebody found on site, by the codes of its questions."""

    id: str
    correction: int
    site: Place | None
    kind: str
    acting_level: str
    day: str
    theme: str
    devices: list[str]
    answers: dict[str, Any]
    withdrawn: bool


class Report(_Form, frozen=True, kw_only=True):
    """An approved report: its body is canonical JSON of its own, with its own hash."""

    id: str
    version: int
    kind: str
    campaign: str
    cut_off: str
    sha256: str
    body: str


FORMS: dict[Kind, type[msgspec.Struct]] = {
    "hazard_major": Hazard,
    "hazard_update": Hazard,
    "hazard_closed": Hazard,
    "incident_details": Incident,
    "inspection": Inspection,
    "report": Report,
}


class UnfitError(ValueError):
    """A body that its schema does not allow."""


def canonical(value: Any) -> str:
    """JSON with sorted keys and no spaces: the same content is always the same bytes."""
    return msgspec.json.encode(value, order="deterministic").decode()


def check(kind: str, body: str) -> None:
    """Raise `UnfitError` where the body is not of the kind's schema."""
    form = next((its for name, its in FORMS.items() if name == kind), None)
    if form is None:
        raise UnfitError(f"{kind} is no kind of package")
    try:
        msgspec.json.decode(body, type=form)
    except msgspec.DecodeError as exc:
        raise UnfitError(str(exc)) from exc


def schemas() -> dict[str, dict[str, Any]]:
    """JSON Schema (2020-12) of each form, by the name of its file."""
    forms = {form.__name__.lower(): form for form in FORMS.values()}
    return {
        f"{name}.{VERSION}.json": {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": _TITLE.format(name),
            **msgspec.json.schema(form),
        }
        for name, form in forms.items()
    }


def envelope(head: dict[str, Any], payload: Any) -> str:
    """What goes out: the payload, its hash, and by what the other side knows it again."""
    said = canonical(payload)
    digest = hashlib.sha256(said.encode()).hexdigest()
    return canonical({**head, "hash": digest, "payload": payload})
