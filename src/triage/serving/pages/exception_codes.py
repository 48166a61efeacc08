"""Which orders have an open exception of which class, by people's word or else by the model's."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from triage.serving.exceptions.correcting import Corrections
from triage.serving.exceptions.queue import ExceptionQueue

OrdersByCode = Mapping[str, frozenset[str]]


class ExceptionCodes:
    """Looks it up anew when an exception is raised, closed or corrected, and not before."""

    def __init__(self) -> None:
        self._version = (-1, -1)
        self._orders: OrdersByCode = {}

    def of(self, queue: ExceptionQueue | None, said: Corrections | None) -> OrdersByCode:
        """Return the orders by the codes of their open exceptions; none without a queue.

        As long as nothing changed it is the same object.

        Args:
            queue: open exceptions, each with the model's class.
            said: what people said exceptions are.
        """
        if queue is None:
            return self._orders
        version = (queue.version, 0 if said is None else said.version)
        if version != self._version:
            found: defaultdict[str, set[str]] = defaultdict(set)
            for name, case in queue.open.items():
                order_id = case.event.order_id
                told = None if said is None else said.standing(name)
                if order_id is not None:
                    code = queue.desk.code_of(case.answer) if told is None else told.code
                    found[code].add(order_id)
            self._version = version
            self._orders = {code: frozenset(own) for code, own in found.items()}
        return self._orders
