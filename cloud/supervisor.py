"""Child processes that are started again when they die, and stopped in order."""

import logging
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import IO

log = logging.getLogger(__name__)

_BACK_OFF_S = (0.2, 5.0)
_STEADY_S = 30.0
"""A child that lived so long begins with the shortest back-off again."""
_STOP_S = 10.0

UNTIL_STDIN_CLOSES = "--until-stdin-closes"
"""A child given this ends when its standard input does: also when its supervisor was killed."""


class Child:
    """One program, kept running."""

    def __init__(
        self,
        name: str,
        arguments: Sequence[str],
        *,
        pass_fds: Sequence[int] = (),
        stderr: IO[bytes] | None = None,
    ) -> None:
        """`arguments` of the command `sitewarden`; its log goes to `stderr`, else where ours goes."""
        self._stderr = stderr
        self.name, self._arguments, self._pass_fds = name, list(arguments), tuple(pass_fds)
        self._process: subprocess.Popen[bytes] | None = None
        self._started_s = 0.0
        self._back_off_s = _BACK_OFF_S[0]
        self._due_s = 0.0

    @property
    def pid(self) -> int | None:
        """Its process id while it runs."""
        running = self._process is not None and self._process.poll() is None
        return self._process.pid if running and self._process is not None else None

    def tend(self) -> None:
        """Start it if it does not run and its back-off is over."""
        now_s = time.monotonic()
        if self._process is not None and self._process.poll() is not None:
            _let_go(self._process)
            self._note_death(self._process.returncode, now_s)
        if self._process is None and now_s >= self._due_s:
            self._launch(now_s)

    def stop(self) -> None:
        """End it in good order, and by force where that takes too long."""
        if self._process is None:
            return
        if self._process.poll() is not None:
            _let_go(self._process)
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            log.warning("child does not stop, killing it name=%s", self.name)
            self._process.kill()
            self._process.wait()
        _let_go(self._process)
        log.info("child stopped name=%s", self.name)

    def _note_death(self, code: int, now_s: float) -> None:
        if now_s - self._started_s >= _STEADY_S:
            self._back_off_s = _BACK_OFF_S[0]
        log.error("child died name=%s exit=%d restart_s=%.1f", self.name, code, self._back_off_s)
        self._process, self._due_s = None, now_s + self._back_off_s
        self._back_off_s = min(self._back_off_s * 2, _BACK_OFF_S[1])

    def _launch(self, now_s: float) -> None:
        command = [sys.executable, "-m", "cloud", *self._arguments, UNTIL_STDIN_CLOSES]
        # In a session of its own: Ctrl-C reaches the supervisor alone, which stops its children in order.
        self._process = subprocess.Popen(  # noqa: S603  ourselves
            command,
            stdin=subprocess.PIPE,
            stderr=self._stderr,
            pass_fds=self._pass_fds,
            start_new_session=True,
        )
        self._started_s = now_s
        log.info("child started name=%s pid=%d", self.name, self._process.pid)


def _let_go(ended: subprocess.Popen[bytes]) -> None:
    """Of the pipe to a child that has ended."""
    if ended.stdin is not None:
        ended.stdin.close()
