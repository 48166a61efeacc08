"""What is about to be recorded: on the disk while it is still being worked out.

Where an entry can be made again from what is known before it is made, the disk can take that, the
intent, meanwhile. The entry follows: the operating system has it when it is acknowledged, the disk
a little later (`Ledger.record_behind`). Of what a crash takes in between there is the intent.

A frame is the id of the entry, a line feed and the intent. An id alone takes its intent back: the
entry is not to be made.
"""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

from triage.ledger.errors import StoreUnavailableError
from triage.ledger.journal import Journal
from triage.ledger.waiting import ACKNOWLEDGE_SECONDS, heard

_SEGMENT_BYTES = 1 << 20
_FORGET_AFTER = 1_000


class Intents:
    """A journal of intents, each forgotten once its entry is on the disk.

    Attributes:
        left: intents that were found there and not taken back, by the id of their entry, oldest
            first: the ledger tells which of them have one.
    """

    def __init__(self, folder: Path) -> None:
        """Open it, or make it.

        Raises:
            AlreadyOpenError: if another process has it open.
            DamagedJournalError: if it is damaged before its end.
        """
        self._journal = Journal.open(folder, segment_bytes=_SEGMENT_BYTES)
        self.left: dict[str, bytes] = {}
        for _, frame in self._journal.read():
            entry_id, kept, intent = frame.partition(b"\n")
            if kept:
                self.left[entry_id.decode()] = intent
            else:
                self.left.pop(entry_id.decode(), None)
        self._open: dict[asyncio.Future[Any], int] = {}
        self._changed = threading.Condition()
        self._since = 0

    def attend(self) -> None:
        """Keep what the running event loop keeps by a shorter way; see `Journal.attend`."""
        self._journal.attend()

    def keep(self, entry_id: str, intent: bytes) -> asyncio.Future[Any]:
        """Begin to keep an intent, for the running event loop; `over` must follow.

        It is on the disk when what is returned resolves.

        Raises:
            StoreUnavailableError: as `Journal.append`.
        """
        with self._changed:
            not_before = self._journal.next_seq
            kept = self._journal.append_async(
                [entry_id.encode() + b"\n" + intent], ACKNOWLEDGE_SECONDS
            )
            self._open[kept] = not_before
        self._since += 1
        return kept

    def look(self) -> None:
        """Resolve what has come to the disk by now, before the event loop's turn."""
        self._journal.look()

    def over(self, kept: asyncio.Future[Any]) -> None:
        """Forget an intent, as `keep` gave it: its entry is on the disk, or was taken back."""
        with self._changed:
            self._open.pop(kept, None)
            open_from = next(iter(self._open.values()), self._journal.next_seq)
            self._changed.notify_all()
        if self._since >= _FORGET_AFTER and not self.left:
            self._since = 0
            loop = asyncio.get_running_loop()
            gone = loop.run_in_executor(None, self._journal.release, open_from - 1)
            gone.add_done_callback(heard)

    def take_back(self, entry_id: str, kept: asyncio.Future[Any]) -> None:
        """Forget an intent whose entry is not to be made; the disk follows a little later."""
        kept.add_done_callback(heard)
        self.over(kept)
        try:
            futures = self._journal.append_behind([entry_id.encode()])
        except StoreUnavailableError:  # then its entry is made after a crash; nobody got it
            return
        for each in futures:
            each.add_done_callback(heard)

    def made_up_for(self, seconds: float) -> None:
        """Delete those that were `left`: their entries are on the disk, or are not to be made.

        Raises:
            StoreUnavailableError: as `clear`.
        """
        self.left = {}
        self.clear(seconds)

    def clear(self, seconds: float) -> None:
        """Delete all intents of before; blocks until those that are open are over.

        Raises:
            StoreUnavailableError: if they are not within so many seconds, or some are `left`.
        """
        if self.left:
            raise StoreUnavailableError(
                f"a crash left {len(self.left)} decisions whose records are still to be made "
                "again: let the service run, then try again"
            )
        self._journal.rotate(seconds)
        with self._changed:  # whatever is in the files of before is at most `last`, or open
            last = self._journal.next_seq - 1
            before = set(self._open)
            over = self._changed.wait_for(lambda: before.isdisjoint(self._open), seconds)
        if not over:
            raise StoreUnavailableError("intents wait for their entries: try again in a while")
        self._journal.release(last)

    def close(self) -> None:
        """Write what waits and let another process open it."""
        self._journal.close()


def given_up_id(entry_id: str) -> str:
    """Return the id of the entry that says of another one that it can never be made."""
    return f"alarm:{entry_id}"
