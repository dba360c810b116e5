"""Everything that can go wrong by name, in one place, so that a caller can say what it expects."""

from pathlib import Path


class SiteWardenError(Exception):
    """The root of all errors that SiteWarden raises on purpose."""


class ConfigurationError(SiteWardenError):
    """A file that people write cannot be meant so; says where it stands and how to mend it."""

    def __init__(self, file: Path, line: int, field: str, message: str, mend: str) -> None:
        """`line` counts from 1, 0 is the whole file; `field` is dotted, such as `points.load.register`."""
        self.file, self.line, self.field, self.message, self.mend = file, line, field, message, mend
        where = f"{file}:{line}" if line else str(file)
        super().__init__(f"{where}: {field}: {message}. {mend}" if field else f"{where}: {message}. {mend}")


class MessageError(SiteWardenError):
    """A message on the wire that cannot be understood; `reason` is the word it is counted under."""

    def __init__(self, reason: str, detail: str) -> None:
        """`reason` is one of `garbage`, `version`, `oversized`, `topic`; `detail` is for people."""
        self.reason, self.detail = reason, detail
        super().__init__(f"{reason}: {detail}")


class UsageError(SiteWardenError):
    """A command line that does not say enough, or too much."""


class UnreachableError(SiteWardenError):
    """A server that a command needs (broker, database, device) does not answer."""
