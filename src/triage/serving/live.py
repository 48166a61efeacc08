"""The state that scores read, kept up with events: one path for those of today and of yesterday."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from itertools import islice, takewhile

from triage.domain.records import ExceptionEvent, InventoryPosition, Order, Record, Staffing
from triage.features.taking import Cell, cell_of
from triage.ledger.errors import unconfirmed
from triage.ledger.waiting import ACKNOWLEDGE_SECONDS, heard
from triage.serving.event_log import EventLog
from triage.serving.exceptions.queue import ExceptionQueue
from triage.serving.exceptions.raised import RaisedExceptions
from triage.serving.follow import Follower
from triage.serving.price_desk import PriceDesk
from triage.serving.scorer import Scorer

_SLICE = 200
"""Events applied at once, and before other requests get their turn."""


class Live:
    """Takes records into every scorer's state.

    Args:
        events: where events are kept; None where they are only read.
        scorers: the champion and, perhaps, a challenger; those that share an engine share it here.
        prices: assesses prices of orders, if there is a model of them.
        follower: assesses again what new records move; not told of those that are caught up with.
        queue: open exceptions, if there is a model of them.
        raised: knows what exceptions each order had.
        applied: number of the newest event that all of these have seen already.

    Attributes:
        scorers: whom events go to.
        applied: number of the newest event that scores have seen; all before it, too.
    """

    def __init__(
        self, events: EventLog | None, scorers: Sequence[Scorer], prices: PriceDesk | None = None,
        follower: Follower | None = None, queue: ExceptionQueue | None = None,
        raised: RaisedExceptions | None = None, applied: int = 0,
    ) -> None:  # fmt: skip
        self._events = events
        self.raised = raised
        self._queue = queue
        self._prices = prices
        self.keep_up(scorers)
        self.applied = applied
        self.follower = follower
        self._turn = asyncio.Lock()
        self._kept: dict[int, list[Record]] = {}
        self._again: set[int] = set()

    def keep_up(self, scorers: Sequence[Scorer]) -> None:
        """Let events go to these scorers from now on; all have seen what was applied."""
        self.scorers = tuple(scorers)
        self._engines = tuple({id(each.engine): each.engine for each in scorers}.values())

    async def join(self, scorer: Scorer, seen: int) -> None:
        """Keep one more scorer up, which has taken in the first so many events."""
        async with self._turn:
            Live(None, [scorer]).apply_until(self.events.records(seen + 1), self.applied)
            self.keep_up((*self.scorers, scorer))

    @contextlib.asynccontextmanager
    async def still(self) -> AsyncIterator[None]:
        """Keep new events from being applied meanwhile, so that a thread may read the state."""
        async with self._turn:
            yield

    async def recall(self) -> None:
        """Make in a thread what the next event would wait for; nothing else may be applied."""
        for engine in self._engines:
            if not engine.recalled:
                await asyncio.to_thread(engine.recall)

    @property
    def events(self) -> EventLog:
        """Return where events are kept."""
        if self._events is None:
            raise TypeError("made to read events only")
        return self._events

    def catch_up(self) -> int:
        """Take in what is kept and not applied yet, as after a restart; return how much it was."""
        before = self.applied
        self._apply_kept(record for _, record in self.events.records(before + 1))
        return self.applied - before

    def tell_missed(self) -> None:
        """Let the follower tell of exceptions that were kept and not told before a crash."""
        if self.follower is not None:
            told = self.follower.told.events
            if told is not None and told < self.applied:
                for _, record in self.events.records(told + 1):
                    if isinstance(record, ExceptionEvent):
                        self.follower.note(record)
            self.follower.noted(self.applied)

    def apply_until(self, records: Iterable[tuple[int, Record]], last: int) -> None:
        """Take in the records of the next events, up to the one of a number."""
        self._apply_kept(record for _, record in takewhile(lambda each: each[0] <= last, records))

    async def take(self, events: Sequence[tuple[str, Record]]) -> tuple[int, int]:
        """Keep and apply events; return how many were new, and of these, which change nothing.

        Those are orders, positions and hours that were known already (see `FeatureEngine.holds`).

        Whoever asks may go away meanwhile: what is kept is applied.

        Raises:
            StoreUnavailableError: if they cannot be kept now; nothing is applied then. If the disk
                takes longer than `ACKNOWLEDGE_SECONDS`: they may be kept and applied all the same.
        """
        kept: list[int] = []
        taking = asyncio.ensure_future(self._take(events, kept))
        await asyncio.wait((taking,), timeout=ACKNOWLEDGE_SECONDS)
        if not taking.done() and not kept:
            taking.add_done_callback(heard)
            raise unconfirmed(ACKNOWLEDGE_SECONDS)
        return await asyncio.shield(taking)

    async def _take(self, events: Sequence[tuple[str, Record]], kept: list[int]) -> tuple[int, int]:
        places, first = await self.events.keep(events)
        kept.append(first)
        if not places:
            return 0, 0
        self._kept[first] = [events[place][1] for place in places]
        await asyncio.sleep(0)  # so that what was written together is applied together
        async with self._turn:  # so that what is applied is always what came first
            await self.recall()
            while batch := self._next():
                await self._apply(batch)
        while self.applied < first + len(places) - 1:  # one before it is about to be applied
            await asyncio.sleep(0)
        again = self._again.intersection(range(first, first + len(places)))
        self._again -= again
        return len(places), len(again)

    def _next(self) -> list[Record]:
        """Return what is kept and comes next, as far as it follows without a gap."""
        batch: list[Record] = []
        while (more := self._kept.pop(self.applied + 1 + len(batch), None)) is not None:
            batch += more
        return batch

    async def _apply(self, batch: Sequence[Record]) -> None:
        for at in range(0, len(batch), _SLICE):
            part = batch[at : at + _SLICE]
            self._again.update(self._held_already(part))
            self.apply(part)
            if self.follower is not None:
                for record in part:
                    self.follower.note(record)
                self.follower.noted(self.applied)
            if at + _SLICE < len(batch):
                await asyncio.sleep(0)

    def _held_already(self, records: Sequence[Record]) -> Iterator[int]:
        """Yield which of the next events change nothing, as the first of their identity stands."""
        if not self._engines:
            return
        holds, fresh = self._engines[0].holds, set[str | Cell]()
        for number, record in enumerate(records, start=self.applied + 1):
            if isinstance(record, Order | InventoryPosition | Staffing):
                one = record.order_id if isinstance(record, Order) else cell_of(record)
                if one in fresh or holds(one):
                    yield number
                fresh.add(one)

    def _apply_kept(self, records: Iterator[Record]) -> None:
        while part := list(islice(records, _SLICE)):
            self.apply(part)

    def apply(self, records: Sequence[Record]) -> None:
        """Take in the records of the next events, which are kept.

        The engines take in many at once; an exception is classified from what was known when it
        came, so that it ends such a part.
        """
        first = 0
        for end, record in enumerate(records, start=1):
            if end == len(records) or isinstance(record, ExceptionEvent):
                self._take_in(records[first:end])
                first = end

    def _take_in(self, records: Sequence[Record]) -> None:
        for engine in self._engines:
            engine.apply_all(records)
        for record in records:
            for scorer in self.scorers:
                scorer.note(record)
            if self._prices is not None:
                self._prices.note(record)
            if self.raised is not None:
                self.raised.note(record)
            if self._queue is not None:
                self._queue.note(record, next(iter(self.scorers), None))
        self.applied += len(records)
