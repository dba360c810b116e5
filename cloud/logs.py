"""How the cloud's processes log: one line an event on standard error, a traceback included."""

import logging
import sys


class OneLine(logging.Formatter):
    """Line breaks, as a traceback or a stranger's text has them, become ` | `."""

    def format(self, record: logging.LogRecord) -> str:
        """The event on one line."""
        return " | ".join(line for line in super().format(record).splitlines() if line.strip())


def set_up(process: str) -> None:
    """Log from now on; `process` stands in every line, for several write to one terminal."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(OneLine(f"%(asctime)s {process} %(levelname)s %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    for chatty in ("uvicorn", "psycopg.pool"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
