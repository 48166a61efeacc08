"""What exceptions an order had: raised and closed, of the log and since."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from triage.domain.clock import to_micros
from triage.domain.records import ExceptionEvent, Record
from triage.history.tables import History


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
        self._table = named.sort_values("order_id", kind="stable").reset_index(drop=True)
        self._orders = self._table["order_id"].to_numpy(object)
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
        found = [_told(row) for row in self._table.iloc[low:high].to_dict("records")]
        found += self._added.get(order_id, ())
        return sorted(found, key=lambda each: each.known)


def _told(row: Mapping[Any, Any]) -> Told:
    said = next((row[name] for name in ("text", "disposition") if isinstance(row[name], str)), "")
    return Told(
        row["exception_id"], row["phase"], row["event_time"], row["record_time"], said
    )  # fmt: skip
