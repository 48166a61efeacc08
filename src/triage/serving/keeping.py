"""What a service keeps on the disk while it runs: events that came in, decisions that it made."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from triage.ledger.ledger import Ledger
from triage.serving.decisions import Decisions
from triage.serving.follow import Changes
from triage.serving.live import Live


@dataclass(frozen=True, slots=True)
class Keeping:
    """What is open while the service runs; without `decisions` nothing is recorded."""

    live: Live
    changes: Changes
    decisions: Decisions | None


Keep = Callable[[], contextlib.AbstractContextManager[Keeping]]
"""Opens it, and closes it at the end.

Raises LedgerError if another process has it open, or it is damaged.
"""


@contextlib.contextmanager
def keeping(
    live: Callable[[Changes], Live], decisions: Callable[[], Decisions | None]
) -> Iterator[Keeping]:
    """Open what takes events, caught up, and what records decisions; close both at the end."""
    changes = Changes()
    taking = live(changes)
    ledger: Ledger | None = None
    try:
        taking.catch_up()
        recording = decisions()
        ledger = None if recording is None else recording.ledger
        yield Keeping(taking, changes, recording)
    finally:
        taking.events.close()
        if ledger is not None:
            ledger.close()
