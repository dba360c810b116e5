"""Eyes whose detector takes its time while a file is there: `slow_eyes.py FILE PARENT`.

Everything else is as it is on a gateway, but that intervals are shorter, and fewer of them are ease enough:
nobody waits minutes in a test.
"""

import sys
import time
from collections.abc import Sequence
from pathlib import Path

from edge.vision import eyes, shedding
from edge.vision.detectors import FAINTEST
from edge.vision.detectors.scripted import Scripted
from edge.vision.model import Frame, Heads, Region

SLOW_S, INTERVAL_S, EASE = 0.5, 0.4, 2


def main() -> None:
    slow, parent = Path(sys.argv[1]), sys.argv[2]
    usual = Scripted.find

    def find(self: Scripted, frame: Frame, regions: Sequence[Region], faintest: float = FAINTEST) -> Heads:
        if slow.exists():
            time.sleep(SLOW_S)
        return usual(self, frame, regions, faintest)

    Scripted.find = find  # type: ignore[method-assign]
    eyes.INTERVAL_S = eyes.ALIVE_S = INTERVAL_S
    shedding.LEAST_EASE = EASE
    eyes.main([parent])


if __name__ == "__main__":
    main()
