"""Alarms in one line."""

from sitewarden.backtest.episodes import Episode
from sitewarden.text import Text

SECOND = 1000


def episode(raised_s: float, cleared_s: float | None, **changes) -> Episode:
    """An overload of crane-1, instants in seconds."""
    fields = {
        "point": "crane-1/load_ratio",
        "kind": "crane.load_ratio",
        "rule": "crane-load-100",
        "rule_version": 1,
        "family": "crane-overload",
        "level": 3,
        "label": Text("起重量超过额定值", "Load above rated"),
        "limit": 100.0,
        "raised_at": round(raised_s * SECOND),
        "cleared_at": None if cleared_s is None else round(cleared_s * SECOND),
        "peak": 104.0,
    }
    return Episode(**{**fields, **changes})
