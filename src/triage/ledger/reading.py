"""Reads that see every acknowledged entry, whether the store has it yet or not."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from sqlalchemy import ColumnElement, func

from triage.ledger.chain import IDENTITY_BYTES
from triage.ledger.engines import store_url
from triage.ledger.entries import Entry
from triage.ledger.errors import LedgerError, StoreUnavailableError
from triage.ledger.frame import from_frame
from triage.ledger.overlay import Overlay, View
from triage.ledger.recovery import ATTEMPTS, read_folder
from triage.ledger.schema import ENTRIES
from triage.ledger.segment import SUFFIX
from triage.ledger.store import Store

PAGE = 1_000
_C = ENTRIES.c


class Reading:
    """Entries of a ledger. Every method raises StoreUnavailableError if the store is not there."""

    def __init__(self, store: Store, view: Callable[[], View], journal: Path) -> None:
        """Read a store under what is not in it yet.

        Args:
            store: the tables.
            view: gives what is to be put over them.
            journal: folder of the journal.
        """
        self._store = store
        self._view = view
        self._folder = journal

    def sync(self) -> None:
        """Bring to the disk what the operating system has of the journal, whoever wrote it."""
        for path in self._folder.glob(f"*{SUFFIX}"):
            with contextlib.suppress(FileNotFoundError):  # moved to the store meanwhile
                handle = os.open(path, os.O_RDONLY)
                try:
                    os.fsync(handle)
                finally:
                    os.close(handle)

    def get(self, entry_id: str) -> Entry | None:
        """Return the entry with an id, or None."""
        view = self._view()
        for entry in view.entries:
            if entry.id == entry_id:
                return entry
        return next(iter(view.over(self._store.read(_C.id == entry_id, limit=1))), None)

    def of_order(self, order_id: str, kind: str | None = None) -> list[Entry]:
        """Return everything about an order, oldest first."""
        return self._merged(
            _of_order(order_id, kind),
            lambda entry: entry.order_id == order_id and kind in {None, entry.kind},
        )

    def last(
        self, n: int, kind: str | None = None, order_id: str | None = None,
        before: int | None = None,
    ) -> list[Entry]:  # fmt: skip
        """Return the newest entries, newest first.

        Args:
            n: at most so many.
            kind: of this kind alone.
            order_id: about this order alone.
            before: before this sequence number alone.
        """
        view = self._view()
        own = [e for e in view.entries if order_id is None or e.order_id == order_id]
        asked = [e for e in own if kind in {None, e.kind} and (before is None or e.seq < before)]
        fresh = asked[-n:][::-1]
        if len(fresh) == n and n:
            return fresh
        where = _of_kind(kind) if order_id is None else _of_order(order_id, kind)
        if before is not None:
            where = [*where, _C.seq < before]
        stored = view.over(self._store.read(*where, newest_first=True, limit=n))
        first = fresh[-1].seq if fresh else None
        older = [entry for entry in stored if first is None or entry.seq < first]
        return (fresh + older)[:n]

    def since(self, at: int, kind: str | None = None) -> Iterator[Entry]:
        """Yield entries of a moment (UTC micros) and later, in order of recording."""
        where = [_C.at >= at, *_of_kind(kind)]
        return self._pages(where, lambda entry: entry.at >= at and kind in {None, entry.kind})

    def entries(self, from_seq: int = 1, kind: str | None = None) -> Iterator[Entry]:
        """Yield all entries from a sequence number on, in order."""
        where = [_C.seq >= from_seq, *_of_kind(kind)]
        return self._pages(
            where, lambda entry: entry.seq >= from_seq and kind in {None, entry.kind}
        )

    def head(self) -> tuple[int, bytes]:
        """Return sequence number and hash of the last entry."""
        view = self._view()
        if view.entries:
            return view.entries[-1].seq, view.entries[-1].hash
        head = self._store.head()
        return head.seq, head.hash

    def identity(self) -> bytes:
        """Return the 16 random bytes that tell this ledger from others."""
        return self._store.head().identity

    def floor(self) -> tuple[int, bytes]:
        """Return number and hash of an entry that the journal knows to have been recorded.

        (0, b"") without a journal. The ledger ends there or later, or its end was cut off.
        """
        segments = read_folder(self._folder).segments
        if not segments:
            return 0, b""
        return segments[-1].first_seq - 1, segments[-1].context[IDENTITY_BYTES:]

    def close(self) -> None:
        """Close the connections."""
        self._store.close()

    def _merged(
        self, where: list[ColumnElement[bool]], fits: Callable[[Entry], bool]
    ) -> list[Entry]:
        view = self._view()
        stored = view.over(self._store.read(*where))
        last = stored[-1].seq if stored else 0
        return stored + [e for e in view.entries if e.seq > last and fits(e)]

    def _pages(
        self, where: list[ColumnElement[bool]], fits: Callable[[Entry], bool]
    ) -> Iterator[Entry]:
        view = self._view()
        last = 0
        while page := self._store.read(*where, _C.seq > last, limit=PAGE):
            last = page[-1].seq
            yield from view.over(page)
        yield from (entry for entry in view.entries if entry.seq > last and fits(entry))


def open_reading(home: Path, url: str | None = None) -> Reading:
    """Read a ledger beside the service that writes it.

    Args:
        home: the service's home.
        url: its store, if that is not the file in the home.

    Raises:
        LedgerError: if there is no ledger yet.
        StoreUnavailableError: if the store cannot be read.
    """
    where = store_url(home, url)
    file = where.database if where.get_backend_name() == "sqlite" else None
    if file and not Path(file).is_file():
        raise LedgerError(f"no ledger at {file}: it begins when the service first records")
    store = Store(where)
    folder = journal_folder(home)

    def view() -> View:
        for _ in range(ATTEMPTS):
            overlay = Overlay()
            held = read_folder(folder)
            with contextlib.suppress(FileNotFoundError):  # moved to the store meanwhile
                frames = held.frames(store.head().seq + 1)
                overlay.add([from_frame(frame) for _, frame in frames])
                return overlay.view()
        raise StoreUnavailableError(f"the journal in {folder} changes too quickly to be read")

    return Reading(store, view, folder)


def journal_folder(home: Path) -> Path:
    """Return where the journal of a home's ledger is."""
    return home / "ledger" / "journal"


def _of_order(order_id: str, kind: str | None) -> list[ColumnElement[bool]]:
    """Select an order's entries; by the order, of which there are few, not by the kind.

    Without statistics SQLite would take the index of the kind and read every decision there is.
    """
    of_kind = [] if kind is None else [func.coalesce(_C.kind, "") == kind]
    return [_C.order_id == order_id, *of_kind]


def _of_kind(kind: str | None) -> list[ColumnElement[bool]]:
    return [] if kind is None else [_C.kind == kind]
