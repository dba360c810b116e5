"""`python -m cloud.histories.program`: writes one export; its standard input says which."""

import os
import sys
import time
from pathlib import Path

import msgspec

from cloud.database import connect
from cloud.histories import store
from cloud.histories.job import perform
from cloud.histories.store import Order

_NICE = 10
"""Pages and live values come first."""


def main() -> int:
    """Write it."""
    order = msgspec.json.decode(sys.stdin.buffer.read(), type=Order)
    os.nice(_NICE)
    with connect(order.dsn) as connection:
        job = store.job_of(connection, order.export)
    if job is not None:
        perform(order.dsn, job, Path(order.folder), lambda: time.time_ns() // 1_000_000)
    return 0


if __name__ == "__main__":
    sys.exit(main())
