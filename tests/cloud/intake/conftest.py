"""A province with two counties, `demo` in the first and `north` in the second."""

from tests.cloud.registry.test_scope import trees

__all__ = ["trees"]
