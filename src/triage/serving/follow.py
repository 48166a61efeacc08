"""Scores that follow: what a record says something new about is assessed again, within a budget.

An order that a record is about comes first; then those that share its site or carrier, as these
may do better or worse now; then those whose assessment has become stale, and all when a feed falls
silent or is heard again. An order comes first, too, once its promise has passed or the last moment
of what helps. What differs enough from what was told last is told to whoever listens.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator
from typing import Any

from triage.advice.policy import FollowPolicy
from triage.domain.clock import MICROS_PER_MINUTE, from_micros
from triage.domain.records import (
    ExceptionEvent,
    ExceptionPhase,
    InboundSupply,
    InventoryPosition,
    Milestone,
    MilestoneKind,
    Order,
    Record,
    Staffing,
)
from triage.errors import OrderNotFoundError
from triage.serving.background import background
from triage.serving.changes import Changes, Told
from triage.serving.exceptions.desk import ExceptionDesk
from triage.serving.expiry import Expiries
from triage.serving.last_told import LastTold, Said
from triage.serving.scorer import Scorer

_TICK_SECONDS = 0.05
_LATE_SECONDS = 1.0
_EVENTS_APART = 1_000
"""After so many events at the latest it is noted that all before were told."""
_CLASSIFIED = ("code", "probability", "abstained", "owner", "severity", "due_by")
_CLOSING = {MilestoneKind.DELIVERED.value, MilestoneKind.ORDER_CANCELLED.value}
_LOG = logging.getLogger("triage.serving")


class Follower:
    """Assesses again what records move.

    Args:
        scorer: the champion, with the state that records change.
        changes: who is told.
        policy: budget, and what is worth telling.
        exceptions: classifies each exception that is raised, if there is a model of them.

    Attributes:
        scorer: the champion; another may take its place, and what it says differently is told.
        told: what listeners know.
        expiries: answers that callers hold; who is told when they go stale. None if none are kept.
    """

    def __init__(
        self, scorer: Scorer, changes: Changes, policy: FollowPolicy,
        exceptions: ExceptionDesk | None = None,
    ) -> None:  # fmt: skip
        self._exceptions = exceptions
        self.expiries: Expiries | None = None
        self.scorer, self._changes, self._policy = scorer, changes, policy
        self.told = LastTold()
        self._compared: tuple[Scorer, int] | None = None
        self._exceptional = False
        self._first: dict[str, None] = {}
        self._then: dict[str, None] = {}
        self._sites: set[str | None] = set()
        self._carriers: set[str | None] = set()
        self._stocked: set[str | None] = set()
        self._silent: tuple[str, ...] | None = None

    @property
    def waiting(self) -> int:
        """Return how many orders wait to be assessed again."""
        return len(self._first) + len(self._then)

    def note(self, record: Record) -> None:
        """Take note of a record that the scorer has taken in."""
        if isinstance(record, ExceptionEvent):
            self._exceptional = True
            self._tell_exception(record)
        if isinstance(record, Order | Milestone | ExceptionEvent) and record.order_id:
            self._first[record.order_id] = None
        if isinstance(record, Milestone):
            site, carrier = self.scorer.way_of(record.order_id)
            self._sites.add(site)
            self._carriers.add(carrier)
        elif isinstance(record, InventoryPosition | InboundSupply):
            self._stocked.add(record.site)
        elif isinstance(record, Staffing):
            self._sites.add(record.site)

    def noted(self, number: int) -> None:
        """Take note that every event was noted up to the one of a number."""
        known = self.told.events
        if known is None or self._exceptional or not known <= number < known + _EVENTS_APART:
            self.told.exceptions(number)
            self._exceptional = False

    def _tell_exception(self, record: ExceptionEvent) -> None:
        facts: dict[str, Any] = {"exception_id": record.exception_id, "order_id": record.order_id}
        if record.phase is not ExceptionPhase.RAISED:
            self._changes.tell("exception.resolved", facts)
            return
        if self._exceptions is not None:
            said = self._exceptions.classify_record(record, self.scorer.order_of(record.order_id))
            facts |= {name: said[name] for name in _CLASSIFIED}
        self._changes.tell("exception.opened", facts)

    def turn(self, most: int) -> int:
        """Assess up to so many of those that wait, and tell what changed; return how many."""
        if self._compared != (self.scorer, self.scorer.ranked_whole_at):
            self._compare_all()
        self._look_around()
        names = self._taken(most)
        if not names:
            return 0
        for name, now in zip(names, self.scorer.reassess(names), strict=True):
            self._compare(name, None if now is None else Said.of(now))
        return len(names)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Follow until the service stops."""
        async with background(self._follow()):
            yield

    async def _follow(self) -> None:
        share, looked = self._policy.per_second * _TICK_SECONDS, time.monotonic()
        owed = 0.0
        while True:
            await asyncio.sleep(_TICK_SECONDS)
            owed = min(owed + share, max(share, 1.0))
            if not self.scorer.ranked:  # nothing was said yet that could change
                continue
            try:
                owed -= self.turn(int(owed))
                if time.monotonic() - looked > _LATE_SECONDS:
                    looked = time.monotonic()
                    self.look_at_the_clock()
                self.tell_expired(time.time_ns() // 1_000)
            except Exception:  # noqa: BLE001  whatever ails one order, the others follow
                _LOG.exception("orders could not be assessed again; going on with the next")

    def look_at_the_clock(self) -> None:
        """Let the orders wait of which time alone changes what is to be said."""
        self._first.update(dict.fromkeys(self.scorer.overtaken()))
        now = self.scorer.now()
        silent = self.scorer.stale_feeds(now)
        if self._silent is not None and silent != self._silent:
            self._then.update(dict.fromkeys(self.scorer.assessed_before(now + 1)))
        elif not self.waiting:
            self._then.update(dict.fromkeys(self._stale()))
        self._silent = silent

    def tell_expired(self, now: int) -> None:
        """Tell of answers that went stale by a moment (UTC micros) while their order is open."""
        passed = [] if self.expiries is None else self.expiries.passed(now)
        for held in passed:
            if self._is_open(held.order_id):
                facts = {"order_id": held.order_id, "decision_id": held.decision_id}
                stale_at = from_micros(held.stale_at)
                self._changes.tell("decision.expired", facts | {"stale_at": stale_at})
        known = self.told.stale_at
        if passed or known is None:
            newest = max((held.stale_at for held in passed), default=now)
            self.told.expired(min(now, newest if known is None else max(known, newest)))

    def _is_open(self, order_id: str) -> bool:
        try:
            reached = {name for name, _, _ in self.scorer.milestones_of(order_id)}
        except OrderNotFoundError:
            return False
        return not reached & _CLOSING

    def _look_around(self) -> None:
        """Let the orders wait that share something with what records were about."""
        if self._sites or self._carriers or self._stocked:
            around = [known - {None} for known in (self._sites, self._carriers, self._stocked)]
            self._then.update(dict.fromkeys(self.scorer.sharing(*around)))
            for known in (self._sites, self._carriers, self._stocked):
                known.clear()

    def _stale(self) -> list[str]:
        holds = self.scorer.policy.freshness.stale_after_minutes * MICROS_PER_MINUTE
        return self.scorer.assessed_before(self.scorer.now() - round(holds))

    def _taken(self, most: int) -> list[str]:
        names: list[str] = []
        for waiting in (self._first, self._then):
            while waiting and len(names) < most:
                name = next(iter(waiting))
                del waiting[name]
                if name not in names:
                    names.append(name)
        return names

    def _compare_all(self) -> None:
        """Let the orders wait that the list says something else of than what was told."""
        said = {name: Said.of(each) for name, each in self.scorer.assessments()}
        if not self.told.begun:
            self.told.begin(said)
        known = self.told.orders
        self._then.update(
            (name, None)
            for name in known | said
            if self._differs(known.get(name), said.get(name)) is not None
        )
        self._compared = self.scorer, self.scorer.ranked_whole_at

    def _compare(self, name: str, now: Said | None) -> None:
        before = self.told.orders.get(name)
        what = self._differs(before, now)
        if what is not None:
            shown = (None if each is None else each.shown() for each in (before, now))
            facts = dict(zip(("before", "now"), shown, strict=True))
            self._changes.tell(what, {"order_id": name, **facts})
            self.told.order(name, now)

    def _differs(self, before: Said | None, now: Said | None) -> Told | None:
        """Return what is to be told to who knows what was said before; None: nothing."""
        if before is None:
            return None if now is None else "order.opened"
        if now is None:
            return "order.closed"
        return "risk.changed" if now.differs(before, self._policy.least_change) else None
