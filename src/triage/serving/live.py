"""The state that scores read, kept up with events: one path for those of today and of yesterday."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

from triage.domain.records import Record
from triage.serving.event_log import EventLog
from triage.serving.exceptions.queue import ExceptionQueue
from triage.serving.exceptions.raised import RaisedExceptions
from triage.serving.feeds import Feeds
from triage.serving.follow import Follower
from triage.serving.price_desk import PriceDesk
from triage.serving.scorer import Scorer

_SLICE = 50
"""Events applied before other requests get their turn."""


class Live:
    """Takes records into every scorer's state.

    Args:
        events: where events are kept; None where they are only read.
        scorers: the champion and, perhaps, a challenger; those that share an engine share it here.
        prices: assesses prices of orders, if there is a model of them.
        follower: assesses again what new records move; not told of those that are caught up with.
        feeds: knows how old each feed is.
        queue: open exceptions, if there is a model of them.
        raised: knows what exceptions each order had.

    Attributes:
        scorers: whom events go to.
        applied: number of the newest event that scores have seen; all before it, too.
    """

    def __init__(
        self, events: EventLog | None, scorers: Sequence[Scorer], prices: PriceDesk | None = None,
        follower: Follower | None = None, feeds: Feeds | None = None,
        queue: ExceptionQueue | None = None, raised: RaisedExceptions | None = None,
    ) -> None:  # fmt: skip
        self._events = events
        self.feeds = feeds
        self.raised = raised
        self._queue = queue
        self._prices = prices
        self.keep_up(scorers)
        self.applied = 0
        self.follower = follower
        self._turn = asyncio.Lock()
        self._kept: dict[int, list[Record]] = {}

    def keep_up(self, scorers: Sequence[Scorer]) -> None:
        """Let events go to these scorers from now on; all have seen what was applied."""
        self.scorers = tuple(scorers)
        self._engines = tuple({id(each.engine): each.engine for each in scorers}.values())

    async def join(self, scorer: Scorer, seen: int) -> None:
        """Keep one more scorer up, which has taken in the first so many events."""
        async with self._turn:
            Live(None, [scorer]).apply_until(self.events.records(seen + 1), self.applied)
            self.keep_up((*self.scorers, scorer))

    @property
    def events(self) -> EventLog:
        """Return where events are kept."""
        if self._events is None:
            raise TypeError("made to read events only")
        return self._events

    def catch_up(self) -> int:
        """Take in what is kept and not applied yet, as after a restart; return how much it was."""
        before = self.applied
        for _, record in self.events.records(before + 1):
            self.apply(record)
        return self.applied - before

    def apply_until(self, records: Iterable[tuple[int, Record]], last: int) -> None:
        """Take in the records of the next events, up to the one of a number."""
        for seq, record in records:
            if seq > last:
                break
            self.apply(record)

    async def take(self, events: Sequence[tuple[str, Record]]) -> int:
        """Keep and apply events; return how many were new.

        Whoever asks may go away meanwhile: what is kept is applied.

        Raises:
            StoreUnavailableError: if they cannot be kept now; nothing is applied then.
        """
        return await asyncio.shield(asyncio.ensure_future(self._take(events)))

    async def _take(self, events: Sequence[tuple[str, Record]]) -> int:
        places, first = await self.events.keep(events)
        if not places:
            return 0
        self._kept[first] = [events[place][1] for place in places]
        async with self._turn:  # so that what is applied is always what came first
            while (batch := self._kept.pop(self.applied + 1, None)) is not None:
                await self._apply(batch)
        while self.applied < first + len(places) - 1:  # one before it is about to be applied
            await asyncio.sleep(0)
        return len(places)

    async def _apply(self, batch: Sequence[Record]) -> None:
        for number, record in enumerate(batch, start=1):
            self.apply(record)
            if self.follower is not None:
                self.follower.note(record)
            if number % _SLICE == 0:
                await asyncio.sleep(0)

    def apply(self, record: Record) -> None:
        """Take in the record of the next event, which is kept."""
        for engine in self._engines:
            engine.apply(record)
        for scorer in self.scorers:
            scorer.note(record)
        if self._prices is not None:
            self._prices.note(record)
        if self.feeds is not None:
            self.feeds.note(record)
        if self.raised is not None:
            self.raised.note(record)
        if self._queue is not None:
            self._queue.note(record, next(iter(self.scorers), None))
        self.applied += 1
