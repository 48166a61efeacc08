"""How old what we know is: when the newest record of each kind became known."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from triage.advice.policy import FeedName
from triage.domain.clock import MICROS_PER_HOUR, to_micros
from triage.domain.records import (
    ExceptionEvent,
    InboundSupply,
    InventoryPosition,
    Milestone,
    Order,
    Record,
    Staffing,
    kind_of,
)
from triage.history.tables import History

_FEEDS: Final[dict[type[Record], FeedName]] = {
    Milestone: "milestones", InventoryPosition: "positions", Order: "orders",
    ExceptionEvent: "exceptions", InboundSupply: "supplies", Staffing: "staffing",
}  # fmt: skip


class Feeds:
    """The newest record of each feed, kept up with events.

    Args:
        history: the log, if there is one; a feed of which it holds nothing has no age until a
            record comes.

    Attributes:
        newest: record time of the newest record by feed, UTC micros.
    """

    def __init__(self, history: History | None = None) -> None:
        self.newest: dict[str, int] = {}
        parts = () if history is None else history.parts or (history,)
        for part in parts:
            for name in _FEEDS.values():
                table = getattr(part, name)
                if len(table):
                    known = int(table["record_time"].max())
                    self.newest[name] = max(known, self.newest.get(name, known))

    def note(self, record: Record) -> None:
        """Take in one record."""
        name = _FEEDS[kind_of(record)]
        known = to_micros(record.record_time)
        self.newest[name] = max(known, self.newest.get(name, known))

    def stale(self, now: int, hours_of: Callable[[str], float]) -> tuple[str, ...]:
        """Return the feeds whose newest record was so many hours old at a moment, or older."""
        return tuple(
            sorted(
                name
                for name, known in self.newest.items()
                if known <= now - hours_of(name) * MICROS_PER_HOUR
            )
        )

    def ages(self, now: int) -> dict[str, float]:
        """Return seconds since the newest record of each feed; 0 if it is from later than now."""
        return {name: max(0.0, (now - known) / 1e6) for name, known in self.newest.items()}
