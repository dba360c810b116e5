"""What was measured around the alarms of a record, as it is shown."""

from typing import Any

from cloud.hazards.model import EvidenceSeries


def evidence_shown(evidence: dict[str, list[dict[str, Any]]]) -> list[EvidenceSeries]:
    """The readings around raise and clear as one series a point; instants that both have are shown once."""
    by_point: dict[str, dict[int, tuple[float | None, str]]] = {}
    for series in [*evidence.get("raised", []), *evidence.get("cleared", [])]:
        rows = by_point.setdefault(series["point"], {})
        rows.update(zip(series["t"], zip(series["x"], series["q"], strict=True), strict=True))
    return [
        EvidenceSeries(
            point=point,
            t=sorted(rows),
            x=[rows[t][0] for t in sorted(rows)],
            q=[rows[t][1] for t in sorted(rows)],
        )
        for point, rows in by_point.items()
    ]
