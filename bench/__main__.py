"""`python -m bench [NAME …] [--quick] [--json] [--output FILE]`; exit status 1 where a goal is missed."""

import argparse
import json
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from bench import (
    alarm_latency,
    backtest,
    chart,
    collision,
    creep,
    edge_dead_unit,
    edge_outage,
    edge_poll,
    forecasts,
    hazard_lists,
    hazards,
    ingest,
    ingest_kill,
    ingest_live,
    live,
    outbox,
    replay,
    reports,
    rules,
    rules_live,
    storage,
    vision,
    vision_streams,
)
from bench.report import NotMeasured, Result, as_object, table

Bench = Callable[[bool], Sequence[Result]]

BENCHES: dict[str, Bench] = {
    "alarm_latency": alarm_latency.run,
    "backtest": backtest.run,
    "chart": chart.run,
    "collision": collision.run,
    "creep": creep.run,
    "edge_poll": edge_poll.run,
    "edge_dead_unit": edge_dead_unit.run,
    "edge_outage": edge_outage.run,
    "forecasts": forecasts.run,
    "hazard_lists": hazard_lists.run,
    "hazards": hazards.run,
    "ingest": ingest.run,
    "ingest_kill": ingest_kill.run,
    "ingest_live": ingest_live.run,
    "ingest_one_site": ingest_live.run_one_site,
    "live": live.run,
    "reports": reports.run,
    "outbox": outbox.run,
    "replay": replay.run,
    "rules": rules.run,
    "rules_live": rules_live.run,
    "vision": vision.run,
    "vision_streams": vision_streams.run,
    "storage": storage.run,
}


def main() -> int:
    """Run the named benchmarks, or all."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of: {', '.join(BENCHES)}; none runs all")
    parser.add_argument("--quick", action="store_true", help="fewer rounds: minutes, wider scatter")
    parser.add_argument("--json", action="store_true", help="one JSON object a benchmark on standard output")
    parser.add_argument("--output", type=Path, help="also write all objects as a JSON list")
    args = parser.parse_args()
    if unknown := [name for name in args.names if name not in BENCHES]:
        parser.error(f"no benchmark {', '.join(unknown)}; there are: {', '.join(BENCHES)}")
    # Told to end, end as after Ctrl-C: what was started must not run on.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    runs = [_run(name, args.quick, args.json) for name in args.names or BENCHES]
    if args.output:
        args.output.write_text(
            json.dumps([found for found, _ in runs], indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
        )
    return 0 if all(reached for _, reached in runs) else 1


def _run(name: str, quick: bool, as_json: bool) -> tuple[dict[str, object], bool]:
    """The object of one benchmark, and whether every goal of it was reached."""
    results: Sequence[Result] = []
    try:
        results = BENCHES[name](quick)
    except NotMeasured as exc:
        print(f"{name}: not measured here: {exc}", file=sys.stderr if as_json else sys.stdout)
        found: dict[str, object] = {**as_object(name, []), "not_measured": str(exc)}
    else:
        found = as_object(name, results)
        if not as_json:
            print(table(name, results))
    if as_json:
        print(json.dumps(found, ensure_ascii=False), flush=True)
    return found, all(result.ok for result in results)


if __name__ == "__main__":
    sys.exit(main())
