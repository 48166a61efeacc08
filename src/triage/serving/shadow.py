"""Scores what was answered with the challenger too, after the answer and never in its way.

An answer costs one append to a queue. The queue is drained on the event loop itself, one order at a
time and only in gaps: freely while nobody asks, for a small share of the time while somebody does.
One thread, hence one state of the log for both models and nothing to lock; a request that arrives
while an order is being scored waits for that order at most. Files are written by another thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import AsyncIterator, Iterator

from prometheus_client import Counter

from triage.advice.assessment import Assessment
from triage.advice.policy import ShadowPolicy
from triage.models.shadow_file import ShadowFile, ShadowScore
from triage.serving.advisor import Advisor, Worklist
from triage.serving.background import background
from triage.serving.intake import ScoreRequest

_IDLE_SECONDS = 0.05
_GAP_SECONDS = 0.005
"""Nobody asks if no score was asked for in that time."""
_WRITE_SECONDS = 1.0
_WRITE_SCORES = 500
_LOG = logging.getLogger("triage.serving")

_Waiting = tuple[int, ScoreRequest | None, Assessment]


class Shadow:
    """The challenger's queue.

    Args:
        challenger: scores unseen; asked on the event loop only.
        against: digest of the champion, which answered.
        file: where both scores go.
        policy: how much it may take.
        counter: counts each answer once, by `result`: scored, dropped or failed.
    """

    def __init__(
        self,
        challenger: Advisor,
        against: str,
        file: ShadowFile,
        policy: ShadowPolicy,
        counter: Counter,
    ) -> None:
        self._challenger, self._against, self._file = challenger, against, file
        self._policy = policy
        self._scored, self._dropped, self._failed = (
            counter.labels(result) for result in ("scored", "dropped", "failed")
        )
        self._queue: deque[_Waiting] = deque()
        self._listed: Iterator[_Waiting] = iter(())
        self._listed_left = 0
        self._asked = 0
        self._unwritten: list[ShadowScore] = []
        self._written_at = time.monotonic()
        self._complained = False

    def put(self, moment: int, asked: ScoreRequest, said: Assessment) -> None:
        """Let an answer wait for its second score; drop that score if too many wait.

        Args:
            moment: when it was answered, UTC micros.
            asked: the request.
            said: what the champion said.
        """
        self._asked += 1
        if len(self._queue) < self._policy.queue:
            self._queue.append((moment, asked, said))
        else:
            self._dropped.inc()

    def put_worklist(self, moment: int, worklist: Worklist) -> None:
        """Let a list that was ranked wait; what is left of an older one is dropped."""
        self._dropped.inc(self._listed_left)
        self._listed = ((moment, None, item.assessment) for item in worklist.items)
        self._listed_left = len(worklist.items)

    @property
    def waiting(self) -> int:
        """Return how many answers wait for their second score."""
        return len(self._queue) + self._listed_left

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Drain the queue until the service stops; what waits then is dropped."""
        try:
            async with background(self._drain()):
                yield
        finally:
            await self.write()
            self._dropped.inc(self.waiting)

    def score_next(self) -> bool:
        """Score one answer that waits; return False if none does. Never raises."""
        if self._queue:
            moment, asked, said = self._queue.popleft()
        elif self._listed_left:
            self._listed_left -= 1
            moment, asked, said = next(self._listed)
        else:
            return False
        try:
            second = self._second(asked, said)
        except Exception as error:  # noqa: BLE001  the answer is given; only its shadow is lost
            self._failed.inc()
            self._complain("the challenger could not score an order that was answered", error)
            return True
        self._unwritten.append(
            ShadowScore(
                moment=moment, order_id=said.order_id, stage=said.stage, state=said.state,
                as_of=said.as_of, champion=self._against, champion_p=said.p_late,
                champion_delay=said.delay_days[1], challenger=self._challenger.info.digest,
                challenger_p=second.p_late, challenger_delay=second.delay_days[1],
            )
        )  # fmt: skip
        return True

    async def write(self) -> None:
        """Append what was scored to the day's file, by another thread. Never raises."""
        batch, self._unwritten = self._unwritten, []
        self._written_at = time.monotonic()
        if not batch:
            return
        try:
            had_room = await asyncio.to_thread(self._file.append, batch)
        except OSError as error:
            self._failed.inc(len(batch))
            self._complain("scores of the challenger cannot be written", error)
            return
        self._scored.inc(had_room)
        self._dropped.inc(len(batch) - had_room)

    async def _drain(self) -> None:
        seen, not_before, pause = self._asked, 0.0, _IDLE_SECONDS
        while True:
            await asyncio.sleep(pause)
            if self._due():
                await self.write()
            busy, seen = self._asked != seen, self._asked
            started = time.perf_counter()
            if busy and started < not_before:
                pause = _GAP_SECONDS
            elif self.score_next():
                took = time.perf_counter() - started
                not_before = started + took / self._policy.busy_share
                rest = took / self._policy.quiet_share - took
                pause = max(rest, _GAP_SECONDS) if busy else rest
            else:
                pause = _IDLE_SECONDS

    def _due(self) -> bool:
        waited = time.monotonic() - self._written_at
        return len(self._unwritten) >= _WRITE_SCORES or (
            bool(self._unwritten) and waited >= _WRITE_SECONDS
        )

    def _second(self, asked: ScoreRequest | None, said: Assessment) -> Assessment:
        if asked is None or asked.order is None:
            return self._challenger.score_id(said.order_id, said.as_of)
        return self._challenger.score_order(asked.order, asked.milestones, said.as_of)

    def _complain(self, what: str, error: Exception) -> None:
        """Log the first failure; the counter tells how many there were."""
        if not self._complained:
            self._complained = True
            _LOG.warning("%s (told once, see triage_shadow_total)", what, exc_info=error)
