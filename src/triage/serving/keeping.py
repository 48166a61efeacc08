"""What a service keeps on the disk while it runs: events that came in, decisions that it made."""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from triage.ledger.ledger import Ledger
from triage.serving.changes import Changes
from triage.serving.decisions import Decisions
from triage.serving.live import Live
from triage.serving.metrics import Metrics
from triage.serving.outcomes.alarm import CalibrationAlarm
from triage.serving.outcomes.watch import OutcomeWatch
from triage.serving.warming import Warming
from triage.serving.webhooks.telling import Webhooks


@dataclass(frozen=True, slots=True)
class Keeping:
    """What is open while the service runs.

    Attributes:
        live: takes events.
        changes: tells what changes.
        decisions: records answers; None where nothing is recorded.
        webhooks: tells receivers what changes; None without any.
        outcomes: records what came of scored orders; None where nothing is recorded.
        warming: ranks the first list; None where it is ranked when it is first asked for.
    """

    live: Live
    changes: Changes
    decisions: Decisions | None
    webhooks: Webhooks | None = None
    outcomes: OutcomeWatch | None = None
    warming: Warming | None = None

    @contextlib.asynccontextmanager
    async def running(self, metrics: Metrics) -> AsyncIterator[None]:
        """Tell receivers, record outcomes and follow what moves until the service stops."""
        async with contextlib.AsyncExitStack() as stack:
            if self.webhooks is not None:
                await stack.enter_async_context(self.webhooks.running(self.changes, metrics))
            if self.outcomes is not None:
                await stack.enter_async_context(self.outcomes.running(metrics))
            self.live.tell_missed()
            if self.live.follower is not None:
                await stack.enter_async_context(self.live.follower.running())
            yield

    def attend(self) -> None:
        """Let the running event loop write events and decisions by a shorter way."""
        self.live.events.attend()
        if self.decisions is not None:
            self.decisions.ledger.attend()


Keep = Callable[[], contextlib.AbstractContextManager[Keeping]]
"""Opens it, and closes it at the end.

Raises LedgerError if another process has it open, or it is damaged.
"""


@contextlib.contextmanager
def keeping(
    live: Callable[[Changes], Live],
    decisions: Callable[[], Decisions | None],
    webhooks: Callable[[], Webhooks | None] = lambda: None,
    warming: Callable[[Live], Warming] | None = None,
    workspace: Path | None = None,
) -> Iterator[Keeping]:
    """Open what takes events (caught up), records decisions and tells; close all at the end.

    `workspace` is where it is declared when answers do not hold.
    """
    changes = Changes()
    taking = live(changes)
    ledger: Ledger | None = None
    hooks: Webhooks | None = None
    try:
        taking.catch_up()
        recording = decisions()
        ledger = None if recording is None else recording.ledger
        hooks = webhooks()
        outcomes: OutcomeWatch | None = None
        if hooks is not None and taking.follower is not None:
            taking.follower.told = hooks.told
        if recording is not None and (follower := taking.follower) is not None:
            since = follower.told.stale_at
            follower.expiries = recording.remember(
                time.time_ns() // 1_000 if since is None else since
            )
            alarm = CalibrationAlarm(recording.ledger, changes.tell, workspace)
            outcomes = OutcomeWatch(recording.ledger, lambda: follower.scorer, alarm)
        warm = None if warming is None else warming(taking)
        yield Keeping(taking, changes, recording, hooks, outcomes, warm)
    finally:
        taking.events.close()
        if ledger is not None:
            ledger.close()
        if hooks is not None:
            hooks.close()
