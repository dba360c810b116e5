"""How the cloud's processes log: one line an event on standard error, a traceback included."""

import datetime as dt
import json
import logging
import re
import sys
from collections.abc import Iterator
from typing import Any, Literal

Style = Literal["text", "json"]
_FIELD = re.compile(r"(?:(?P<name>\w+)=)?(?P<how>%[-+ #0]*\d*(?:\.\d+)?[a-zA-Z%])")
_PLAIN = (bool, int, float, type(None))


class OneLine(logging.Formatter):
    """Line breaks, as a traceback or a stranger's text has them, become ` | `."""

    def format(self, record: logging.LogRecord) -> str:
        """The event on one line."""
        return " | ".join(line for line in super().format(record).splitlines() if line.strip())


class Json(logging.Formatter):
    """One JSON object an event. What its text names as `name=…` becomes a field, the rest is the event.

    So `log.warning("queue full lane=%s turned_away=%d", …)` is the event `queue full`, whatever its values
    are, and can be looked for and counted.
    """

    def __init__(self, process: str) -> None:
        """`process` stands in every object."""
        super().__init__()
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        """The event as one line of JSON."""
        event, fields = _told(record)
        if record.exc_info and record.exc_info[0] is not None:
            fields["traceback"] = self.formatException(record.exc_info)
        said = {
            "at": dt.datetime.fromtimestamp(record.created, dt.UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "process": self._process,
            "event": event,
            "fields": fields,
        }
        return json.dumps(said, ensure_ascii=False, default=str)


def set_up(process: str, style: Style = "text") -> None:
    """Log from now on; `process` stands in every line, for several write to one terminal."""
    handler = logging.StreamHandler(sys.stderr)
    text = OneLine(f"%(asctime)s {process} %(levelname)s %(message)s")
    handler.setFormatter(Json(process) if style == "json" else text)
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    for chatty in ("uvicorn", "psycopg.pool"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


def _told(record: logging.LogRecord) -> tuple[str, dict[str, Any]]:
    if not isinstance(record.msg, str) or not isinstance(record.args, tuple):
        return record.getMessage(), {}
    values = iter(record.args)
    fields: dict[str, Any] = {}
    try:
        event = "".join(_event(record.msg, values, fields))
    except (StopIteration, RuntimeError, TypeError, ValueError):
        # Whoever wrote it meant something else than we do: it is told as it would be in text.
        return record.getMessage(), {}
    return " ".join(event.split()), fields


def _event(template: str, values: Iterator[object], fields: dict[str, Any]) -> Iterator[str]:
    end = 0
    for found in _FIELD.finditer(template):
        yield template[end : found.start()]
        end = found.end()
        if found["how"] == "%%":
            yield f"{found['name']}=%" if found["name"] else "%"
            continue
        value = next(values)
        if found["name"] is None:
            yield found["how"] % (value,)
        else:
            fields[found["name"]] = value if isinstance(value, _PLAIN) else found["how"] % (value,)
    yield template[end:]
