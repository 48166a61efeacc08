"""How old what we know is: when the newest record of each kind became known."""

from __future__ import annotations

from typing import Final

from triage.domain.clock import to_micros
from triage.domain.records import (
    ExceptionEvent,
    InboundSupply,
    InventoryPosition,
    Milestone,
    Order,
    Record,
    kind_of,
)
from triage.history.tables import History

_FEEDS: Final[dict[type[Record], str]] = {
    Milestone: "milestones", InventoryPosition: "positions", Order: "orders",
    ExceptionEvent: "exceptions", InboundSupply: "supplies",
}  # fmt: skip


class Feeds:
    """The newest record of each feed, kept up with events.

    Args:
        history: the log; a feed of which it holds nothing has no age until a record comes.

    Attributes:
        newest: record time of the newest record by feed, UTC micros.
    """

    def __init__(self, history: History) -> None:
        self.newest: dict[str, int] = {}
        for part in (history,) if history.parts is None else history.parts:
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

    def ages(self, now: int) -> dict[str, float]:
        """Return seconds since the newest record of each feed; 0 if it is from later than now."""
        return {name: max(0.0, (now - known) / 1e6) for name, known in self.newest.items()}
