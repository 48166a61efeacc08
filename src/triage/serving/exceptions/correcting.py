"""Takes what people say an exception is: on the disk first, then shown, learned from later."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from triage.ledger.corrections import KIND, Correction, corrections, standing
from triage.ledger.entries import Entry
from triage.ledger.ledger import Ledger
from triage.serving.changes import Changes


class Corrections:
    """What people said, in memory as the ledger has it.

    Args:
        ledger: where it is recorded; it is read whole for corrections once.
        changes: who is told; None if nobody listens.

    Attributes:
        version: rises with every correction.
    """

    def __init__(self, ledger: Ledger, changes: Changes | None = None) -> None:
        self._ledger, self._changes = ledger, changes
        self._of: dict[str, list[Correction]] = {}
        self.version = 0
        for each in corrections(ledger.entries(kind=KIND)):
            self._of.setdefault(each.exception_id, []).append(each)

    def told(self, exception_id: str) -> Sequence[Correction]:
        """Return all that was said about an exception, oldest first."""
        return self._of.get(exception_id, ())

    def standing(self, exception_id: str) -> Correction | None:
        """Return what it is by what people said; None where nobody said anything that holds."""
        return standing(self.told(exception_id))

    def newest(self, by: str) -> list[Correction]:
        """Return the corrections of a person that hold and were made together last."""
        held = [
            found for name in self._of
            if (found := self.standing(name)) is not None and found.by == by
        ]  # fmt: skip
        last = max(held, key=lambda each: (each.at, each.id), default=None)
        return [] if last is None else [each for each in held if each.batch == last.batch]

    async def record(self, *said: Correction) -> list[Correction]:
        """Record corrections, all or none; they are on the disk and in force when this returns.

        Raises:
            StoreUnavailableError: if they cannot be recorded.
        """
        if not said:
            return []
        future = self._ledger.record_async(*(each.draft() for each in said))
        future.add_done_callback(self._take)
        entries = await asyncio.shield(future)
        return [
            replace(each, id=entry.id, at=entry.at)
            for each, entry in zip(said, entries, strict=True)
        ]

    def _take(self, future: asyncio.Future[tuple[Entry, ...]]) -> None:
        """Put what is on the disk in force, also if whoever asked has gone."""
        if future.cancelled() or future.exception() is not None:
            return
        for each in corrections(future.result()):
            self._of.setdefault(each.exception_id, []).append(each)
            self.version += 1
            if self._changes is not None and each.order_id is not None:
                facts = {"order_id": each.order_id, "action": "correct_exception", "by": each.by}
                self._changes.tell("work.changed", facts | {"to": None, "entry_id": each.id})
