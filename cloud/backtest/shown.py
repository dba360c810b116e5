"""From a report to what is shown of it. Pure."""

from collections.abc import Collection
from typing import Any

import msgspec

from cloud.backtest.in_force import InForce
from cloud.backtest.model import MOST_ALARMS, BacktestShown, RuleShown, RulesShown
from cloud.backtest.proposal import text_of
from sitewarden.backtest.comparison import Comparison
from sitewarden.backtest.lead import LeadTime
from sitewarden.backtest.trial import Report, Side
from sitewarden.rules.model import Rule
from sitewarden.rules.packs import rules_of


def report_shown(report: Report, took_ms: int) -> BacktestShown:
    """The report with its long lists cut."""
    plain = msgspec.to_builtins(report, str_keys=True)
    return BacktestShown(
        **{
            **plain,
            "took_ms": took_ms,
            "in_force": _side(report.in_force),
            "proposed": _side(report.proposed),
            "changes": _comparison(report.changes),
            "recorded": _comparison(report.recorded),
        }
    )


def rules_shown(told: InForce, kinds: Collection[str]) -> RulesShown:
    """The rules in force that watch any of these kinds, each as a text that can be changed."""
    return RulesShown(
        rules=[
            RuleShown(
                rule=rule.rule,
                pack=pack.pack,
                family=rule.family,
                watch=rule.watch,
                level=rule.level,
                label=msgspec.to_builtins(rule.label),
                text=text_of(rule),
            )
            for pack, rule in rules_of(told.packs)
            if _watches(rule, kinds)
        ],
        unknown=told.unknown,
    )


def _watches(rule: Rule, kinds: Collection[str]) -> bool:
    if not rule.is_of_device:
        return rule.watch in kinds
    return any(kind.startswith(rule.watch.removesuffix("*")) for kind in kinds)


def _comparison(found: Comparison) -> dict[str, Any]:
    lists: dict[str, list[Any]] = {"added": found.added, "removed": found.removed, "moved": found.moved}
    return {
        **{name: msgspec.to_builtins(items[:MOST_ALARMS]) for name, items in lists.items()},
        **{f"{name}_count": len(items) for name, items in lists.items()},
        "unchanged_count": len(found.unchanged),
    }


def _side(side: Side) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(side, str_keys=True)
    return {**plain, "leads": [_lead(lead) for lead in side.leads if _says_anything(lead)]}


def _lead(lead: LeadTime) -> dict[str, Any]:
    return {**msgspec.to_builtins(lead), "reached": len(lead.leads_ms)}


def _says_anything(lead: LeadTime) -> bool:
    return bool(lead.leads_ms or lead.not_reached or lead.unwarned)
