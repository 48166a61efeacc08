"""What changed, told to whoever listens: to streams, which may lose some, and to webhooks."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, Literal

_MOST_WAITING = 1_000
Told = Literal["risk.changed", "order.opened", "order.closed", "exception.opened",
               "exception.resolved", "work.changed", "decision.expired",
               "alarm.raised"]  # fmt: skip
Change = tuple[int, Told, dict[str, Any]]
"""Its number, what it is, and its facts."""
_MOVES_THE_LIST: frozenset[Told] = frozenset({"risk.changed", "order.opened", "order.closed"})


class Changes:
    """Tells listeners what changed; one that is too slow loses the oldest, as the numbers show.

    Attributes:
        last: number of the newest change; 0 before the first.
        moved: number of the newest after which the list is ranked anew.
    """

    def __init__(self, remembered: int = 1_000) -> None:
        self.last = self.moved = 0
        self._past: deque[Change] = deque(maxlen=remembered)
        self._listeners: set[asyncio.Queue[Change]] = set()
        self._takers: list[Callable[[Told, dict[str, Any]], None]] = []

    @property
    def listeners(self) -> int:
        """Return how many listen."""
        return len(self._listeners)

    def tell(self, told: Told, facts: dict[str, Any]) -> None:
        """Tell everybody."""
        self.last += 1
        if told in _MOVES_THE_LIST:
            self.moved = self.last
        change = (self.last, told, facts)
        self._past.append(change)
        for taking in self._takers:
            taking(told, facts)
        for queue in self._listeners:
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(change)

    @contextlib.contextmanager
    def telling(self, taking: Callable[[Told, dict[str, Any]], None]) -> Iterator[None]:
        """Tell something of every change at once, none is left out; it must not raise."""
        self._takers.append(taking)
        try:
            yield
        finally:
            self._takers.remove(taking)

    @contextlib.contextmanager
    def listening(self, after: int | None = None) -> Any:  # noqa: ANN401 - a generator of queues
        """Give a queue of changes, with those since a number that are still remembered.

        A number beyond the newest is of a service before this one: then all of them are given.
        """
        queue: asyncio.Queue[Change] = asyncio.Queue(_MOST_WAITING)
        since = self.last if after is None else after if after <= self.last else 0
        missed = (each for each in self._past if each[0] > since)
        for change in islice(missed, _MOST_WAITING):
            queue.put_nowait(change)
        self._listeners.add(queue)
        try:
            yield queue
        finally:
            self._listeners.discard(queue)
