"""The gateway as a device beside those that it reads: rules judge what it says of its own clock."""

from sitewarden.messages import PointBirth
from sitewarden.profiles import Profile
from sitewarden.readings import Reading
from sitewarden.text import Text

PACK = "gateway"
"""The shipped rules on what a gateway says of itself; they hold without being named."""
TELL_MS = 60_000
"""So often it says that its clock was not set meanwhile: by that an alarm ends."""
KIND = "gateway."
"""All its kinds begin so."""
STEP, FIRST_SET = "clock_step", "clock_first_set"
KINDS = {STEP: "gateway.clock_step", FIRST_SET: "gateway.clock_first_set"}

PROFILE = Profile(
    profile="gateway",
    version=1,
    device_kind="other",
    products=[],
    source="SiteWarden itself",
    verified="site",
    groups={},
    points={},
)
"""Of a device that nobody reads over a wire: it has points and no registers."""


def label_of(gateway: str) -> Text:
    """What people call it."""
    return Text(f"网关 {gateway}", f"Gateway {gateway}")


def points_of(gateway: str) -> tuple[PointBirth, ...]:
    """All that it says of itself."""
    return tuple(
        PointBirth(p=f"{gateway}/{key}", kind=kind, stale_after_ms=3 * TELL_MS) for key, kind in KINDS.items()
    )


def clock_readings(gateway: str, at_ms: int, moved_ms: int = 0, *, is_first: bool = False) -> list[Reading]:
    """By how much the clock was set just now, in seconds: all at once in the one point, 0 in the other."""
    moved_s = moved_ms / 1000
    said = {STEP: 0.0 if is_first else moved_s, FIRST_SET: moved_s if is_first else 0.0}
    return [Reading(f"{gateway}/{key}", at_ms, value) for key, value in said.items()]
