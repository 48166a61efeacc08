"""Tells receivers what changes by signed webhooks: each in its own line, at its own pace.

An event is on the disk before it is sent, and until its receiver took it or it was given up: it
arrives at least once, with the same id each time, and not always in the order of events. What a
record changes is an event once it has been assessed again, within moments. What a crash left untold
of orders, exceptions and answers is told after the next start, as what was told last is on the
disk, too: where the crash came between an event and the note that it was told, it comes again,
under another id.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import logging
import random
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from triage.ledger.entries import new_id
from triage.serving.background import background
from triage.serving.changes import Changes
from triage.serving.last_told import LastTold
from triage.serving.metrics import Metrics
from triage.serving.webhooks.box import FOLDER, DeadLetter, Letter, Outbox
from triage.serving.webhooks.declared import Delivery
from triage.serving.webhooks.receiver import Receiver, Send, letter_of
from triage.serving.webhooks.send import send

_LOOK_SECONDS = 1.0
_LOG = logging.getLogger("triage.serving")


class _Line:
    """What one receiver is still to get: the soonest due first."""

    def __init__(self, receiver: Receiver) -> None:
        self.receiver = receiver
        self._due: list[tuple[float, int, Letter, int]] = []
        self._number = 0
        self._wake = asyncio.Event()

    def __len__(self) -> int:
        return len(self._due)

    def add(self, letter: Letter, attempts: int = 0, wait: float = 0.0) -> None:
        """Let an event wait for its next attempt."""
        self._number += 1
        heapq.heappush(self._due, (time.monotonic() + wait, self._number, letter, attempts))
        self._wake.set()

    def oldest(self) -> tuple[Letter, int]:
        """Take out the event that has waited longest, with its attempts."""
        entry = min(self._due, key=lambda each: each[2].at)
        self._due.remove(entry)
        heapq.heapify(self._due)
        return entry[2], entry[3]

    async def next(self) -> tuple[Letter, int]:
        """Wait for an event to be due; return it with the attempts that it had."""
        while True:
            self._wake.clear()
            wait = self._due[0][0] - time.monotonic() if self._due else None
            if wait is not None and wait <= 0:
                _, _, letter, attempts = heapq.heappop(self._due)
                return letter, attempts
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), wait)


class Webhooks:
    """Delivers what changes to all receivers.

    Args:
        receivers: by name.
        delivery: how hard they are tried.
        outbox: what is to be delivered.
        sending: makes one attempt.
    """

    def __init__(
        self, receivers: Mapping[str, Receiver], delivery: Delivery, outbox: Outbox,
        sending: Send = send,
    ) -> None:  # fmt: skip
        self._lines = {name: _Line(receiver) for name, receiver in receivers.items()}
        self._delivery, self._outbox, self._sending = delivery, outbox, sending
        self._unwritten: deque[list[Letter]] = deque()
        self._metrics: Metrics

    def take(self, told: str, facts: dict[str, Any]) -> None:
        """Take in what changed, for everybody who wants to hear it; called on the event loop."""
        wanting = [
            name for name, line in self._lines.items()
            if told in line.receiver.subscription.events
        ]  # fmt: skip
        if wanting:
            message_id = f"msg_{new_id()}"
            self._put([letter_of(name, message_id, told, facts) for name in wanting])

    @contextlib.asynccontextmanager
    async def running(self, changes: Changes, metrics: Metrics) -> AsyncIterator[None]:
        """Take in and deliver until the service stops; what waits then is for its next start."""
        self._metrics = metrics
        for letter in list(self._outbox.held.waiting.values()):
            self._queue(letter)
        with changes.telling(self.take):
            async with background(self._deliver()):
                yield

    @property
    def told(self) -> LastTold:
        """Return what receivers were told last, kept where events are."""
        return self._outbox.held.told

    def close(self) -> None:
        """Close the outbox."""
        self._outbox.close()

    def _put(self, letters: list[Letter]) -> None:
        try:
            written = self._outbox.put(letters)
        except Exception:  # noqa: BLE001  what ails the disk must not end what told it
            self._not_written(letters)
            return
        written.add_done_callback(partial(self._kept, letters))

    async def _deliver(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._look())
            for line in self._lines.values():
                for _ in range(self._delivery.at_once):
                    group.create_task(self._work(line))

    async def _work(self, line: _Line) -> None:
        while True:
            letter, attempts = await line.next()
            try:
                await self._try(line, letter, attempts + 1)
            except Exception:  # noqa: BLE001  whatever ails one event, the others are delivered
                _LOG.exception("webhook %s: an event was left until the next start", letter.to)

    async def _try(self, line: _Line, letter: Letter, attempts: int) -> None:
        sent = await line.receiver.attempt(letter, self._delivery.timeout_seconds, self._sending)
        if sent.delivered:
            self._count(letter, "delivered")
            self._outbox.done(letter)
        elif sent.final or attempts >= self._delivery.attempts:
            self._bury(letter, sent.why, attempts)
        else:
            self._count(letter, "failed")
            line.add(letter, attempts, self._wait(attempts, sent.wait_seconds))

    def _wait(self, attempts: int, asked: float | None) -> float:
        """Return seconds until the next attempt: doubled each time, with jitter of half of it."""
        longest = self._delivery.longest_wait_seconds
        wait = min(self._delivery.first_wait_seconds * 2.0 ** (attempts - 1), longest)
        wait *= random.uniform(0.5, 1.0)  # noqa: S311 - no secret is made
        return wait if asked is None else max(wait, min(asked, longest))

    def _kept(self, letters: list[Letter], written: asyncio.Future[Any]) -> None:
        if written.cancelled():
            return
        if written.exception() is not None:
            self._not_written(letters)
            return
        for letter in letters:
            self._queue(letter)

    def _not_written(self, letters: list[Letter]) -> None:
        """Let what the disk did not take wait in memory, to be put again; the oldest goes first."""
        for letter in letters:
            self._outbox.held.waiting.pop(letter.key, None)
        self._unwritten.append(letters)
        while len(self._unwritten) > self._delivery.queue:
            lost = self._unwritten.popleft()
            _LOG.error("%d webhooks could not be written to the disk and are lost", len(lost))
            for letter in lost:
                self._count(letter, "lost")

    def _queue(self, letter: Letter) -> None:
        line = self._lines.get(letter.to)
        if line is None:
            self._bury(letter, "the declaration has no such subscription any more", 0)
            return
        line.add(letter)
        if len(line) > self._delivery.queue:
            oldest, attempts = line.oldest()
            self._bury(oldest, f"{self._delivery.queue} newer events waited already", attempts)

    def _bury(self, letter: Letter, why: str, attempts: int) -> None:
        self._count(letter, "dead")
        dead = DeadLetter(letter, why, attempts, time.time_ns() // 1_000)
        dropped = self._outbox.bury(dead, self._delivery.most_dead)
        if dropped:
            self._metrics.webhooks.labels(letter.to, "dropped").inc(dropped)

    def _count(self, letter: Letter, result: str) -> None:
        self._metrics.webhooks.labels(letter.to, result).inc()

    async def _look(self) -> None:
        """Put again what was not written, queue what somebody asks for, show how much there is."""
        while True:
            for _ in range(len(self._unwritten)):
                self._put(self._unwritten.popleft())
            try:
                for letter in self._outbox.revived():
                    self._queue(letter)
            except OSError:
                _LOG.exception("webhooks that are asked for again cannot be read")
            self._show()
            await asyncio.sleep(_LOOK_SECONDS)

    def _show(self) -> None:
        gauge, held = self._metrics.webhooks_held, self._outbox.held
        for state, keys in (("waiting", held.waiting), ("dead", held.dead)):
            found = Counter(to for to, _ in keys)
            for name in {*self._lines, *found}:
                gauge.labels(name, state).set(found[name])


def open_webhooks(home: Path, declared: tuple[Mapping[str, Receiver], Delivery]) -> Webhooks | None:
    """Open what delivers to receivers; None if there are none and nothing is left to deliver.

    Raises:
        AlreadyOpenError: if another process delivers for this home.
    """
    known, delivery = declared
    if not known and not (home / FOLDER).is_dir():
        return None
    return Webhooks(known, delivery, Outbox(home))
