"""Exceptions that are open now: those of the log, and those that came in since."""

from __future__ import annotations

from collections import deque
from typing import Final, Protocol

from triage.domain.records import ExceptionEvent, ExceptionPhase, Order, Record
from triage.serving.exceptions.desk import Case, ExceptionDesk

_KEPT: Final = 10_000


class KnowsOrders(Protocol):
    """Knows orders that came in after the log was read."""

    def order_of(self, order_id: str | None) -> Order | None:
        """Return such an order; None for any other."""


class ExceptionQueue:
    """What nobody has closed yet, each with the class that the model gives it.

    Args:
        desk: classifies exceptions.

    Attributes:
        desk: the same.
        open: cases by id, in the sequence in which they were raised.
        version: rises with every exception that is raised or closed.
        came: what was raised since the log was read, oldest first; the newest ten thousand.
    """

    def __init__(self, desk: ExceptionDesk) -> None:
        self.desk = desk
        self.open: dict[str, Case] = {name: desk.of_id(name) for name in desk.open_ids}
        self._of_order: dict[str, list[str]] = {}
        for name, case in self.open.items():
            self._point(name, case)
        self.version = 0
        self.came: deque[Case] = deque(maxlen=_KEPT)

    def note(self, record: Record, orders: KnowsOrders | None = None) -> None:
        """Take in a record that became known; only what raises or closes an exception counts.

        Args:
            record: the record.
            orders: knows the order that it names, if the log that the desk has read does not.
        """
        if not isinstance(record, ExceptionEvent):
            return
        self.version += 1
        name = record.exception_id
        if record.phase is not ExceptionPhase.RAISED:
            self._close(name)
        elif name not in self.open and not self.desk.is_closed(name):
            order = None if orders is None else orders.order_of(record.order_id)
            self.open[name] = self.desk.of_event(record, order)
            self._point(name, self.open[name])
            self.came.append(self.open[name])

    def of_order(self, order_id: str) -> list[Case]:
        """Return the open exceptions of an order, oldest first."""
        return [self.open[name] for name in self._of_order.get(order_id, ())]

    def _point(self, name: str, case: Case) -> None:
        if case.event.order_id is not None:
            self._of_order.setdefault(case.event.order_id, []).append(name)

    def _close(self, name: str) -> None:
        case = self.open.pop(name, None)
        self.desk.close(name)
        if case is not None and case.event.order_id is not None:
            self._of_order[case.event.order_id].remove(name)
