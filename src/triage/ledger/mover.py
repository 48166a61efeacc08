"""From the journal to the store, in batches, by a thread that never holds up recording."""

from __future__ import annotations

import threading
import time

from triage.ledger.errors import LedgerError, StoreUnavailableError
from triage.ledger.journal import Journal
from triage.ledger.overlay import Overlay
from triage.ledger.store import Store

BATCH = 2_000
LINGER_SECONDS, LOOK_SECONDS = 1.0, 0.02
ENOUGH = 256
"""Entries wait so long for others, or until there are so many, so that one commit carries many and
most of what is recorded meanwhile is not disturbed."""
MOST_PAUSE_SECONDS = 1.0
ROTATE_SECONDS = 10.0


class Mover:
    """Moves what the overlay shows into the store and then lets the journal forget it."""

    def __init__(self, store: Store, overlay: Overlay, journal: Journal, identity: bytes) -> None:
        """Start to move.

        Args:
            store: where entries go.
            overlay: where they are taken from.
            journal: whose files may go afterwards.
            identity: the ledger's 16 random bytes.
        """
        self.problem: str | None = None
        self._store = store
        self._overlay = overlay
        self._journal = journal
        self._identity = identity
        self._hurry = threading.Event()
        self._closing = False
        self._erased = 0
        self._last = 0
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="mover", daemon=True)
        self._thread.start()

    def flush(self, seconds: float) -> None:
        """Wait until the store has everything that is recorded now, and what is erased is gone.

        Raises:
            StoreUnavailableError: if it has not after so many seconds.
        """
        last = self._journal.next_seq - 1
        self._hurry.set()
        self._overlay.added.set()
        with self._changed:
            done = self._changed.wait_for(lambda: self._moved(last), seconds)
        if not done:
            raise StoreUnavailableError(
                self.problem or f"the store has not taken everything within {seconds:g} s"
            )

    def close(self) -> None:
        """Move what is there, if the store takes it at once; the journal keeps the rest."""
        self._closing = True
        self._hurry.set()
        self._overlay.added.set()
        self._thread.join()

    def _moved(self, last: int) -> bool:
        waiting = self._overlay.oldest(1, last)
        return not waiting and not self._erased

    def _run(self) -> None:
        pause = LINGER_SECONDS
        while True:
            again = len(self._overlay) or self._erased or self.problem
            self._overlay.added.wait(pause if again else None)
            self._overlay.added.clear()
            self._linger(pause)
            self._hurry.clear()
            try:
                self._move()
            except LedgerError as error:
                self.problem = str(error)
                pause = min(2 * pause, MOST_PAUSE_SECONDS)
            else:
                self.problem = None
                pause = LINGER_SECONDS
            with self._changed:
                self._changed.notify_all()
            if self._closing:
                return

    def _linger(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while not self._hurry.wait(min(seconds, LOOK_SECONDS)):
            enough = self.problem is None and len(self._overlay) >= ENOUGH
            if enough or time.monotonic() >= until:
                return

    def _move(self) -> None:
        if not self._store.prepared:
            self._store.prepare(self._identity)
        self._journal.release(self._last)
        self._move_all()
        while last := self._erased:
            self._new_file()
            if last == self._erased:
                self._erased = 0

    def _move_all(self) -> None:
        while batch := self._overlay.oldest(BATCH, self._journal.synced_seq):
            self._store.write(batch)
            self._last = batch[-1].seq
            erased = [entry.seq for entry in batch if entry.kind in ("erasure", "retention")]
            self._erased = max([self._erased, *erased])
            self._overlay.moved(self._last)
            self._journal.release(self._last)

    def _new_file(self) -> None:
        """Let the journal go on in a new file, so that the one with erased bytes can be deleted."""
        self._journal.rotate(ROTATE_SECONDS)
        self._move_all()  # what had followed into the old one
        self._journal.release(self._last)
