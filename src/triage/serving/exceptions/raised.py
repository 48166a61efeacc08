"""What exceptions an order had: raised and closed, of the log and since."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from triage.domain.clock import to_micros
from triage.domain.records import ExceptionEvent, Record
from triage.history.tables import History

_COLUMNS = ("exception_id", "phase", "event_time", "record_time", "said")


@dataclass(frozen=True, slots=True)
class Told:
    """One record of an exception, as its source told it; times are UTC micros.

    Attributes:
        exception_id: the exception.
        phase: "raised" or "resolved".
        event: when it happened.
        known: when it became known.
        text: its message, or the class that was written down; empty if there is none.
    """

    exception_id: str
    phase: str
    event: int
    known: int
    text: str


class RaisedExceptions:
    """Records of exceptions by order, kept up with events.

    Args:
        history: the log.
    """

    def __init__(self, history: History) -> None:
        named = history.exceptions[history.exceptions["order_id"].notna()]
        table = named.sort_values("order_id", kind="stable")
        self._orders = table["order_id"].to_numpy(object)
        said = table["text"].where(table["text"].notna(), table["disposition"])
        table = table.assign(said=said.fillna(""))
        self._columns = [table[name].to_numpy(object) for name in _COLUMNS]
        self._added: dict[str, list[Told]] = {}

    def note(self, record: Record) -> None:
        """Take in one record; only those of exceptions that name an order count."""
        if isinstance(record, ExceptionEvent) and record.order_id is not None:
            told = Told(
                record.exception_id, record.phase.value, to_micros(record.event_time),
                to_micros(record.record_time), record.text or record.disposition or "",
            )  # fmt: skip
            self._added.setdefault(record.order_id, []).append(told)

    def of_order(self, order_id: str) -> list[Told]:
        """Return what is known of the exceptions of an order, by when it became known."""
        low, high = (np.searchsorted(self._orders, order_id, side) for side in ("left", "right"))
        columns = (column[low:high].tolist() for column in self._columns)
        found = [Told(*row) for row in zip(*columns, strict=True)]
        found += self._added.get(order_id, ())
        return sorted(found, key=lambda each: each.known)
