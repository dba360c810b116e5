"""A test that is left out must be seen: one place says why, or fails where everything is required."""

import os
from typing import NoReturn

import pytest

REQUIRE_ALL = "SITEWARDEN_REQUIRE_ALL"


def everything_is_required() -> bool:
    """True where a left-out test counts as a failure (the project's own checks set this)."""
    return os.environ.get(REQUIRE_ALL) == "1"


def leave_out(reason: str) -> NoReturn:
    """Skip the running test with its reason, or fail it where everything is required."""
    if everything_is_required():
        pytest.fail(f"{reason}; {REQUIRE_ALL}=1 allows no test to be left out", pytrace=False)
    pytest.skip(reason)


OPTIONAL = "optional: "


def leave_out_optional(reason: str) -> NoReturn:
    """Skip the running test for want of something that the project's own checks do not install either.

    It is listed with its reason like every other test left out, and fails no run.
    """
    pytest.skip(OPTIONAL + reason)
