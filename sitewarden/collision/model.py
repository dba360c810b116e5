"""What the geometry is told: how a crane is built, how it brakes, where it is, and what stands around it."""

import math
from typing import Annotated, NamedTuple

import msgspec

from sitewarden.text import Text

Metres = Annotated[float, msgspec.Meta(description="a number of metres")]
Length = Annotated[float, msgspec.Meta(ge=0, description="metres, 0 or more")]
Positive = Annotated[float, msgspec.Meta(gt=0, description="a number above 0")]
Seconds = Annotated[float, msgspec.Meta(ge=0, le=60, description="seconds, 0 to 60")]
Corner = tuple[Metres, Metres]
"""x (east) and y (north) on the site's grid."""

PARTS = ("jib", "counter-jib", "mast", "rope", "load")
PART_LABELS = (
    Text("起重臂", "jib"),
    Text("平衡臂", "counter-jib"),
    Text("塔身", "mast"),
    Text("起升钢丝绳", "hoist rope"),
    Text("吊钩和吊物", "hook and load"),
)


class _Checked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """It does not change, and it knows its keys."""


class CraneBuild(_Checked, frozen=True, kw_only=True):
    """The body of a tower crane with a level jib; heights are above the crane's own base."""

    jib_bottom_m: Positive
    """The lowest part of jib and trolley."""
    jib_top_m: Positive
    """The highest part of the jib; with tie bars their highest point, for the jib counts as high as that."""
    jib_width_m: Length
    counter_jib_bottom_m: Positive
    """The lowest part of counter-jib and counterweight."""
    counter_jib_top_m: Positive
    counter_jib_width_m: Length
    apex_m: Positive
    """The highest part of the crane."""
    mast_width_m: Length
    hook_block_m: Length
    """How far the block reaches below the height that the hook's sensor gives."""
    load_height_m: Length
    """Slings and the tallest load, below the block."""
    load_width_m: Length
    """The widest load across, with its swing."""


class Braking(_Checked, frozen=True, kw_only=True):
    """How a crane comes to a stand, by its maker or measured; the look-ahead is worth what these are."""

    reaction_s: Seconds
    """From the alarm to the brake: the driver, and half a second by which measured speeds lag."""
    slew_deg_s2: Positive
    trolley_m_s2: Positive
    hoist_m_s2: Positive


class Crane(_Checked, frozen=True, kw_only=True):
    """A crane of a group, where it stands and how it is built."""

    name: str
    label: Text
    x_m: Metres
    y_m: Metres
    ground_m: Metres
    """Of its base, above the zero of the site's grid."""
    jib_m: Positive
    counter_jib_m: Length
    build: CraneBuild
    braking: Braking

    @property
    def reach_m(self) -> float:
        """The farthest that any part of it comes from the middle of its mast."""
        build = self.build
        jib = self.jib_m + max(build.jib_width_m, build.load_width_m) / 2
        return max(jib, self.counter_jib_m + build.counter_jib_width_m / 2)


class Structure(_Checked, frozen=True, kw_only=True, tag_field="kind", tag="structure"):
    """A building or other structure that no part of a crane may come near: an upright prism.

    What a crane works on is none, or every load that is set down would be an alarm.
    """

    obstacle: str
    label: Text | None = None
    outline_m: list[Corner]
    bottom_m: Metres = 0.0
    """Above the zero of the site's grid, as `top_m`."""
    top_m: Metres


class ForbiddenZone(_Checked, frozen=True, kw_only=True, tag_field="kind", tag="forbidden-zone"):
    """Where neither hook nor load may be; the jib may pass over it."""

    obstacle: str
    label: Text | None = None
    outline_m: list[Corner]
    top_m: Metres | None = None
    """Above it a load may pass, in metres above the zero of the site's grid; left out, never."""


class Wire(NamedTuple):
    """A point of a power line: where it is, its lowest wire with its sag, its highest wire."""

    x_m: float
    y_m: float
    lowest_m: float
    highest_m: float


class Clearance(_Checked, frozen=True, kw_only=True):
    """What every part of a crane must keep from a power line: upright or sideways, one of both is enough."""

    vertical_m: Positive
    horizontal_m: Positive


class PowerLine(_Checked, frozen=True, kw_only=True, tag_field="kind", tag="power-line"):
    """An overhead line; between two points the lower lowest and the higher highest wire count."""

    obstacle: str
    label: Text | None = None
    kilovolts: Positive
    points_m: list[tuple[Metres, Metres, Metres, Metres]]
    """x, y, height of the lowest wire (with its sag), height of the highest; above the grid's zero."""
    half_width_m: Length
    """From the middle to the outermost wire, with its swing in the wind."""
    clearance: Clearance | None = None
    """What the line's owner or the plan asks for; it wins over the table."""


Obstacle = Structure | ForbiddenZone | PowerLine


class Pose(NamedTuple):
    """Where a crane is and how fast it moves, at one instant."""

    at_ms: int
    slew_deg: float
    """0 is the +y of the site's grid, clockwise positive."""
    radius_m: float
    """Of the trolley, from the middle of the mast."""
    hook_m: float
    """Above the crane's own base."""
    slew_deg_s: float = 0.0
    trolley_m_s: float = 0.0
    """Outwards positive."""
    hoist_m_s: float = 0.0
    """Upwards positive."""


class Member(NamedTuple):
    """A crane of a group and where its pose comes from."""

    crane: Crane
    points: tuple[str, ...]
    """Of the kinds in `track.INPUTS`, in that order."""
    max_age_ms: int
    """An older pose is not judged by, and inputs farther apart make none."""
    window_ms: int
    """Over which speeds are measured."""


class Judged(NamedTuple):
    """What the rules on a distance make of it; on one without a rule nothing is near and all is back."""

    beyond_m: float = -math.inf
    """At or below it every rule's limit is passed: such a distance can clear nothing."""
    back_m: float = 0.0
    """Above it every rule's alarm may clear."""


class Around(NamedTuple):
    """What stands around the cranes, sorted."""

    structures: tuple[Structure, ...] = ()
    zones: tuple[ForbiddenZone, ...] = ()
    lines: tuple[tuple[PowerLine, Clearance], ...] = ()
    """Each with the clearance that holds for it."""
