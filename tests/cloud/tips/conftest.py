"""A province with two counties, `demo` in the first and `north` in the second; people who handle reports."""

import pytest

from tests.cloud.hazards.people import Somebody
from tests.cloud.registry.test_scope import trees

__all__ = ["person", "trees"]


@pytest.fixture
def person(site, web):
    """A person by his role; closed at the end."""
    made = []

    def make(role, *also, name=None, **scope):
        made.append(Somebody(web, site.connection, name or role, role, *also, **scope))
        return made[-1]

    yield make
    for one in made:
        one.client.close()
