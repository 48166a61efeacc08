"""Drafts become entries in the order in which the journal writes them: a chain of hashes."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence

from triage.ledger.entries import Draft, Entry, seal
from triage.ledger.frame import to_frame

IDENTITY_BYTES = 16


def genesis(identity: bytes) -> bytes:
    """Return what the first entry of a ledger hangs on, from the ledger's 16 random bytes."""
    return hashlib.sha256(b"triage ledger\0" + identity).digest()


class Chain:
    """The end of the chain; the journal's `Dresser`, so nothing else moves it on."""

    def __init__(
        self, identity: bytes, head: bytes, entered: Callable[[Sequence[Entry]], None]
    ) -> None:
        """Go on behind a hash.

        Args:
            identity: the ledger's 16 random bytes.
            head: hash of the last entry, or `genesis(identity)`.
            entered: is told of entries once they are durable, before whoever recorded them.
        """
        self.identity = identity
        self.head = head
        self._entered = entered
        self._next = head
        self._fresh: list[Entry] = []

    def dress(
        self, first_seq: int, items: Sequence[Draft]
    ) -> tuple[Sequence[bytes], tuple[Entry, ...]]:
        """Return the frames of drafts and the entries that they become."""
        now = time.time_ns() // 1_000
        entries = []
        for seq, draft in enumerate(items, first_seq):
            entry = seal(draft, seq, self._next, now)
            self._next = entry.hash
            entries.append(entry)
        self._fresh.extend(entries)
        return [to_frame(entry) for entry in entries], tuple(entries)

    def weight(self, items: Sequence[Draft]) -> int:
        """Return the bytes of their bodies and personal parts."""
        return sum(len(draft.body) + len(draft.personal or b"") for draft in items)

    def kept(self, frames: int) -> None:
        """Move the end of the chain behind so many more entries."""
        kept, self._fresh = self._fresh[:frames], self._fresh[frames:]
        if kept:
            self.head = kept[-1].hash
        self._entered(kept)

    def dropped(self, but: int = 0) -> None:
        """Forget what was dressed behind so many entries: it was not written."""
        del self._fresh[but:]
        self._next = self._fresh[-1].hash if self._fresh else self.head

    def context(self) -> bytes:
        """Return which ledger this is and the hash that the next entry hangs on."""
        return self.identity + self.head
