"""Rules: what is dangerous, since when, and by which clause. Pure: state in, state out."""

from sitewarden.rules.engine import NORMAL, Phase, RuleState, Transition, step
from sitewarden.rules.model import Basis, BoundRule, HazardProposal, Rule

__all__ = [
    "NORMAL",
    "Basis",
    "BoundRule",
    "HazardProposal",
    "Phase",
    "Rule",
    "RuleState",
    "Transition",
    "step",
]
