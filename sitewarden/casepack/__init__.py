"""Case packs (案例包): a piece of history with its rules and the alarms they must give, in one file.

Needs numpy and pyarrow, so nothing that a gateway runs imports it.
"""

from sitewarden.casepack.files import BadPackError, open_pack, write_pack
from sitewarden.casepack.model import CasePack, Manifest
from sitewarden.casepack.running import Outcome, run_pack

__all__ = [
    "BadPackError",
    "CasePack",
    "Manifest",
    "Outcome",
    "open_pack",
    "run_pack",
    "write_pack",
]
