"""When to ask a gateway for its birth, and when its answer is in."""

from cloud.ingest.model import GatewayKey
from cloud.sites.registry import GatewayEntry

INTERVAL_MS = 5_000
"""A gateway is asked at most once in this time, however many messages wait for its birth."""
_REMEMBERED = 10_000
"""Questions; beyond it all are forgotten and asked again, so that a flood of boots costs no memory."""


class Rebirths:
    """Remembers about which boots it asked whom, and since when."""

    def __init__(self) -> None:
        """Nobody asked yet."""
        self._asked_ms: dict[tuple[GatewayKey, str], int] = {}
        self._last_ms: dict[GatewayKey, int] = {}

    def wonder(self, key: GatewayKey, boot: str, now_ms: int) -> None:
        """A record of that boot names a point that nobody has announced."""
        if len(self._asked_ms) >= _REMEMBERED:
            self._asked_ms.clear()
        self._asked_ms.setdefault((key, boot), now_ms)

    def is_answered(self, key: GatewayKey, boot: str, entry: GatewayEntry) -> bool:
        """Whether a birth has come since we wondered; what is unknown even then will stay so."""
        asked_ms = self._asked_ms.get((key, boot))
        return asked_ms is not None and entry.birth_received_ms > asked_ms

    def is_due(self, key: GatewayKey, now_ms: int) -> bool:
        """Whether to send the question now; noted as sent if so."""
        if now_ms - self._last_ms.get(key, now_ms - INTERVAL_MS) < INTERVAL_MS:
            return False
        if len(self._last_ms) >= _REMEMBERED:
            self._last_ms.clear()
        self._last_ms[key] = now_ms
        return True
