"""How much one caller may ask of the interface: generous for people, too little for a program run wild."""

from cloud.accounts.service import Tries, clock_s
from cloud.problems import ProblemError
from cloud.settings import Limits


class Rates:
    """Counted by account or token where somebody is signed in, else by address; both in bounded memory."""

    def __init__(self, limits: Limits | None = None) -> None:
        """Of one process."""
        given = limits or Limits()
        self._signed = Tries(given.signed_in.burst, 1 / given.signed_in.per_second)
        self._strangers = Tries(given.stranger.burst, 1 / given.stranger.per_second)

    def count_signed(self, who: str) -> None:
        """One request of an account or a token; 429 where it is one too many."""
        _count(self._signed, who)

    def count_stranger(self, address: str) -> None:
        """One request of an address at which nobody is signed in."""
        _count(self._strangers, address)


def _count(tries: Tries, who: str) -> None:
    try:
        tries.take(who, clock_s())
    except ProblemError as exc:
        detail = "Ask less often; the header Retry-After says when again."
        raise ProblemError(429, "too-many-requests", "Too many requests", detail, exc.headers) from exc
