"""The table of acts for people: what `docs/reference/hazard-states.md` is made from. Pure."""

import inspect
from collections.abc import Iterator

from cloud.accounts.roles import roles, roles_with
from cloud.hazards.acts import PersonsAct
from cloud.hazards.guard_words import WORDS
from cloud.hazards.transitions import TRANSITIONS, Transition
from sitewarden.text import Text

STATUS_WORDS = {
    "candidate": Text("待核实", "opened, nobody has judged it"),
    "rejected": Text("不成立", "there was no danger"),
    "merged": Text("并案", "it is the same as another record"),
    "confirmed": Text("已确认", "a named person says that there is, and how grave"),
    "rectifying": Text("整改中", "by a plan, within a date"),
    "rectified": Text("待复查", "whoever did it says so; somebody else looks"),
    "reviewed": Text("复查合格、待销号", "whoever must look has looked, and it is"),
    "closed": Text("已销号", "struck off"),
}
"""Of each state, in the order of life."""
FORKS = {
    "plan": "`rectifying` of a general hazard; a major one's waits for `accept_plan`",
    "pass_review": "`reviewed` once everybody who must has passed it",
    "upgrade": "as before; a general one under review goes back to `rectifying`",
}
"""Where the next state depends on the record."""


def described() -> Iterator[str]:
    """The generated part of the page."""
    yield "| state | 中文 | means |"
    yield "|---|---|---|"
    yield from (f"| `{name}` | {words.zh} | {words.en} |" for name, words in STATUS_WORDS.items())
    yield "\n## Acts 办理\n"
    yield "| act | what it says | from | to | for a general hazard | for a major one, suspected or judged |"
    yield "|---|---|---|---|---|---|"
    forms = {form.model_fields["act"].annotation.__args__[0]: form for form in PersonsAct.__subclasses__()}  # type: ignore[union-attr]
    for name, row in TRANSITIONS.items():
        says = (inspect.getdoc(forms[name]) or "").partition("\n")[0]
        yield f"| `{name}` | {says} | {_states(row)} | {_to(name, row)} | {_who(row, 0)} | {_who(row, 1)} |"
    yield "\n## What must hold 条件\n"
    yield "Beside the permission, for each act, in the order in which it is asked. Whoever runs or audits the"
    yield "platform acts on nothing.\n"
    for name, row in TRANSITIONS.items():
        if row.guards:
            yield f"- `{name}`: " + " ".join(_said(guard) for guard in row.guards)
    yield "\n## Words of what is unmet\n"
    yield from ("| code | 中文 | English |", "|---|---|---|")
    yield from (f"| `{code}` | {words.zh} | {words.en} |" for code, words in sorted(WORDS.items()))


def _states(row: Transition) -> str:
    return ", ".join(f"`{state}`" for state in row.since)


def _to(name: str, row: Transition) -> str:
    if name in FORKS:
        return FORKS[name]
    return "as before" if row.to is None else f"`{row.to}`"


def _who(row: Transition, place: int) -> str:
    levels = ("general",) if place == 0 else ("major_proposed", "major")
    if not any(level in row.levels for level in levels):
        return "–"
    permission = (row.general, row.major)[place]
    known = roles().roles
    takers = [name for name in roles_with(permission) if known[name].side not in ("platform", "audit")]
    return f"`{permission}`: " + "、".join(known[name].name.zh for name in takers)


def _said(guard: object) -> str:
    return (inspect.getdoc(guard) or "").partition("\n")[0]
