"""At which level an authority is that inspects, by the kind of its node in the territory tree. Pure."""

from collections.abc import Mapping
from typing import Final

from cloud.inspections.model import InspectionLevel

LEVELS: Final[Mapping[str, InspectionLevel]] = {
    "province": "province",
    "prefecture": "prefecture",
    "city": "prefecture",
    "county": "county",
    "park": "county",
    "township": "township",
    "street": "township",
    "town": "township",
    "grid": "township",
}
"""What people call their nodes is theirs to say: of any other kind the level is not known."""
