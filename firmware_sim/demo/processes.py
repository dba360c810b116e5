"""Programs as processes: started with a log of their own, watched, stopped for certain."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from sitewarden.errors import SiteWardenError

TAIL_LINES = 12


class ProgramDiedError(SiteWardenError):
    """A program ended that should run; the message has the end of its log."""


class Program:
    """One running program and its log file."""

    def __init__(self, name: str, command: list[str], log: Path) -> None:
        """Starts it in a process group of its own: Ctrl-C reaches us alone, and we stop things in order."""
        self.name, self.command, self.log = name, command, log
        with log.open("ab") as out:
            self._process = subprocess.Popen(  # noqa: S603  # our own programs, our own arguments
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True
            )

    @property
    def pid(self) -> int:
        """Its number, by which the system tells what it costs."""
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether it lives."""
        return self._process.poll() is None

    def check(self) -> None:
        """Raises `ProgramDiedError` where it has ended."""
        status = self._process.poll()
        if status is not None:
            raise ProgramDiedError(f"{self.name} ended with status {status}; {self.log} says:\n{self.tail()}")

    def tail(self) -> str:
        """The last lines of its log."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(f"    {line}" for line in lines[-TAIL_LINES:])

    def kill(self) -> None:
        """End it as a power cut would."""
        self._process.kill()
        self._process.wait()

    def stop(self, timeout_s: float) -> bool:
        """End it in good order; whether that did, else it and all it started were killed."""
        if self.is_running:
            self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self._kill_group()
            self._process.wait()
            return False
        except KeyboardInterrupt:  # somebody is in a hurry
            self._kill_group()
            raise
        self._kill_group()  # what it may have left behind
        return True

    def _kill_group(self) -> None:
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except ProcessLookupError:
            return


def sitewarden(*arguments: str | Path) -> list[str]:
    """The command line of one of SiteWarden's programs, in this very environment."""
    script = Path(sys.executable).with_name("sitewarden")
    if script.exists():
        return [str(script), *map(str, arguments)]
    starter = "import sys; from sitewarden.cli import main; sys.exit(main())"
    return [sys.executable, "-c", starter, *map(str, arguments)]
