"""What both kinds of chains ask when they keep a signature; without the web, for ingest reads them too."""

import contextlib
from collections.abc import Iterator

import psycopg


class KeyEndedError(Exception):
    """The key was ended after it had been opened: nothing is signed with it any more."""


@contextlib.contextmanager
def keeping_signature() -> Iterator[None]:
    """Around the insert of a signature; raises `KeyEndedError`.

    The database refuses alike what is not of whoever acted; but nobody opens the key of another.
    """
    try:
        yield
    except psycopg.errors.IntegrityConstraintViolation as exc:
        raise KeyEndedError from exc
