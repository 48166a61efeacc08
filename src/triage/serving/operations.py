"""What the operations page shows, worked out beside requests and kept for a minute.

The list itself is counted as it is; what needs the whole history (rates, latencies, outcomes) is
worked out by a thread from copies, while the page shows what was worked out before.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from triage.domain.clock import MICROS_PER_DAY, UNKNOWN_TIME, to_micros
from triage.domain.records import ExceptionPhase
from triage.features.facts import TIME
from triage.history.tables import History
from triage.serving.exceptions.queue import ExceptionQueue
from triage.serving.operations_figures import (
    STEPS,
    WINDOW_DAYS,
    Brought,
    Ints,
    Latency,
    Precision,
    Rate,
    brought,
    latency,
    precision,
    rates,
)
from triage.serving.outcomes.record import Judged
from triage.serving.scorer import Scorer

HOLDS_SECONDS: Final = 60.0
TOP: Final = 20
_Raised = tuple[str, object, int, int]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What was worked out.

    Attributes:
        made: UTC micros of the clock on the wall.
        took_ms: how long it took.
        classes: exceptions by class: by who closed them, or by the model while they are open; an
            empty name where neither has said.
        sources: exceptions by where they came from.
        newest: by source, record time of the newest exception (UTC micros), and the longest
            time between two of them in both windows (micros; 0 if there is only one).
        steps: how long orders take from milestone to milestone.
        precision: of the top of the list.
        brought: by the hold-out; None without one.
    """

    made: int
    took_ms: float
    classes: tuple[Rate, ...]
    sources: tuple[Rate, ...]
    newest: dict[str, tuple[int, int]]
    steps: tuple[Latency, ...]
    precision: Precision
    brought: Brought | None


class Operations:
    """Keeps the newest snapshot.

    Args:
        history: the log as it was read at the start.
        scorer: gives the champion in charge, whose state holds every event.
        queue: open exceptions; None without a model of them.
        judged: gives what came of answers.
    """

    def __init__(
        self, history: History, scorer: Callable[[], Scorer], queue: ExceptionQueue | None,
        judged: Callable[[], list[Judged]],
    ) -> None:  # fmt: skip
        self._scorer, self._queue, self._judged = scorer, queue, judged
        table = history.exceptions
        raised = table[table["phase"] == ExceptionPhase.RAISED.value]
        self._raised = raised[["exception_id", "source", "event_time", "record_time"]]
        self._said = _dispositions(history)
        self._held: Snapshot | None = None
        self._due = float("-inf")
        self._making: asyncio.Task[Snapshot] | None = None

    async def latest(self, wall: int) -> Snapshot:
        """Return the newest snapshot; the first is waited for, later ones are made beside.

        Args:
            wall: UTC micros, of the clock on the wall.
        """
        if time.monotonic() >= self._due and (self._making is None or self._making.done()):
            self._due = time.monotonic() + HOLDS_SECONDS
            self._making = asyncio.create_task(self._make(wall))
        if self._held is None and self._making is not None:
            return await asyncio.shield(self._making)
        if self._held is None:
            raise RuntimeError("nothing was worked out and nothing is being worked out")
        return self._held

    async def _make(self, wall: int) -> Snapshot:
        scorer = self._scorer()
        book = scorer.engine.book
        n = len(book)
        times, known = book.event[:n].copy(), book.known[:n].copy()
        judged, told = self._judged(), self._told(scorer.now())
        made = await asyncio.to_thread(self._work_out, scorer, times, known, judged, told, wall)
        self._held = made
        return made

    def _told(self, now: int) -> list[_Raised]:
        """Return the exceptions of both windows: class, source, when raised, when known."""
        queue = self._queue
        open_now = {} if queue is None else queue.open
        came = [] if queue is None else list(queue.came)
        since = now - 2 * WINDOW_DAYS * MICROS_PER_DAY
        recent = self._raised[self._raised["event_time"] >= since]
        told: list[_Raised] = []
        for name, source, moment, known in recent.itertuples(index=False):
            case = open_now.get(name)
            by_model = "" if case is None or queue is None else queue.desk.code_of(case.answer)
            told.append((self._said.get(name) or by_model, source, moment, known))
        for raised in came:
            case, event = raised.case, raised.event
            code = "" if case is None or queue is None else queue.desk.code_of(case.answer)
            moments = to_micros(event.event_time), to_micros(event.record_time)
            told.append((code, event.source, *moments))
        return told

    def _work_out(
        self, scorer: Scorer, times: Ints, known: Ints, judged: list[Judged],
        told: list[_Raised], wall: int,
    ) -> Snapshot:  # fmt: skip
        begun, now, holds = time.perf_counter(), scorer.now() + 1, scorer.policy.hold_out
        times = np.where(known < now, times, UNKNOWN_TIME)
        moments: dict[str, list[int]] = {}
        for _, source, _, at in told:
            moments.setdefault(source if isinstance(source, str) else "", []).append(at)
        return Snapshot(
            made=wall,
            classes=tuple(rates(((code, moment) for code, _, moment, _ in told), now)),
            sources=tuple(
                rates(((s if isinstance(s, str) else "", m) for _, s, m, _ in told), now)
            ),
            newest={name: _newest_and_gap(own) for name, own in moments.items()},
            steps=tuple(latency(a, b, times[:, TIME[a]], times[:, TIME[b]], now) for a, b in STEPS),
            precision=precision(judged, TOP),
            brought=brought(judged, holds.holds) if holds.share > 0 else None,
            took_ms=1000 * (time.perf_counter() - begun),
        )


def _newest_and_gap(moments: list[int]) -> tuple[int, int]:
    inorder = sorted(moments)
    gaps = (after - before for before, after in itertools.pairwise(inorder))
    return inorder[-1], max(gaps, default=0)


def _dispositions(history: History) -> dict[str, str]:
    table = history.exceptions
    closed = table[(table["phase"] != ExceptionPhase.RAISED.value) & table["disposition"].notna()]
    return dict(zip(closed["exception_id"].tolist(), closed["disposition"].tolist(), strict=True))
