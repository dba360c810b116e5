"""Where the system's Chromium is; browser tests drive the installed one and download nothing."""

import shutil

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")


def find_chromium() -> str | None:
    """Path of the first Chromium or Chrome on PATH."""
    return next((path for path in map(shutil.which, NAMES) if path), None)
