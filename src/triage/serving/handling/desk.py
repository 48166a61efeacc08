"""Takes what people do with orders, or with exceptions: checked, on the disk, then in force."""

from __future__ import annotations

import asyncio
import heapq
from collections import Counter
from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final, Self
from weakref import WeakValueDictionary

from triage.errors import TriageError
from triage.ledger.entries import Entry
from triage.ledger.ledger import Ledger
from triage.serving.changes import Changes
from triage.serving.handling.batches import Batches
from triage.serving.handling.mentions import names_of
from triage.serving.handling.state import KINDS, About, Act, Action, Handled, Refusal, State
from triage.serving.problems import InvalidInputError

UNTOUCHED = Handled()
LEVELS: Final = MappingProxyType({"first": 0, None: 1, "last": 2})
"""Where an order was put by hand, as a number to sort by."""


class UnknownItemError(TriageError):
    """No such order is on the worklist, and nothing was done with it."""

    status = 404
    slug = "item-not-found"


_SAID: Final[dict[Refusal, str]] = {
    "meanwhile": "somebody acted on it meanwhile: look at it and decide again",
    "nobodys": "it is nobody's",
    "awake": "it is not snoozed",
    "open": "it is not done with",
    "done": "it is done with already",
    "put_away": "it is done with: reopen it first",
    "theirs": "it is theirs already",
    "taken": "somebody has it: send `after` to take it over",
    "undone": "it is undone already: undo that undo to have it back",
    "view_there": "a view of this name is there already: delete it first",
    "views_full": "there are as many views as can be: delete one first",
}


class ConflictError(TriageError):
    """The order or the exception is not as the action needs it."""

    status = 409
    slug = "conflict"

    def __init__(self, why: Refusal) -> None:
        super().__init__(_SAID[why])
        self.why: Refusal = why


@dataclass(frozen=True, slots=True)
class Standing:
    """What the list looks up of all orders at once.

    Attributes:
        version: of the desk when this was looked up.
        away: the orders that may not be open.
        levels: where orders were put by hand: 0 is first, 2 is last.
        owned: orders by whose they are.
    """

    version: int
    away: dict[str, State]
    levels: dict[str, int]
    owned: dict[str, list[str]]

    @classmethod
    def of(cls, version: int, known: Mapping[str, Handled]) -> Self:
        """Look it up."""
        away, levels = {}, {}
        owned: dict[str, list[str]] = {}
        for order_id, handled in known.items():
            state = handled.state
            if state.disposed is not None or state.snooze is not None:
                away[order_id] = state
            if state.put is not None:
                levels[order_id] = LEVELS[state.put.level]
            if state.owner is not None:
                owned.setdefault(state.owner, []).append(order_id)
        return cls(version, away, levels, owned)


class HandlingDesk:
    """What was done with every order, or every exception, in memory as the ledger has it.

    Args:
        ledger: where acts are recorded; it is read whole for them once.
        changes: who is told of what people do; None if nobody listens.
        raised_at: makes it a desk of exceptions: gives when the record said last that one is open,
            UTC micros. A desk of orders has none.

    Attributes:
        orders: by id, each order with which something was done; each exception on a desk of those.
        batches: acts that belong together.
        version: rises with every act.
    """

    def __init__(
        self, ledger: Ledger, changes: Changes | None = None,
        raised_at: Callable[[str], int] | None = None,
    ) -> None:  # fmt: skip
        self._ledger, self._changes, self._raised_at = ledger, changes, raised_at
        self._about: About = "order" if raised_at is None else "exception"
        self.batches = Batches()
        self.version = 0
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        streams = [ledger.entries(kind=kind) for kind in sorted(set(KINDS.values()))]
        acts: dict[str, list[Act]] = {}
        for entry in heapq.merge(*streams, key=lambda each: each.seq):
            for name, act in self._read(entry):
                acts.setdefault(name, []).append(act)
                self.batches.note(name, act)
        self.orders: dict[str, Handled] = {
            order_id: Handled(tuple(told)) for order_id, told in acts.items()
        }
        self._standing = Standing.of(self.version, self.orders)

    def of_order(self, order_id: str) -> Handled:
        """Return what was done with an order; with an exception on a desk of those."""
        handled = self.orders.get(order_id, UNTOUCHED)
        if self._raised_at is None or handled is UNTOUCHED:
            return handled
        return replace(handled, raised_at=self._raised_at(order_id))

    def _read(self, entry: Entry) -> Iterator[tuple[str, Act]]:
        """Give the act of an entry with what it is about; nothing if it is none of this desk's."""
        act = Act.of(entry, self._about)
        name = None if act is None else act.exception_id or entry.order_id
        if act is not None and name is not None:
            yield name, act

    def standing(self) -> Standing:
        """Return what the list looks up, as of the newest act."""
        if self._standing.version != self.version:
            self._standing = Standing.of(self.version, self.orders)
        return self._standing

    def owners(self) -> Counter[str]:
        """Return how many orders that are not done with are whose."""
        states = [handled.state for handled in self.orders.values()]
        return Counter(s.owner for s in states if s.owner is not None and s.disposed is None)

    def mentions(self, person: str, among: Container[str] | None = None) -> int:
        """Return how many orders wait for an answer of somebody to a note.

        Args:
            person: who.
            among: of these only; None for all.
        """
        called = names_of(person)
        return sum(
            bool(handled.state.mentions & called) and (among is None or name in among)
            for name, handled in self.orders.items()
        )

    async def act(
        self, order_id: str, act: Act, after: str | None = None, *, named: str | None = None
    ) -> Act:
        """Record an act; it is on the disk and in force when this returns.

        Args:
            order_id: the order; the exception if the act is about one.
            act: what is done.
            after: id of the newest act that whoever acts has seen, empty if none; None if not said.
            named: the order that the exception names, if it names one.

        Returns:
            The act as it was recorded.

        Raises:
            ConflictError: if the order is not as the act needs it, or somebody acted meanwhile.
            InvalidInputError: if it undoes what was not done with it.
            StoreUnavailableError: if it cannot be recorded.
        """
        turn = self._turns.setdefault(order_id, asyncio.Lock())
        async with turn:
            handled = self.of_order(order_id)
            check(handled, act, after)
            order = order_id if self._about == "order" else named
            future = self._ledger.record_async(act.draft(order, handled.kind_of(act)))
            future.add_done_callback(self._take)
            (entry,) = await asyncio.shield(future)
        return replace(act, id=entry.id, seq=entry.seq, at=entry.at)

    def _take(self, future: asyncio.Future[tuple[Entry, ...]]) -> None:
        """Put what is on the disk in force, also if whoever asked has gone."""
        if future.cancelled() or future.exception() is not None:
            return
        for entry in future.result():
            for name, act in self._read(entry):
                self.orders[name] = self.orders.get(name, UNTOUCHED).and_then(act)
                self.batches.note(name, act)
                self.version += 1
                self._tell(entry.order_id, act)

    def _tell(self, order_id: str | None, act: Act) -> None:
        if self._changes is not None:
            facts = {"order_id": order_id, "action": act.action, "by": act.by, "to": act.to}
            facts |= {} if act.exception_id is None else {"exception_id": act.exception_id}
            self._changes.tell("work.changed", facts | {"entry_id": act.id})


def check(handled: Handled, act: Act, after: str | None) -> None:
    """Refuse an act that does not fit how it is handled; see `HandlingDesk.act` for the errors."""
    if after is not None and after != (handled.last or ""):
        raise ConflictError("meanwhile")
    state = handled.state
    problem = _problem(state, act, after)
    if problem is not None:
        raise ConflictError(problem)
    if act.action == "undo":
        if handled.find(act.entry) is None:
            raise InvalidInputError(
                [{"pointer": "/entry", "detail": "must be the entry_id of an act on it"}]
            )
        if act.entry in handled.undone:
            raise ConflictError("undone")


def _problem(state: State, act: Act, after: str | None) -> Refusal | None:
    done = state.disposed is not None
    problems: dict[Action, Refusal | None] = {
        "unassign": "nobodys" if state.owner is None else None,
        "wake": "awake" if state.snooze is None else None,
        "reopen": None if done else "open",
        "dispose": "done" if done else None,
        "snooze": "put_away" if done else None,
        "assign": _taken(state.owner, act.to, after),
    }
    return problems.get(act.action)


def _taken(owner: str | None, to: str | None, after: str | None) -> Refusal | None:
    if owner is None:
        return None
    if owner == to:
        return "theirs"
    return "taken" if after is None else None
