"""What a service knows as it starts: the log and every event, read at once, not one by one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from triage.history.came import Came, Ints, joined
from triage.history.log import Log
from triage.history.objects import exceptions_in
from triage.history.tables import History
from triage.serving.event_log import event_documents
from triage.serving.exceptions.queue import ExceptionQueue, KnowsOrders
from triage.serving.exceptions.raised import RaisedExceptions


@dataclass(frozen=True, slots=True)
class Known:
    """The log with the events that came since.

    Attributes:
        history: both as one; see `came.joined`.
        events: number of the newest event that it holds.
        seen: what makes each of its events unique.
        orders_before: (exceptions that came,) how many orders had come before each.
    """

    history: History
    events: int
    seen: set[bytes]
    orders_before: Ints

    @classmethod
    def of(cls, home: Path) -> Known:
        """Read log and events of a home.

        Raises:
            HistoryError: if there is no log, or an event cannot be read by this version.
            DamagedJournalError: if the events are damaged.
        """
        return cls.since(Log(home).read(), home)

    @classmethod
    def since(cls, log: History, home: Path) -> Known:
        """Read the events of a home, and join them to a log.

        Raises:
            HistoryError: if an event cannot be read by this version.
            DamagedJournalError: if the events are damaged.
        """
        came = event_documents(home)
        history = joined(log, Came.of(came.of_kind)) if came.last else log
        before = np.array(came.orders_before, dtype=np.int64)
        return cls(history, came.last, came.seen, before)

    def recall(
        self, raised: RaisedExceptions, queue: ExceptionQueue | None, orders: KnowsOrders
    ) -> None:
        """Tell those who know the log's exceptions of the ones that came as events.

        Args:
            raised: knows what exceptions each order had.
            queue: open exceptions, if there is a model of them.
            orders: gives orders (see `queue.KnowsOrders`).
        """
        if self.history.parts is None:
            return
        log, came = self.history.parts
        came_at = {name: at for at, name in reversed(list(enumerate(came.orders["order_id"])))}
        held = set(log.orders["order_id"])
        for record, before in zip(
            exceptions_in(came.exceptions), self.orders_before.tolist(), strict=True
        ):
            raised.note(record)
            name = record.order_id
            known = name in held or came_at.get(name, before) < before
            if queue is not None:
                queue.recall(record, orders if known else None)
