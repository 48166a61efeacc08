"""Entries that are acknowledged and not yet in the store: readers see them from here."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import takewhile

from triage.ledger.entries import Entry
from triage.ledger.errors import DuplicateEntryError
from triage.ledger.retention import Retention


@dataclass(frozen=True, slots=True)
class View:
    """What a reader puts over the store: taken before reading it, so that nothing is missed.

    Attributes:
        entries: what the store may not have yet, in order.
        erased: sequence numbers whose personal part must not be shown any more.
        retention: what says which older entries are gone; None if nothing does.
    """

    entries: tuple[Entry, ...]
    erased: frozenset[int]
    retention: Retention | None

    def over(self, stored: Sequence[Entry]) -> list[Entry]:
        """Return stored entries as they are to be shown."""
        return [
            entry.without_personal() if entry.seq in self.erased else entry
            for entry in stored
            if self.retention is None or self.retention.spares(entry.seq)
        ]


class Overlay:
    """Safe to use from any thread."""

    def __init__(self) -> None:
        self.added = threading.Event()
        self.followers: list[Callable[[Sequence[Entry]], None]] = []
        self._lock = threading.Lock()
        self._entries: dict[int, Entry] = {}
        self._ids: dict[str, int] = {}
        self._claimed: set[str] = set()
        self._erased: dict[int, int] = {}
        self._retention: Retention | None = None

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, entries: Sequence[Entry]) -> None:
        """Show entries from now on; what they erase or cut is gone from now on."""
        with self._lock:
            for entry in entries:
                self._entries[entry.seq] = entry
                self._ids.setdefault(entry.id, entry.seq)
                if entry.kind == "erasure":
                    self._erase(entry)
                elif entry.kind == "retention":
                    self._retention = Retention.of(entry)
        self.added.set()
        for told in self.followers:
            told(entries)

    def oldest(self, limit: int, upto_seq: int) -> list[Entry]:
        """Return at most so many entries to move, none after `upto_seq`."""
        found: list[Entry] = []
        with self._lock:
            for seq, entry in self._entries.items():
                if seq > upto_seq or len(found) == limit:
                    break
                found.append(entry)
        return found

    def moved(self, upto_seq: int) -> None:
        """Forget entries that the store has."""
        with self._lock:
            for seq in list(takewhile(lambda seq: seq <= upto_seq, self._entries)):
                entry = self._entries.pop(seq)
                if self._ids.get(entry.id) == seq:
                    del self._ids[entry.id]
            self._erased = {seq: by for seq, by in self._erased.items() if by > upto_seq}

    def view(self) -> View:
        """Return what is to be put over the store at this moment."""
        with self._lock:
            return View(tuple(self._entries.values()), frozenset(self._erased), self._retention)

    def get(self, entry_id: str) -> Entry | None:
        """Return the entry with an id, if it is here."""
        with self._lock:
            return self._entries.get(self._ids.get(entry_id, -1))

    def claim(self, ids: Sequence[str]) -> None:
        """Keep ids for one caller until `unclaim`.

        Raises:
            DuplicateEntryError: if one is taken.
        """
        with self._lock:
            fresh = set(ids)
            taken = next((i for i in ids if i in self._ids or i in self._claimed), None)
            if taken is not None or len(fresh) < len(ids):
                raise DuplicateEntryError("an entry with this id is there already; read it")
            self._claimed |= fresh

    def unclaim(self, ids: Sequence[str]) -> None:
        """Let go of ids."""
        with self._lock:
            self._claimed.difference_update(ids)

    def _erase(self, erasure: Entry) -> None:
        for seq in json.loads(erasure.body)["entries"]:
            self._erased[seq] = erasure.seq
            if seq in self._entries:
                self._entries[seq] = self._entries[seq].without_personal()
