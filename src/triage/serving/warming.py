"""The first seconds of a service: scores are answered at once, the list is ranked beside them.

What the first event would wait for is made in a thread, and the curves of every stage are drawn
there; then the open orders are assessed a few at a time, then exceptions that are open are
classified. Whoever asks for the list waits until it stands. What all this has made stays: like what
was loaded at the start (see `server`), it is left out of the garbage collector's rounds.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
from collections.abc import AsyncIterator

from triage.domain.clock import MICROS_PER_DAY
from triage.serving.background import background
from triage.serving.exceptions.queue import ExceptionQueue
from triage.serving.live import Live
from triage.serving.operations_figures import WINDOW_DAYS
from triage.serving.scorer import Scorer

_AT_ONCE = 50
"""Orders that are assessed before other requests get their turn; their records are read together"""
_EXCEPTIONS = 4
"""Exceptions that are classified between two rests."""
_REST_SECONDS = 0.02
_FIRST_SECONDS = 1.5
"""Whoever waited to be scored goes first, unless somebody asks for the list."""
_LOG = logging.getLogger("triage.serving")


class Warming:
    """Ranks the list for the first time.

    Args:
        live: keeps events away while a thread reads the state.
        scorer: the champion.
        queue: open exceptions, if there is a model of them.

    Attributes:
        waiting: how many open orders are not assessed yet; None before they are counted.
    """

    def __init__(self, live: Live, scorer: Scorer, queue: ExceptionQueue | None = None) -> None:
        self._live, self._scorer, self._queue = live, scorer, queue
        self._over, self._asked = asyncio.Event(), asyncio.Event()
        self.waiting: int | None = None

    @property
    def over(self) -> bool:
        """Return whether the list stands."""
        return self._over.is_set()

    async def ranked(self) -> None:
        """Wait until the list stands."""
        self._asked.set()
        await self._over.wait()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Warm up until it is done or the service stops."""
        async with background(self._warm()):
            yield

    async def _warm(self) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._asked.wait(), _FIRST_SECONDS)
        try:
            await self._rank()
        except Exception:  # noqa: BLE001  whoever asks for the list ranks it, and is told
            _LOG.exception("the list could not be ranked beforehand")
        finally:
            self._over.set()
        if self._queue is not None:
            since = self._scorer.now() - 2 * WINDOW_DAYS * MICROS_PER_DAY
            while self._queue.classify(since, _EXCEPTIONS):
                await asyncio.sleep(_REST_SECONDS)
        if gc.get_freeze_count():  # of a server, see there; not of a program that it is part of
            gc.freeze()

    async def _rank(self) -> None:
        scorer = self._scorer
        async with self._live.still():
            await self._live.recall()
        for stage in scorer.model.stages:
            async with self._live.still():
                await asyncio.to_thread(scorer.draw, stage)
        for self.waiting in scorer.ranking(_AT_ONCE):
            await asyncio.sleep(0)
        self.waiting = 0
