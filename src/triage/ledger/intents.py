"""What is about to be recorded: on the disk while it is still being worked out.

Where an entry can be made again from what is known before it is made, the disk can take that, the
intent, meanwhile. The entry follows: the operating system has it when it is acknowledged, the disk
a little later (`Ledger.record_behind`). Of what a crash takes in between there is the intent.
"""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

from triage.ledger.errors import StoreUnavailableError
from triage.ledger.journal import Journal

_SEGMENT_BYTES = 1 << 20
_FORGET_AFTER = 1_000


class Intents:
    """A journal of intents, each forgotten once its entry is on the disk.

    Attributes:
        left: intents that were found there, oldest first: the ledger tells which have an entry.
    """

    def __init__(self, folder: Path) -> None:
        """Open it, or make it.

        Raises:
            AlreadyOpenError: if another process has it open.
            DamagedJournalError: if it is damaged before its end.
        """
        self._journal = Journal.open(folder, segment_bytes=_SEGMENT_BYTES)
        self.left = [frame for _, frame in self._journal.read()]
        self._open: set[asyncio.Future[Any]] = set()
        self._none_open = threading.Condition()
        self._since = 0

    def attend(self) -> None:
        """Keep what the running event loop keeps by a shorter way; see `Journal.attend`."""
        self._journal.attend()

    def keep(self, intent: bytes) -> asyncio.Future[Any]:
        """Begin to keep an intent, for the running event loop; `over` must follow.

        It is on the disk when what is returned resolves.

        Raises:
            StoreUnavailableError: as `Journal.append`.
        """
        kept = self._journal.append_async([intent])
        self._open.add(kept)
        self._since += 1
        return kept

    def look(self) -> None:
        """Resolve what has come to the disk by now, before the event loop's turn."""
        self._journal.look()

    def over(self, kept: asyncio.Future[Any]) -> None:
        """Forget an intent, as `keep` gave it: its entry is on the disk, or is not to be made."""
        with self._none_open:
            self._open.discard(kept)
            self._none_open.notify_all()
        if self._since >= _FORGET_AFTER and not self._open and not self.left:
            self._since = 0
            last = self._journal.next_seq - 1
            asyncio.get_running_loop().run_in_executor(None, self._journal.release, last)

    def made_up_for(self, seconds: float) -> None:
        """Delete those that were `left`: their entries are on the disk, or are not to be made.

        Raises:
            StoreUnavailableError: as `clear`.
        """
        with self._none_open:
            self.left = []
        self.clear(seconds)

    def clear(self, seconds: float) -> None:
        """Delete all intents of before; blocks until those that are open are over.

        Raises:
            StoreUnavailableError: if they are not within so many seconds, or some are `left`.
        """
        if self.left:
            raise StoreUnavailableError(
                "a crash left intents whose entries are still to be made: let the service run"
            )
        with self._none_open:
            before = set(self._open)
        last = self._journal.next_seq - 1
        self._journal.rotate().result(seconds)
        with self._none_open:
            over = self._none_open.wait_for(lambda: before.isdisjoint(self._open), seconds)
        if not over:
            raise StoreUnavailableError("intents wait for their entries: try again in a while")
        self._journal.release(last)

    def close(self) -> None:
        """Write what waits and let another process open it."""
        self._journal.close()
