"""Named places of the alarm path at which a test has the agent die, as a power cut would have it.

Nothing but an environment variable arms one; unarmed, a place costs a comparison.
"""

import os
import signal

VARIABLE = "SITEWARDEN_DIE_AT"

PLACES = (
    "reading-taken",
    "alarm-judged",
    "alarm-sounded",
    "alarm-queued",
    "alarm-inserted",
    "alarm-committed",
    "alarm-sending",
    "alarm-accepted",
    "receipt-heard",
    "receipt-deleting",
    "receipt-deleted",
    "alarms-resumed",
)
"""In the order in which an alarm passes them; the last one at the next start."""

_ARMED = os.environ.get(VARIABLE, "")


def reach(place: str) -> None:
    """Die here, at once and without a word, where that was asked for."""
    if place == _ARMED:
        os.kill(os.getpid(), signal.SIGKILL)
