"""Who is told of what, as `telling.yaml` says. Pure, but for reading that file once."""

import difflib
import re
from collections.abc import Iterable
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from cloud.accounts.roles import roles
from sitewarden import documents
from sitewarden.documents import Document
from sitewarden.errors import SiteWardenError
from sitewarden.text import Text

Way = Literal["app", "message", "voice"]
MESSAGES = frozenset({"mail", "sms", "dingtalk", "wecom", "feishu", "webhook", "apprise"})
"""Kinds of channels that a message goes by; `voice` calls."""
_SECONDS = msgspec.Meta(ge=1, le=7 * 86_400)
_GRAVEST = 4
_PAGES_ONLY: tuple[Way, ...] = ("app",)
_PLACES = frozenset({"site", "id"})
_PLACE = re.compile(r"\{([^{}]*)\}")


class UnknownKindError(SiteWardenError):
    """A kind of notice that `telling.yaml` does not have."""


class Whom(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Holders of a role."""

    role: str
    on_duty: bool = False
    """Only who is on duty by the rota; all of them where there is none or it has a gap."""
    devices: list[Literal["crane", "pit", "weather", "hoist", "dust", "camera", "other"]] | None = None
    """Only where it is of such a device."""


class Step(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who comes next where nobody has acknowledged."""

    after_s: Annotated[int, _SECONDS]
    """From the event."""
    tell: Annotated[list[Whom], msgspec.Meta(min_length=1)]


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What holds from a level on."""

    from_level: Annotated[int, msgspec.Meta(ge=1, le=4)] = 1
    tell: list[Whom] = []
    ways: list[Way] = msgspec.field(default_factory=lambda: list(_PAGES_ONLY))
    send_by_s: Annotated[int, _SECONDS] | None = None
    chain: list[Step] = []
    acknowledges: list[str] = []
    """Roles whose word ends the chain; of others it is only said that they have seen it."""
    folded: bool = False
    """Whether it may go into a digest."""
    reach: Literal["covering", "below"] = "covering"
    """Of what is told at a node: to those who hold it or what is above it, or also to those below."""

    @property
    def roles(self) -> frozenset[str]:
        """Every role that it may ever tell."""
        return frozenset(
            whom.role for tell in (self.tell, *(step.tell for step in self.chain)) for whom in tell
        )

    def stage(self, step: int) -> list[Whom]:
        """Who is told at first (0), or by a step of the chain (1, 2, …); nobody beyond its end."""
        if step == 0:
            return self.tell
        return self.chain[step - 1].tell if step <= len(self.chain) else []

    def due_s(self, step: int) -> int | None:
        """When the step after that one is due, in seconds from the event, or the chain is at its end."""
        times = [0, *(one.after_s for one in self.chain)]
        if step < len(self.chain):
            return times[step + 1]
        # After the last step as long again as before it: then nobody has acknowledged.
        return 2 * times[-1] - times[-2] if step == len(self.chain) and self.chain else None

    def wait_s(self, step: int) -> int | None:
        """How long those of that step have before the next are told, however late they were told."""
        due_s = self.due_s(step)
        return None if due_s is None else due_s - (self.chain[step - 1].after_s if step else 0)

    def ends(self, roles: Iterable[str]) -> bool:
        """Whether it is enough that somebody with these roles knows."""
        return not self.chain or any(role in self.acknowledges for role in roles)


class Kind(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A kind of notice."""

    name: Text
    page: str
    """The path of the view that it speaks of; `{site}` and `{id}` stand for what it is of."""
    is_evidence: bool = False
    """Of what the law looks at: kept for good, where others are deleted when they are old."""
    rules: Annotated[list[Rule], msgspec.Meta(min_length=1)]

    def rule(self, level: int) -> Rule:
        """What holds at that level."""
        fitting = [rule for rule in self.rules if rule.from_level <= level]
        return max(fitting, key=lambda rule: rule.from_level) if fitting else _SILENT

    def path(self, *, site: str | None = None, id: object = "") -> str:  # noqa: A002  as in the file
        """The page of one; where it is of no site, the list of all."""
        if "{site}" in self.page and site is None:
            return "/inbox"
        return self.page.format(site=site, id=id)


_SILENT = Rule()


class Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All kinds, and where the figures come from."""

    source: Text
    regulators_from: Annotated[int, msgspec.Meta(ge=1, le=4)]
    """Alarms below that level are told to no authority."""
    tellings: dict[str, Kind]


def load(file: Path) -> Table:
    """Read a table; raises `ConfigurationError` where it is wrong or tells whom it must not."""
    document = documents.read(file, Table)
    for name, kind in document.value.tellings.items():
        _check_page(document, f"tellings.{name}.page", kind.page)
        for number, rule in enumerate(kind.rules):
            _check(document, f"tellings.{name}.rules.{number}", rule, name)
        levels = [rule.from_level for rule in kind.rules]
        if levels != sorted(set(levels)):
            mend = "Write each level once, the lowest first."
            raise document.error(f"tellings.{name}.rules", "has levels out of order", mend)
    return document.value


@cache
def table() -> Table:
    """The one that SiteWarden ships."""
    with resources.as_file(resources.files("cloud.notices") / "telling.yaml") as file:
        return load(file)


def kind_of(name: str) -> Kind:
    """A kind by its name; raises `UnknownKindError`."""
    try:
        return table().tellings[name]
    except KeyError:
        raise UnknownKindError(f"`{name}` is no kind of cloud/notices/telling.yaml") from None


OTHERS = {
    "digest": Text("合并报警", "Alarms, summed up"),
    "flood": Text("汇总", "Summary"),
    "test": Text("测试", "Test"),
    "mailing": Text("邮件报送", "Handed in by mail"),
}
"""Notices that nobody is told of by his role."""


def name_of(kind: str) -> Text:
    """What a kind is called, also one of an older or a newer table."""
    known = table().tellings.get(kind)
    return OTHERS.get(kind, Text(kind, kind)) if known is None else known.name


def _check_page(document: Document[Table], field: str, page: str) -> None:
    unknown = set(_PLACE.findall(page)) - _PLACES
    if not page.startswith("/") or unknown:
        mend = "Write a path of the pages, with {site} and {id} where they belong."
        raise document.error(field, f"{page!r} is no page", mend)


def _check(document: Document[Table], at: str, rule: Rule, kind: str) -> None:
    stages: list[tuple[str, list[Whom]]] = [(f"{at}.tell", rule.tell)]
    stages += [(f"{at}.chain.{n}.tell", step.tell) for n, step in enumerate(rule.chain)]
    for field, tell in stages:
        for number, whom in enumerate(tell):
            _check_role(document, f"{field}.{number}.role", whom.role)
            is_early = kind == "alarm" and rule.from_level < document.value.regulators_from
            if is_early and roles().roles[whom.role].side == "authority":
                said = f"tells an authority of alarms of level {rule.from_level}"
                mend = f"Authorities hear of alarms from level {document.value.regulators_from} on."
                raise document.error(f"{field}.{number}.role", said, mend)
    _check_rest(document, at, rule, kind)


def _check_rest(document: Document[Table], at: str, rule: Rule, kind: str) -> None:
    if rule.folded and (kind == "major" or rule.from_level == _GRAVEST):
        said, mend = "folds what must be told singly", "Level 4 and suspected major hazards are never folded."
        raise document.error(f"{at}.folded", said, mend)
    if rule.tell and "app" not in rule.ways:
        raise document.error(
            f"{at}.ways", "leaves out app", "The person's own page is always there: add app."
        )
    if any(whom.devices for step in rule.chain for whom in step.tell):
        mend = "Name the role without devices, or tell it at first."
        raise document.error(f"{at}.chain", "asks for a kind of device", mend)
    times = [step.after_s for step in rule.chain]
    if times != sorted(set(times)):
        mend = "Each step comes later than the one before."
        raise document.error(f"{at}.chain", "has steps out of order", mend)
    for number, role in enumerate(rule.acknowledges):
        if role not in rule.roles:
            mend = "Name roles that are told of it, at first or by a step."
            raise document.error(f"{at}.acknowledges.{number}", f"{role!r} never hears of it", mend)
    if rule.chain and not rule.acknowledges:
        mend = "Say in `acknowledges` which roles' word ends it."
        raise document.error(f"{at}.chain", "can be ended by nobody", mend)
    if rule.chain and not rule.tell:
        raise document.error(f"{at}.chain", "follows on nobody", "Say in `tell` who is told at first.")


def _check_role(document: Document[Table], field: str, role: str) -> None:
    known: dict[str, Any] = roles().roles
    if role not in known:
        near = difflib.get_close_matches(role, known, n=1)
        mend = f"Did you mean {near[0]}?" if near else f"Known are {', '.join(known)}."
        raise document.error(field, f"{role!r} is no role", mend)
