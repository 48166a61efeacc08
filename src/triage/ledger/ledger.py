"""The ledger: recorded means durable at once, also while the database is locked or down."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from triage.ledger.chain import IDENTITY_BYTES, Chain
from triage.ledger.checkpoint import Checkpoint, Signer
from triage.ledger.continuation import continue_from
from triage.ledger.engines import store_url
from triage.ledger.entries import Draft, Entry, canonical
from triage.ledger.errors import DuplicateEntryError, LedgerError, StoreUnavailableError
from triage.ledger.intents import Intents, given_up_id
from triage.ledger.journal import Journal, take_folder
from triage.ledger.mover import Mover
from triage.ledger.overlay import Overlay
from triage.ledger.reading import PAGE, Reading, journal_folder
from triage.ledger.recovery import Cut
from triage.ledger.retention import Retention
from triage.ledger.schema import ENTRIES
from triage.ledger.store import Store
from triage.ledger.tape import Acknowledge, Tape
from triage.ledger.waiting import ACKNOWLEDGE_SECONDS, outcome

OWN_KINDS = ("erasure", "retention")
"""Kinds that only `Ledger.erase` and `Ledger.retain` record, because they change the tables."""


@dataclass(frozen=True, slots=True)
class Status:
    """How the ledger is.

    Attributes:
        last_seq: number of the last entry that readers see.
        behind: entries that the store does not have yet.
        problem: why the store does not take them; None if it does.
        cut: what a crash had left in the journal when it was opened; None if nothing.
    """

    last_seq: int
    behind: int
    problem: str | None
    cut: Cut | None


class Ledger(Reading):
    """One process owns it; reading beside it is `open_reading`. Safe to call from any thread.

    Attributes:
        intents: what is about to be recorded.
    """

    def __init__(
        self, store: Store, overlay: Overlay, journal: Journal, chain: Chain, most_behind: int,
        intents: Intents,
    ) -> None:  # fmt: skip
        """Go on; see `open`."""
        super().__init__(store, overlay.view, journal.folder)
        self._overlay = overlay
        self._journal = journal
        self._chain = chain
        self._most_behind = most_behind
        self._mover = Mover(store, overlay, journal, chain.identity)
        self.intents = intents

    @classmethod
    def open(
        cls,
        home: Path,
        url: str | None = None,
        *,
        acknowledge: Acknowledge = "synced",
        most_behind: int = 100_000,
        segment_bytes: int = 8 << 20,
    ) -> Self:
        """Open a home's ledger, or make it, and go on where it ended.

        With the store locked or down it opens all the same if the journal knows where it ended.

        Args:
            home: the service's folder; the journal is in `ledger/journal` below it.
            url: the store: SQLite or PostgreSQL 15+; None means `ledger/store.db` below the home.
            acknowledge: when an entry is acknowledged, see `Journal.open`.
            most_behind: entries that the store may lack before recording answers 503.
            segment_bytes: size of a file of the journal.

        Raises:
            AlreadyOpenError: if another process has it open.
            DamagedJournalError: if the journal is damaged before its end.
            ContinuityError: if store and journal are not of one piece.
            StoreUnavailableError: if the store is down and the journal is new.
            SettingsError: if the URL cannot be used.
        """
        where = store_url(home, url)
        folder = journal_folder(home)
        folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with contextlib.ExitStack() as undo:
            lock, held = take_folder(folder)
            undo.callback(lock.free)
            store = Store(where)
            undo.callback(store.close)
            start = continue_from(held, store, os.urandom(IDENTITY_BYTES))
            overlay = Overlay()
            overlay.add(start.waiting)
            chain = Chain(start.identity, start.head, overlay.add)
            context = start.identity + start.head
            tape = Tape(folder, held, start.next_seq, context, acknowledge, segment_bytes)
            journal = Journal(tape, lock, chain, held.cut)
            undo.callback(journal.close)
            journal.release(start.stored_seq)
            intents = Intents(folder.with_name("intents"))
            undo.callback(intents.close)
            ledger = cls(store, overlay, journal, chain, most_behind, intents)
            undo.pop_all()
        return ledger

    @property
    def attended(self) -> bool:
        """Whether an event loop records by a shorter way, and so keeps intents."""
        return self._journal.attended

    def attend(self) -> None:
        """Record what the running event loop records by a shorter way; see `Journal.attend`."""
        self._journal.attend()
        self.intents.attend()

    def record(self, *drafts: Draft) -> tuple[Entry, ...]:
        """Record entries, all or none; they are durable when this returns.

        Raises:
            DuplicateEntryError: if an id is recorded already.
            StoreUnavailableError: if they cannot be made durable now, or the store is too far
                behind.
            LedgerError: if an entry cannot be kept as it is.
        """
        self._check(drafts)
        ids = [draft.id for draft in drafts]
        self._overlay.claim(ids)
        try:
            self._refuse_stored(ids)
            return self._wait(drafts)
        finally:
            self._overlay.unclaim(ids)

    def record_async(self, *drafts: Draft) -> asyncio.Future[tuple[Entry, ...]]:
        """Do as `record`, for the running event loop; returns at once, await what it returns.

        Ids are not looked up in the store: they must be fresh (`new_id`, the default).

        Raises:
            StoreUnavailableError: as `record`; when awaited, too, at the latest after
                `ACKNOWLEDGE_SECONDS`.
            LedgerError: if an entry cannot be kept as it is.
        """
        self._check(drafts)
        return self._journal.append_async(drafts, ACKNOWLEDGE_SECONDS)

    def record_behind(
        self, *drafts: Draft
    ) -> tuple[asyncio.Future[tuple[Entry, ...]], asyncio.Future[tuple[Entry, ...]]]:
        """Do as `record_async`, for who can make the entries again; see `Journal.append_behind`.

        Readers see the entries once they are on the disk.

        Raises:
            StoreUnavailableError: as `record_async`.
            LedgerError: if an entry cannot be kept as it is.
        """
        self._check(drafts)
        return self._journal.append_behind(drafts, ACKNOWLEDGE_SECONDS)

    def follow(self, told: Callable[[Sequence[Entry]], None]) -> None:
        """Tell somebody of entries that are recorded from now on, once readers see them.

        In their sequence, by whatever thread brought them to the disk: `told` returns at once.
        """
        self._overlay.followers.append(told)

    def hurry(self) -> None:
        """Bring what was recorded behind its intents to the disk at once."""
        self._journal.hurry()

    def erase(self, *seqs: int, reason: str, seconds: float = ACKNOWLEDGE_SECONDS) -> Entry:
        """Erase the personal part of entries; that this was done is itself recorded.

        When it returns, the personal part is in neither store nor journal. PostgreSQL reuses the
        bytes in its files when it vacuums. Copies and backups are not reached.

        Args:
            seqs: sequence numbers of the entries.
            reason: why, without personal data.
            seconds: how long to wait for the store.

        Raises:
            LedgerError: if there are more entries than one erasure can name.
            StoreUnavailableError: if it is recorded, and no reader sees the data any more, but the
                store could not do it yet; it will when it is back.
        """
        draft = Draft("erasure", canonical({"entries": sorted(set(seqs)), "reason": reason}))
        draft.check()
        (entry,) = self._wait((draft,))
        self.flush(seconds)
        self._clear_intents(seconds)
        return entry

    def retain(
        self,
        checkpoint: Checkpoint,
        signer: Signer,
        reason: str,
        seconds: float = ACKNOWLEDGE_SECONDS,
        *,
        keep: Collection[int] = (),
    ) -> Entry:
        """Delete entries up to a signed checkpoint; the chain begins behind it from now on.

        What stays keeps its number, id and hash, and what says that something of it was erased
        stays with it; verification compares it with what is recorded of it here.

        Args:
            checkpoint: the last entry to delete.
            signer: whose signature the checkpoint must carry.
            reason: why, without personal data.
            seconds: how long to wait for the store.
            keep: numbers of entries that stay although they are older.

        Raises:
            CheckpointError: if the checkpoint is not of this ledger or not signed by this key.
            LedgerError: if the store does not have the entry that it vouches for, entries up to
                there were deleted before, or more stay than one entry can name.
            StoreUnavailableError: if decisions that a crash left are still to be made again; or if
                it is recorded, and no reader sees the entries any more, but the store could not do
                it yet; it will when it is back.
        """
        checkpoint.check(signer.public_key)
        for before in self.entries(kind="retention"):
            through = Retention.of(before).checkpoint.seq
            if through >= checkpoint.seq:
                raise LedgerError(f"entries up to {through} were deleted before")
        found = next(iter(self._store.read(ENTRIES.c.seq == checkpoint.seq)), None)
        if found is None or found.hash.hex() != checkpoint.hash:
            raise LedgerError(
                f"entry {checkpoint.seq} of the store is not the one that the checkpoint vouches "
                "for; make a new checkpoint"
            )
        self._clear_intents(seconds)  # else one whose entry goes looks as if it never had one
        draft = Retention.keeping(checkpoint, self._staying(keep, checkpoint.seq)).draft(reason)
        draft.check()
        (entry,) = self._wait((draft,))
        self.flush(seconds)
        return entry

    def _staying(self, keep: Collection[int], upto_seq: int) -> list[Entry]:
        """Return entries that stay, with those that say what of them was erased, in sequence."""
        where, own = ENTRIES.c.seq <= upto_seq, set(keep)
        erasures = {
            entry.seq
            for entry in self._store.read(where, ENTRIES.c.kind == "erasure")
            if not own.isdisjoint(json.loads(entry.body)["entries"])
        }
        wanted = sorted(own | erasures)
        pages = (wanted[start : start + PAGE] for start in range(0, len(wanted), PAGE))
        return [
            entry for page in pages for entry in self._store.read(where, ENTRIES.c.seq.in_(page))
        ]

    def _clear_intents(self, seconds: float) -> None:
        self.unfinished()
        self.intents.clear(seconds)

    def unfinished(self) -> dict[str, bytes]:
        """Return intents that a crash left, by id, without an entry or one that gives it up.

        Raises:
            StoreUnavailableError: if the store cannot say which have one.
        """
        left = list(self.intents.left)
        for start in range(0, len(left), PAGE):
            ids = left[start : start + PAGE]
            wanted = [*ids, *map(given_up_id, ids)]
            here = {name for name in wanted if self._overlay.get(name)}
            here |= {entry.id for entry in self._store.read(ENTRIES.c.id.in_(wanted))}
            for entry_id in ids:
                if not here.isdisjoint((entry_id, given_up_id(entry_id))):
                    self.intents.left.pop(entry_id, None)
        return dict(self.intents.left)

    def flush(self, seconds: float = ACKNOWLEDGE_SECONDS) -> None:
        """Wait until the store has everything.

        Raises:
            StoreUnavailableError: if it has not after so many seconds.
        """
        self._journal.settle(seconds)
        self._mover.flush(seconds)

    def status(self) -> Status:
        """Say how the ledger is; costs nothing."""
        return Status(
            self._journal.next_seq - 1,
            len(self._overlay),
            self._mover.problem,
            self._journal.cut,
        )

    def identity(self) -> bytes:
        """Return the 16 random bytes that tell this ledger from others."""
        return self._chain.identity

    def close(self) -> None:
        """Write what waits, move what the store takes at once, close everything."""
        with contextlib.ExitStack() as rest:
            rest.callback(super().close)
            rest.callback(self.intents.close)
            rest.callback(self._journal.close)
            self._mover.close()

    def _check(self, drafts: Sequence[Draft]) -> None:
        behind = len(self._overlay)
        if behind + len(drafts) > self._most_behind:
            raise StoreUnavailableError(
                f"the store lacks {behind} entries already"
                + (f" ({self._mover.problem})" if self._mover.problem else "")
                + "; recording goes on when it has caught up"
            )
        for draft in drafts:
            draft.check()
            if draft.kind in OWN_KINDS:
                raise LedgerError(f"entries of kind {draft.kind} are made by the ledger only")

    def _refuse_stored(self, ids: Sequence[str]) -> None:
        """Look ids up in the store; while it is down only those that it lacks are known."""
        if self._mover.problem:
            return
        try:
            known = self._store.read(ENTRIES.c.id.in_(ids), limit=1)
        except StoreUnavailableError:
            return
        if known:
            raise DuplicateEntryError("an entry with this id is there already; read it")

    def _wait(self, drafts: Sequence[Draft]) -> tuple[Entry, ...]:
        entries: tuple[Entry, ...] = outcome(self._journal.append(drafts), ACKNOWLEDGE_SECONDS)
        return entries
