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
)
from triage.history.tables import History

_FEEDS: Final[tuple[tuple[type, str], ...]] = (
    (Milestone, "milestones"), (InventoryPosition, "positions"), (Order, "orders"),
    (ExceptionEvent, "exceptions"), (InboundSupply, "supplies"),
)  # fmt: skip


class Feeds:
    """The newest record of each feed, kept up with events.

    Args:
        history: the log; a feed of which it holds nothing has no age until a record comes.

    Attributes:
        newest: record time of the newest record by feed, UTC micros.
    """

    def __init__(self, history: History) -> None:
        tables = {name: getattr(history, name) for _, name in _FEEDS}
        self.newest = {
            name: int(table["record_time"].max()) for name, table in tables.items() if len(table)
        }

    def note(self, record: Record) -> None:
        """Take in one record."""
        name = next(name for kind, name in _FEEDS if isinstance(record, kind))
        known = to_micros(record.record_time)
        self.newest[name] = max(known, self.newest.get(name, known))

    def ages(self, now: int) -> dict[str, float]:
        """Return seconds since the newest record of each feed; 0 if it is from later than now."""
        return {name: max(0.0, (now - known) / 1e6) for name, known in self.newest.items()}
