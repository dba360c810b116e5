"""What the doctor says: for each check how it came out, why it matters, and what mends it."""

from typing import Literal

import msgspec

Status = Literal["ok", "note", "unknown", "finding", "unreachable"]
"""A note is only worth knowing; `unknown` is said where nothing could be looked at."""


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """How one check came out."""

    check: str
    """The check's name; it stays the same over versions."""
    subject: str = ""
    """What was looked at, where there may be several: a bus, a file, a lane."""
    status: Status
    what: str
    why: str
    """Why anybody should care."""
    mend: str = ""
    """The command or the edit that mends it; of what is unknown, the one that would let it be known."""


class Check(msgspec.Struct, frozen=True):
    """Something that the doctor looks at."""

    name: str
    looks_at: str
    why: str

    def ok(self, what: str, *, subject: str = "") -> Result:
        """It is as it should be."""
        return self._result("ok", what, "", subject)

    def note(self, what: str, *, subject: str = "") -> Result:
        """It may be meant so, and is worth knowing."""
        return self._result("note", what, "", subject)

    def unknown(self, what: str, mend: str = "", *, subject: str = "") -> Result:
        """It could not be looked at."""
        return self._result("unknown", what, mend, subject)

    def finding(self, what: str, mend: str, *, subject: str = "") -> Result:
        """It is not as it should be."""
        return self._result("finding", what, mend, subject)

    def unreachable(self, what: str, mend: str, *, subject: str = "") -> Result:
        """A server that must be there does not answer."""
        return self._result("unreachable", what, mend, subject)

    def _result(self, status: Status, what: str, mend: str, subject: str) -> Result:
        return Result(check=self.name, subject=subject, status=status, what=what, why=self.why, mend=mend)
