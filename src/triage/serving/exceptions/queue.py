"""Exceptions that are open now: those of the log, and those that came in since."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice
from typing import Final, Protocol

from triage.domain.clock import from_micros, to_micros
from triage.domain.records import ExceptionEvent, ExceptionPhase, Order, Record
from triage.models.exceptions import ExceptionModel
from triage.serving.exceptions.desk import Case, ExceptionDesk

_KEPT: Final = 10_000


class KnowsOrders(Protocol):
    """Knows orders that came in after the log was read."""

    def order_of(self, order_id: str | None) -> Order | None:
        """Return such an order; None for any other."""


@dataclass(slots=True, eq=False)
class Raised:
    """An exception as it was raised.

    Attributes:
        event: the record that raised it.
        order: gives its order, where that was known when it was raised.
        case: as it is classified; None until it is.
        again: when a record said last that it is still open, UTC micros; 0 if none did since.
    """

    event: ExceptionEvent
    order: Callable[[], Order | None] | None = None
    case: Case | None = None
    again: int = 0


class ExceptionQueue:
    """What nobody has closed yet, each with the class that the model gives it.

    What is open as a service starts is classified when somebody looks, or beside requests.

    Args:
        desk: classifies exceptions.

    Attributes:
        desk: the same.
        version: rises with every exception that is raised or closed.
        came: what was raised since the log was read, oldest first; the newest ten thousand.
    """

    def __init__(self, desk: ExceptionDesk) -> None:
        self.desk = desk
        self._raised = {name: Raised(desk.event_of(name)) for name in desk.open_ids}
        self._of_order: dict[str, list[str]] = {}
        for name, raised in self._raised.items():
            self._point(name, raised)
        self._open: dict[str, Case] | None = None
        self.version = 0
        self.came: deque[Raised] = deque(maxlen=_KEPT)

    @property
    def open(self) -> dict[str, Case]:
        """Return cases by id, in the sequence in which they were raised."""
        if self._open is None:
            self._open = {name: self._case(raised) for name, raised in self._raised.items()}
        return self._open

    def note(self, record: Record, orders: KnowsOrders | None = None) -> None:
        """Take in a record that became known; only what raises or closes an exception counts.

        Args:
            record: the record.
            orders: knows the order that it names, if the log that the desk has read does not.
        """
        raised = self.recall(record, orders)
        if raised is not None:
            self._case(raised)

    def recall(self, record: Record, orders: KnowsOrders | None = None) -> Raised | None:
        """Take in a record as `note` does, and leave what it raises to be classified later."""
        if not isinstance(record, ExceptionEvent):
            return None
        self.version += 1
        name = record.exception_id
        if record.phase is not ExceptionPhase.RAISED:
            self._close(name)
        elif name not in self._raised and not self.desk.is_closed(name):
            order = None if orders is None else partial(orders.order_of, record.order_id)
            raised = self._raised[name] = Raised(record, order)
            self._open = None
            self._point(name, raised)
            self.came.append(raised)
            return raised
        elif (known := self._raised.get(name)) is not None:
            known.again = max(known.again, to_micros(record.record_time))
        return None

    def raised_at(self, exception_id: str) -> int:
        """Return when the record said last that an exception is open, UTC micros; 0 if it is not.

        Its source may raise one again that it has not closed: then it goes on.
        """
        raised = self._raised.get(exception_id)
        if raised is None:
            return 0
        return max(raised.again, to_micros(raised.event.record_time))

    def classify(self, since: int, most: int) -> int:
        """Classify some of what waits for it: what is open, then what was raised since a moment.

        Args:
            since: UTC micros of event_time.
            most: how many.

        Returns:
            How many were classified; fewer than `most` if nothing waits any more.
        """
        moment = from_micros(since)
        recent = (each for each in reversed(self.came) if each.event.event_time >= moment)
        waiting = (each for each in chain(self._raised.values(), recent) if each.case is None)
        chosen = list(islice(waiting, most))
        for raised in chosen:
            self._case(raised)
        return len(chosen)

    def of_order(self, order_id: str) -> list[Case]:
        """Return the open exceptions of an order, oldest first."""
        return [self._case(self._raised[name]) for name in self._of_order.get(order_id, ())]

    def take_over(self, model: ExceptionModel, version: str) -> None:
        """Let another model classify from now on; what is open is classified anew when looked at.

        Args:
            model: classifies.
            version: its version in the registry.
        """
        self.desk.take_over(model, version)
        for raised in chain(self._raised.values(), self.came):
            raised.case = None
        self._open = None
        self.version += 1

    def _case(self, raised: Raised) -> Case:
        if raised.case is None:
            order = None if raised.order is None else raised.order()
            raised.case = self.desk.of_event(raised.event, order)
        return raised.case

    def _point(self, name: str, raised: Raised) -> None:
        if raised.event.order_id is not None:
            self._of_order.setdefault(raised.event.order_id, []).append(name)

    def _close(self, name: str) -> None:
        raised = self._raised.pop(name, None)
        self.desk.close(name)
        if raised is not None:
            self._open = None
            if raised.event.order_id is not None:
                self._of_order[raised.event.order_id].remove(name)
