"""Records what came of scored orders while the service runs, and judges whether answers hold.

It follows the ledger behind everybody else, a few entries at a time, and looks for outcomes now and
then; a score never waits for it. It is told of what is recorded; what it was not told of it reads:
the last weeks after a restart, and where it fell behind.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import get_args

from triage.domain.clock import MICROS_PER_DAY
from triage.errors import DeclarationError
from triage.ledger.entries import Entry
from triage.ledger.errors import LedgerError
from triage.ledger.ledger import Ledger
from triage.models.held import Sums
from triage.serving.background import background
from triage.serving.metrics import Metrics
from triage.serving.outcomes.alarm import CalibrationAlarm
from triage.serving.outcomes.outcome import settle
from triage.serving.outcomes.record import LiveRecord, People
from triage.serving.scorer import Scorer

DAYS = 60
"""Decisions of so many days are read again after a restart."""
_PAGE = 1_000
_SLICE, _BREATH_SECONDS = 20, 0.02
"""Entries taken in at once, and the rest after them: a thousand a second at most."""
_REST_SECONDS = 5.0
_SETTLE_SECONDS = 60.0
_LOOK_SECONDS = 300.0
_RECORDED_AT_ONCE = 500
_TOLD = 5_000
"""Entries that it is told of and has not taken in; of the oldest beyond them it reads."""
_LOG = logging.getLogger("triage.serving")


class OutcomeWatch:
    """Follows one ledger.

    Args:
        ledger: where decisions are, and outcomes go.
        scorer: gives the champion in charge, with the state of all orders.
        alarm: judges whether its answers hold.
    """

    def __init__(
        self, ledger: Ledger, scorer: Callable[[], Scorer], alarm: CalibrationAlarm
    ) -> None:
        self.record = LiveRecord(holds=self._holds)
        self.alarm = alarm
        self._ledger, self._scorer = ledger, scorer
        self._told: deque[Entry] = deque(maxlen=_TOLD)
        ledger.follow(self._told.extend)

    @contextlib.asynccontextmanager
    async def running(self, metrics: Metrics) -> AsyncIterator[None]:
        """Watch until the service stops."""
        async with background(self._watch(metrics)):
            yield

    async def catch_up(self) -> None:
        """Take in what was recorded since the last time."""
        while True:
            page = self._heard() or await asyncio.to_thread(self._page)
            for start in range(0, len(page), _SLICE):
                for entry in page[start : start + _SLICE]:
                    self.record.take(entry)
                await asyncio.sleep(_BREATH_SECONDS)
            if len(page) < _PAGE:
                return

    async def settle(self) -> int:
        """Record the outcomes that have become known; return how many."""
        scorer = self._scorer()
        contract = scorer.model.numbers.contract
        found = settle(scorer.engine.book, contract, self.record.open_ended(), scorer.now())
        judged = self.record.judged
        fresh = [
            each for each in found
            if each.order_id not in judged or judged[each.order_id].outcome != each
        ]  # fmt: skip
        for start in range(0, len(fresh), _RECORDED_AT_ONCE):
            drafts = [each.draft() for each in fresh[start : start + _RECORDED_AT_ONCE]]
            await self._ledger.record_async(*drafts)
        return len(fresh)

    def show(self, metrics: Metrics) -> None:
        """Set what answers of the champion came to, apart by what people did; and its alarm."""
        digest = self._scorer().info.digest
        for people in get_args(People):
            sums = self.record.sums.get((digest, people), Sums())
            metrics.live_answers.labels(people).set(sums.n)
            metrics.live_late.labels(people).set(sums.late)
            metrics.live_expected.labels(people).set(sums.expected)
        metrics.live_alarm.set(self.alarm.rings_for(digest))

    async def look(self) -> None:
        """Judge whether answers of the champion hold."""
        since = time.time_ns() // 1_000 - DAYS * MICROS_PER_DAY
        await self.alarm.look(self.record, self._scorer().info, since // MICROS_PER_DAY)

    def _holds(self, order_id: str) -> bool:
        return self._scorer().policy.hold_out.holds(order_id)

    def _heard(self) -> list[Entry]:
        """Return what it was told of and comes next; nothing if that has a gap."""
        heard: list[Entry] = []
        last = self.record.seen
        while last and self._told and len(heard) < _PAGE and self._told[0].seq <= last + 1:
            entry = self._told.popleft()
            if entry.seq == last + 1:
                heard.append(entry)
                last = entry.seq
        return heard

    def _page(self) -> list[Entry]:
        if self.record.seen:
            entries = self._ledger.entries(self.record.seen + 1)
        else:
            entries = self._ledger.since(time.time_ns() // 1_000 - DAYS * MICROS_PER_DAY)
        return list(itertools.islice(entries, _PAGE))

    async def _watch(self, metrics: Metrics) -> None:
        settled = looked = float("-inf")
        while True:
            try:
                await self.catch_up()
                if time.monotonic() - settled > _SETTLE_SECONDS:
                    settled = time.monotonic()
                    if await self.settle():
                        await self.catch_up()
                    if time.monotonic() - looked > _LOOK_SECONDS:
                        looked = time.monotonic()
                        await self.look()
                    self.show(metrics)
            except (LedgerError, DeclarationError) as error:
                _LOG.warning("outcomes wait: %s", error)
            except Exception:  # noqa: BLE001  no figure is worth the service
                _LOG.exception("outcomes could not be worked out; going on")
            await asyncio.sleep(_REST_SECONDS)
