"""Build hook: the built web pages travel in the wheel; a checkout serves them from where they are built."""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PAGES = Path("dashboards/web/dist")


class PagesHook(BuildHookInterface[Any]):
    """Puts the pages beside the cloud's code, where they have been built.

    A gateway needs no pages, so their absence is said and does not stop the build; an editable install
    must not carry a copy, which would be stale after the next change.
    """

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called by hatchling before it collects the wheel's files."""
        if version == "editable":
            return
        if not (Path(self.root) / PAGES / "index.html").is_file():
            self.app.display_warning(
                f"{PAGES} is not built: this wheel shows no web pages (make pages builds them)"
            )
            return
        build_data["force_include"][str(PAGES)] = "cloud/web"
