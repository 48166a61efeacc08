"""Who has an order or an exception open now: kept in memory only, forgotten within a minute."""

from __future__ import annotations

from triage.domain.clock import MICROS_PER_MINUTE

_HERE = 3 * MICROS_PER_MINUTE // 4
"""A page that is open says so every 15 seconds; who was not heard of for this long has left."""


class Presence:
    """People, and the orders and exceptions that they look at."""

    def __init__(self) -> None:
        self._seen: dict[str, dict[str, int]] = {}

    def look(self, order_id: str, who: str, now: int) -> list[str]:
        """Note that somebody looks at an order; return who else does, by name.

        Args:
            order_id: the order; the address of an exception.
            who: their name; empty if not known, which is not noted.
            now: UTC micros.
        """
        here = {name: at for name, at in self._seen.get(order_id, {}).items() if now - at < _HERE}
        others = sorted(here.keys() - {who}, key=str.casefold)
        if who:
            here[who] = now
        if here:
            self._seen[order_id] = here
        self._forget(now)
        return others

    def _forget(self, now: int) -> None:
        """Drop the order that was noted first if nobody looks at it any more."""
        first = next(iter(self._seen), None)
        if first is not None and all(now - at >= _HERE for at in self._seen[first].values()):
            del self._seen[first]
