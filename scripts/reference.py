"""Write what follows from data into docs/reference: points, devices, thresholds, rules, scenario keys."""

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

import cloud.doctor
import edge.doctor
from cloud.accounts.roles import roles
from cloud.doctor import authority, registry
from cloud.hazards.described import described
from cloud.indicators.description import descriptions
from cloud.intake.records import EVERY
from cloud.jurisdictions.loading import DEFAULT, jurisdictions
from cloud.metrics.every import EVERY as METRICS
from cloud.notices.telling import Whom
from cloud.notices.telling import table as tellings
from cloud.reports.layout import dispatch, statistics
from cloud.reports.layout import ledger as report_ledger
from cloud.returns import monthly
from cloud.tables import ledger_rows, rows
from edge.doctor import cameras, certificate, outbox, outputs, pictures, serial, service
from firmware_sim import model, scenario
from firmware_sim.camera import model as camera
from scripts.structures import section, structures
from sitewarden.derived import thresholds
from sitewarden.doctor import Check, broker, machine
from sitewarden.points import vocabulary
from sitewarden.profiles import command as profiles
from sitewarden.profiles import load_profiles
from sitewarden.profiles.signals import signals
from sitewarden.rules import clauses, describe
from sitewarden.rules.model import Row, Rule, Table
from sitewarden.rules.packs import RulePack, built_in_packs, load_pack, schema
from sitewarden.text import Text

REFERENCE = Path(__file__).resolve().parents[1] / "docs" / "reference"
MADE = "<!-- made by scripts/reference.py; change the source, then run it -->"


def pages() -> dict[str, str]:
    """The pages' names and contents."""
    return {
        "points.md": _page(_points()),
        "devices.md": _page(_devices()),
        "thresholds.md": _page(_thresholds()),
        "rules.md": _page(_rules()),
        "scenario-keys.md": _page(_scenario()),
        "doctor.md": _page(_doctor()),
        "hazard-states.md": _page(_hazard_states()),
        "jurisdictions.md": _page(_jurisdictions()),
        "telling.md": _page(_telling()),
        "indicators.md": _page(_indicators()),
        "intake.md": _page(_intake()),
        "metrics.md": _page(_metrics()),
        "exports.md": _page(_exports()),
        "rule-pack.schema.json": json.dumps(schema(), indent=2, ensure_ascii=False) + "\n",
        "profile.schema.json": json.dumps(profiles.schema(), indent=2, ensure_ascii=False) + "\n",
    }


def _page(lines: Iterable[str]) -> str:
    return "\n".join([MADE, *lines, ""])


def _points() -> Iterator[str]:
    yield "# Point vocabulary 测点词汇表\n"
    yield "Screens, rules and reports know only these kinds. Values travel rounded to the resolution. Source:"
    yield "`sitewarden/vocabulary.yaml`.\n"
    yield from ("| kind | 中文 | English | unit | resolution | 要素 |", "|---|---|---|---|---|---|")
    for name, kind in vocabulary().items():
        unit = "" if kind.unit == "1" else kind.unit
        yield f"| `{name}` | {kind.zh} | {kind.en} | {unit} | {kind.resolution:g} | {kind.element} |"


def _devices() -> Iterator[str]:
    yield "# Devices 设备\n"
    yield "The profiles that SiteWarden ships; *verified* says how far each has been tried. Keys:"
    yield "[profile keys](profile-keys.md).\n"
    yield from ("| profile | products | kind | points | verified | source |", "|---|---|---|---|---|---|")
    for name, profile in load_profiles().items():
        products = ", ".join(f"{product.brand} {product.model}" for product in profile.products)
        points = ", ".join(f"`{key}`" for key in profile.points)
        cells = (f"`{name}`", products, profile.device_kind, points, profile.verified, profile.source)
        yield f"| {' | '.join(cells)} |"
    yield "\n## Public, and not shipped\n"
    yield "Maps that were found without the numbers that a reading needs:\n"
    yield "- the wind sensors of 易谷 (function 3, register 0) and 宽科 (function 4, speed in 6, direction"
    yield "  in 7): no scale;"
    yield "- Campbell Scientific MetSENS200 to 600 (floats from 40001): the order of words is not said;"
    yield "- the wireless relay of 稳控 (unit 129): settings only;"
    yield "- loggers of JMDL, 葛南 and 基康, GNSS receivers, load and moment limiters: no Modbus map is"
    yield "  public."
    yield "\n## What a device must say\n"
    yield "By which `sitewarden profiles test` judges a profile. Of kinds between slashes one is enough,"
    yield "`*` stands for any ending. Source: `sitewarden/signals.yaml`.\n"
    yield from (
        "| device | must say | should say too | at least every | source | confidence |",
        "|---|---|---|---|---|---|",
    )
    for device, wanted in signals().items():
        must, should = (", ".join(map(_choice, choices)) for choices in (wanted.must, wanted.should))
        every = f"{wanted.least_every_ms / 1000:g} s"
        yield f"| {device} | {must} | {should} | {every} | {wanted.source} | {wanted.confidence} |"


def _metrics() -> Iterator[str]:
    yield "# Metrics 运行指标\n"
    yield "What the processes tell [Prometheus](../how-to/watch-the-installation.md): the web process"
    yield "under `/metrics`, the ingest at a [port of its own](cloud-settings.md#metricssettings). Names end"
    yield "in their unit; a histogram `x` has `x_bucket`, `x_sum` and `x_count`. Labels `site` and `gateway`"
    yield "are those of the registry, never what a stranger sends."
    for title, text, metrics in METRICS:
        yield f"\n## {title}\n"
        yield f"{text}\n"
        yield from ("| metric | kind | labels | means |", "|---|---|---|---|")
        for one in metrics:
            labels = ", ".join(f"`{label}`" for label in one.labels)
            yield f"| `{one.name}` | {one.kind} | {labels} | {one.help} |"


def _indicators() -> Iterator[str]:
    told = descriptions()
    yield "# Indicators 指标\n"
    yield f"{told.source.zh} {told.source.en}\n"
    yield "A number whose source nobody has declared, or of which nothing is known, is shown as — and never"
    yield "as 0. Everything is counted as of an instant, from the events of records; drills count nowhere."
    yield "Source: `cloud/indicators/indicators.yaml`; why: [indicators](../explanation/indicators.md).\n"
    for name, one in told.indicators.items():
        word = "from" if one.light.worse == "more" else "below"
        yield f"## {one.no} {one.label.zh} {one.label.en}\n"
        yield f"`{name}`, a {one.unit}. Amber {word} {one.light.amber:g}, red {word} {one.light.red:g}.\n"
        yield f"- {one.formula.zh}"
        yield f"- {one.formula.en}"
        yield f"- Aim 依据: {one.source.zh} · {one.source.en}\n"
    compared = told.ranking
    yield "## Ranking 打分排队\n"
    yield f"{compared.source.zh} {compared.source.en}\n"
    least = f"{compared.records} records, or less than {compared.weight:.0%} of the weights"
    yield f"Not ranked: with fewer than {least}.\n"
    yield from ("| component | weight | all points | none |", "|---|---|---|---|")
    for component, its in compared.components.items():
        label = told.label(component)
        yield f"| {label.zh} {label.en} | {its.weight:g} | {its.good:g} | {its.bad:g} |"
    yield ""
    yield "## Figures of alarms 报警指标\n"
    yield from ("| figure | good | at most | source | confidence |", "|---|---|---|---|---|")
    for figure in told.alarm_figures.values():
        cells = (f"{figure.label.zh} {figure.label.en}", f"{figure.good:g}", f"{figure.most:g}")
        yield f"| {' | '.join(cells)} | {figure.source.zh} · {figure.source.en} | {figure.confidence} |"


def _hazard_states() -> Iterator[str]:
    yield "# States of a hazard record 隐患记录的状态\n"
    yield "A record goes from `candidate` to `closed`; no state on the way is skipped, and everything that"
    yield "a person does to it is an act, signed with his own key over the version that he saw. Beside its"
    yield "state a record has regions of its own that no state decides: level, signal, report, supervision"
    yield "(挂牌督办), control (停工、撤人), escalation step, overdue, refused. Source:"
    yield "`cloud/hazards/transitions.py`; why it is so:"
    yield "[0025](../decisions/0025-the-events-of-a-hazard-are-the-truth.md).\n"
    yield from described()
    yield "\n## What the machine does\n"
    yield "- It opens candidates, adds alarms, follows the signal, runs clocks, proposes steps and"
    yield "  listings. It judges, reviews and closes nothing."
    yield "- A signal that returns sends what is `rectified` or `reviewed` back to `rectifying`: what was"
    yield "  verified no longer is."
    yield "- Handling that is late, under a clause in two parts, makes a general hazard a suspected major"
    yield "  one."
    yield "\n## What never is\n"
    yield "- Nothing is closed that was not confirmed, rectified and reviewed, in this order, nor while its"
    yield "  signal is active or unknown, an order holds over the work, or nobody has judged how grave it"
    yield "  is."
    yield "- Nothing is major that no person with that authority has judged so, by an item of the standard"
    yield "  that held."
    yield "- Nobody reviews or closes what he submitted; of a major hazard nobody of the enterprise does,"
    yield "  and both the supervision and the authority have reviewed it, one of them on site."
    yield "- No event is changed or removed; what the events come to is what the record says."
    yield "- No measure of enforcement changes a state. No later date changes the first one."


def _jurisdictions() -> Iterator[str]:
    yield "# Jurisdictions 属地规则\n"
    yield "What circulars fix, and what this platform takes where they are silent: a site follows the nearest"
    yield "territory above it that names one. Times are seconds unless the name says otherwise. A number is"
    yield "as good as its source: *practice* is this platform's own, *unsure* is to be checked before anybody"
    yield "relies on it. What shows that a duty was done stands in `cloud/duties/duties.yaml`; targets are"
    yield "only shown."
    yield "Source: `cloud/jurisdictions/data`."
    for name, written in jurisdictions().items():
        yield f"\n## {written.holds.label.zh} {written.holds.label.en} (`{name}`)\n"
        yield f"{written.source.zh}\n\n{written.source.en}\n"
        yield from ("| figure | what | value | source | confidence |", "|---|---|---|---|---|")
        for field, figure in written.figures.items():
            if name == DEFAULT or field in written.own:
                label = figure.label or Text("", "")
                source = f"{figure.source.zh}<br>{figure.source.en}"
                value = "<br>".join(_said(figure.value))
                yield f"| `{field}` | {label.zh}<br>{label.en} | {value} | {source} | {figure.confidence} |"


def _telling() -> Iterator[str]:
    yield "# Who is told of what 通知对象\n"
    yield "By kind of notice and level, the highest row that fits holds. Who is named is told where he"
    yield "holds the role: at the site, or at a territory or enterprise above it. Steps count from the event"
    yield "and are told only where nobody has acknowledged whose word is enough; of others the pages say that"
    yield "they have seen it. Source: `cloud/notices/telling.yaml`.\n"
    yield f"{tellings().source.zh}\n\n{tellings().source.en}\n"
    yield from (
        "| kind | from level | told | by | within | if nobody answers | whose word counts | folded | kept |",
        "|---|---|---|---|---|---|---|---|---|",
    )
    for name, kind in tellings().tellings.items():
        for rule in kind.rules:
            steps = "<br>".join(f"{step.after_s // 60} min: {_whom(step.tell)}" for step in rule.chain)
            within = "" if rule.send_by_s is None else f"{rule.send_by_s} s"
            told, ways = (_whom(rule.tell), ", ".join(rule.ways)) if rule.tell else ("the pages alone", "")
            folded = "yes" if rule.folded else "never"
            kept = "for good" if kind.is_evidence else ""
            enough = _whom([Whom(role=role) for role in rule.acknowledges])
            yield (
                f"| {kind.name.zh} {kind.name.en} `{name}` | {rule.from_level} | {told} | {ways} | {within} "
                f"| {steps} | {enough} | {folded} | {kept} |"
            )


def _exports() -> Iterator[str]:
    yield "# Columns of exports 导出列\n"
    yield "CSV is UTF-8 with a byte order mark; a text that a spreadsheet would run stands behind `'`; the"
    yield "last line says who took it out and when. `—` is a number that is not known, and never 0. Source:"
    yield "`cloud/reports/*.yaml`, `cloud/returns/monthly.yaml`, `cloud/tables`."
    tables = {
        "统计表（附件2） Statistics table (appendix 2)": statistics().columns,
        "重大事故隐患台账 Ledger of major hazards": report_ledger().columns,
    }
    for name, headings in tables.items():
        yield f"\n## {name}\n"
        yield from ("| column | title |", "|---|---|")
        yield from (f"| `{one.key}` | {one.text} |" for one in headings)
    yield "\n## 调度表（附件1） Dispatch table (appendix 1)\n"
    yield "One line for each number: cell, item, total, prefecture, county, how many records. Cells:\n"
    yield from ("| cell | item | by level |", "|---|---|---|")
    for cell, item in dispatch().items.items():
        second = f", `{cell}.{item.second}`" if item.second else ""
        yield f"| `{cell}`{second} | {item.text} | {'yes' if item.split else ''} |"
    yield "\n## 月报 Monthly report\n"
    yield from ("| number | 中文 | English |", "|---|---|---|")
    for part in monthly.layout().sections:
        yield from (f"| `{cell}` | {words.zh} | {words.en} |" for cell, words in part.cells.items())
    ledgers = {
        "隐患 Hazards": ledger_rows.HAZARDS.columns,
        "险情和事故 Incidents": ledger_rows.INCIDENTS,
        "执法 Enforcement": ledger_rows.ENFORCEMENT.columns,
        "通知 Notices": ledger_rows.NOTICES.columns,
        "报警 Alarms of a site": rows.ALARMS,
        "设备 Devices of a site": rows.DEVICES,
    }
    for name, columns in ledgers.items():
        yield f"\n## {name}\n"
        yield "; ".join(column.title for column in columns) + "."


def _intake() -> Iterator[str]:
    yield "# What other systems bring in 外部系统接入\n"
    yield "`POST /api/v1/intake/{kind}?system=…` takes a list in JSON, with the fields as they are called"
    yield "here, or a table in CSV (UTF-8 or GB18030) with either title; `dry_run=true` only says what it"
    yield "would do. All of it is taken or nothing. The same again is nothing new; what is changed is a new"
    yield "version, and of inspections and enforcement a correction in their ledgers, unsigned and marked"
    yield "with the system. The same number twice at once with something else is refused, and so are a"
    yield "name that several bear and numbers of identity cards. An instant without an offset is by the"
    yield "clocks of China. Errors name line and field: of a table by its title, of a list by its name."
    yield "Source: `cloud/intake/kinds.py`, `cloud/intake/records.py`."
    for name, kind in EVERY.items():
        yield f"\n## {kind.label.zh} {kind.label.en}\n"
        yield f"`{name}`, by who may `{kind.permission}`; its empty table:"
        yield f"`GET /api/v1/intake/{name}/template.csv`.\n"
        yield from ("| field | 列名 | title | needed | what |", "|---|---|---|---|---|")
        for column in kind.columns:
            about = kind.row.model_fields[column.field.partition(".")[0]].description or ""
            needed = "yes" if column.is_key else ""
            yield f"| `{column.field}` | {column.zh} | `{column.en}` | {needed} | {about} |"


def _whom(tell: list[Whom]) -> str:
    return ", ".join(
        f"{roles().roles[one.role].name.zh} `{one.role}`"
        + (" on duty" if one.on_duty else "")
        + (f" ({', '.join(one.devices)})" if one.devices else "")
        for one in tell
    )


def _said(value: Any) -> Iterator[str]:
    """A figure for people: a list by lines, its texts in Chinese."""
    if not isinstance(value, list):
        yield str(value)
    elif not value:
        yield "–"
    else:
        yield from (one if isinstance(one, str) else "，".join(_parts(one)) for one in value)


def _parts(one: dict[str, Any]) -> Iterator[str]:
    for key, value in one.items():
        if key == "zh" or isinstance(value, dict):
            yield value if key == "zh" else str(value["zh"])
        elif key != "en":
            yield f"{key} {value}"


_GATEWAYS = (edge.doctor, service, serial, cameras, outputs, outbox, pictures, certificate)
_CLOUDS = (cloud.doctor, registry, authority)


def _doctor() -> Iterator[str]:
    yield "# What the doctor looks at 体检项目\n"
    yield from _ABOUT
    yield from _STATUSES
    yield "\n## JSON\n"
    yield from _JSON
    for title, modules in (
        ("Of a gateway and of a cloud", (machine, broker)),
        ("Of a gateway", _GATEWAYS),
        ("Of a cloud", _CLOUDS),
    ):
        yield f"\n## {title}\n"
        yield from ("| check | looks at | why it matters |", "|---|---|---|")
        for check in checks(modules):
            yield f"| `{check.name}` | {check.looks_at} | {check.why} |"


def checks(modules: Sequence[ModuleType]) -> list[Check]:
    """Those that modules make and do not only use, in the order of their source."""
    common = [one for module in (machine, broker) for one in vars(module).values() if isinstance(one, Check)]
    made = [one for module in modules for one in vars(module).values() if isinstance(one, Check)]
    return common if machine in modules else [one for one in made if one not in common]


_STATUSES = (
    "| status | means | exit status of the whole |",
    "|---|---|---|",
    "| `ok` | as it should be | 0 |",
    "| `note` | may be meant so, and is worth knowing | 0 |",
    "| `unknown` | could not be looked at; neither good nor bad | 0 |",
    "| `finding` | wrong, with what mends it | 1 |",
    "| `unreachable` | broker or database does not answer; wins over 1 | 3 |",
    "| | the file is no program's configuration, or none was found | 2 |",
)
_ABOUT = (
    "`sitewarden doctor [gateway.yaml | cloud.yaml]` looks at this machine beside the running program and",
    "takes nothing of it: not its lock, its MQTT client, or its serial lines. It opens no serial line,",
    "asks no device, and changes nothing. Without a file it looks at those in `/etc/sitewarden`. As root",
    "it sees most. By example: [see that it is",
    "right](../how-to/deploy-a-gateway.md#5-see-that-it-is-right).\n",
)
_JSON = (
    "`--json` prints one object: `form` (1; keys may be added, none is taken away), `exit`, and",
    "`examined`, a list with `program` (`edge` or `cloud`), `file` and `results`. A result has `check`,",
    "`subject` (a file, a bus, a lane; may be empty), `status`, `what`, `why` and `mend`; of what is",
    "`unknown`, `mend` lets it be known. Texts may change, names of checks and statuses do not.",
)


def _choice(kinds: list[str]) -> str:
    return " / ".join(f"`{kind}`" for kind in kinds)


def _scenario() -> Iterator[str]:
    yield "# Scenario keys 场景文件\n"
    yield "What a scenario of the simulator may say; `sitewarden sim run scenario.yaml` plays it and names"
    yield "file, line and mend of what cannot be meant. By example:"
    yield "[simulate devices](../how-to/simulate-devices.md)."
    modules = (scenario, model, camera)
    shown = [one for one in structures(*modules) if one.__struct_config__.forbid_unknown_fields]
    known = {one.__name__ for one in shown}
    for structure in shown:
        yield from section(structure, known)
    yield "\n## Physics\n"
    physics = ", ".join(f"[{one.__name__}](#{one.__name__.lower()})" for one in get_args(model.Behaviour))
    yield f"One of {physics}. Left out: [Simple](#simple)."
    yield "\n## Forms\n"
    forms = ", ".join(f"[{one.__name__}](#{one.__name__.lower()})" for one in get_args(model.Form))
    yield f"What a point does by itself, one of {forms}."


def _thresholds() -> Iterator[str]:
    yield "# Thresholds of derived points 派生测点参数\n"
    yield "Numbers that derived points are made with. A device's `parameters:` in `gateway.yaml` puts its own"
    yield "value over one, and `point_parameters:` that of a single point of the kinds given. Source:"
    yield "`sitewarden/derived/thresholds.yaml`.\n"
    yield from (
        "| parameter | devices | points | default | unit | may be | 中文 | English | source | confidence |",
        "|---|---|---|---|---|---|---|---|---|---|",
    )
    for name, one in thresholds().items():
        unit = "" if one.unit == "1" else one.unit
        least, most = one.range
        cells = (
            f"`{name}`",
            ", ".join(one.devices),
            ", ".join(f"`{kind}`" for kind in sorted(one.points)),
            "" if one.value is None else f"{one.value:g}",
            unit,
            f"{least:g} to {most:g}",
            one.zh,
            one.en,
            one.source,
            one.confidence,
        )
        yield f"| {' | '.join(cells)} |"


def _rules() -> Iterator[str]:
    yield "# Rules 规则\n"
    yield "The rule packs that SiteWarden ships, with every number, its source and how sure it is: `agreed`"
    yield "(two sources), `one-source`, `memory` (from memory only), `unsure` (sources contradict; such a"
    yield "cell is printed and never used), `practice` (ours or the trade's). A site's own value always wins."
    yield "Level: 1 提示, 2 预警, 3 报警, 4 危急. `sitewarden edge rules gateway.yaml` says what is in force"
    yield "on a gateway, `sitewarden rules show SITE --config cloud.yaml` on a site. Source:"
    yield "`sitewarden/rules/packs`; your own: [schema](rule-pack.schema.json)."
    for name in built_in_packs():
        yield from _pack(load_pack(name, Path()))
    yield from _clauses()


def _pack(pack: RulePack) -> Iterator[str]:
    yield f"\n## {pack.pack} {pack.title.zh}\n"
    yield f"{pack.title.en}. {pack.source}\n"
    if pack.parameters:
        yield from ("| asks for | 中文 | English | unit | choices | note |", "|---|---|---|---|---|---|")
        for name, asked in pack.parameters.items():
            choices = ", ".join(map(describe.word, asked.choices))
            words = (f"`{name}`", asked.label.zh, asked.label.en, asked.unit, choices, asked.note)
            yield f"| {' | '.join(words)} |"
        yield ""
    yield "| rule | watches | raised when | level | on, off delay | basis | confidence | hazard |"
    yield "|---|---|---|---|---|---|---|---|"
    yield from map(_rule, pack.rules)
    for name, table in pack.tables.items():
        yield from _table(name, table)


def _rule(rule: Rule) -> str:
    latching = ", latching" if rule.latching else ""
    hazard = "" if rule.hazard is None else describe.hazard(rule.hazard).removeprefix("opens a hazard: ")
    cells = (
        f"`{rule.rule}` v{rule.version}<br>{rule.label.zh}<br>{rule.label.en}",
        f"`{rule.watch}`",
        _when(rule),
        f"{rule.level} {describe.LEVELS[rule.level]}",
        f"{describe.duration(rule.on_delay_s)}, {describe.duration(rule.off_delay_s)}{latching}",
        f"{rule.basis.clause} ({rule.basis.source})",
        rule.basis.confidence,
        hazard,
    )
    return f"| {' | '.join(cells)} |"


def _when(rule: Rule) -> str:
    said = [describe.as_written(rule)]
    said += [f"only while {describe.arming_as_written(arming)}" for arming in rule.arm]
    if (asked := rule.applies_if) is not None:
        said.append(describe.where_it_applies(asked))
    if rule.dead_band:
        said.append(f"dead-band {rule.dead_band:g}")
    if rule.suppressed_by:
        said.append(f"not while {', '.join(rule.suppressed_by)} stands")
    return "<br>".join(said)


def _table(name: str, table: Table) -> Iterator[str]:
    columns = list(table.units)
    yield f"\n### {name}\n"
    yield f"{table.clause}; {table.source}.\n"
    titles = " | ".join(f"{column} ({unit})" for column, unit in table.units.items())
    yield f"| for | {titles} | confidence | note |"
    yield f"|---|{'---|' * len(columns)}---|---|"
    for row in table.rows:
        cells = (_for(row), *(_printed(row, column) for column in columns), row.confidence, row.note)
        yield f"| {' | '.join(cells)} |"


def _for(row: Row) -> str:
    chosen = (f"{key} {', '.join(map(describe.word, values))}" for key, values in row.when.items())
    return "; ".join(chosen) or "all"


def _printed(row: Row, column: str) -> str:
    return "–".join(f"{number:g}" for number in row.cells.get(column, ())) or "—"


def _clauses() -> Iterator[str]:
    yield "\n## Clauses 重大事故隐患判定标准\n"
    yield "A machine proposes an item, a person judges. *auto*: evidence of a machine may propose the item,"
    yield "*support*: it is one piece among others, *none*: papers and inspection only. Two parts: met only"
    yield "once handling is late, by the clock of the rule that proposes it."
    for edition in clauses.editions().values():
        yield f"\n### {edition.edition} {edition.document}\n"
        yield f"{edition.title}; in force from: {edition.in_force_from}. {edition.source}\n"
        yield from ("| item | text | machine | two parts | confidence |", "|---|---|---|---|---|")
        for item in edition.items:
            two = "yes" if item.two_part else ""
            yield f"| {item.id} | {item.text} | {item.evidence} | {two} | {item.confidence} |"


if __name__ == "__main__":
    for page, content in pages().items():
        (REFERENCE / page).write_text(content, encoding="utf-8")
