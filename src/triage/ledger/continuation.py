"""Where a ledger goes on when it is opened: journal and store must be of one piece."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from triage.ledger.chain import IDENTITY_BYTES, genesis
from triage.ledger.entries import Entry
from triage.ledger.errors import ContinuityError, StoreUnavailableError
from triage.ledger.frame import from_frame
from triage.ledger.recovery import Held
from triage.ledger.schema import ENTRIES
from triage.ledger.store import Head, Store


@dataclass(frozen=True, slots=True)
class Start:
    """Where a ledger goes on.

    Attributes:
        identity: the ledger's 16 bytes.
        next_seq: number of the next entry.
        head: hash that it hangs on.
        stored_seq: the store has everything up to here; 0 if it could not be asked.
        waiting: entries that it may lack.
    """

    identity: bytes
    next_seq: int
    head: bytes
    stored_seq: int = 0
    waiting: Sequence[Entry] = ()


def continue_from(held: Held, store: Store, fresh_identity: bytes) -> Start:
    """Find out where a ledger goes on.

    Args:
        held: what the journal still has.
        store: the tables; they are brought up to date.
        fresh_identity: 16 random bytes, used if the ledger is new.

    Raises:
        ContinuityError: if the two are not of one ledger, or entries are missing between them.
        StoreUnavailableError: if the store is down and the journal is new.
    """
    if not held.segments:
        head = store.prepare(fresh_identity)
        return Start(head.identity, head.seq + 1, head.hash, head.seq)
    newest = held.segments[-1]
    identity, before = newest.context[:IDENTITY_BYTES], newest.context[IDENTITY_BYTES:]
    try:
        stored = store.prepare(identity)
    except StoreUnavailableError:
        stored = None
    waiting = _entries(held, 1 if stored is None else stored.seq + 1)
    last = waiting[-1].hash if waiting else None
    if last is None:
        kept = _entries(held, newest.first_seq)
        last = kept[-1].hash if kept else before
    if stored is None:
        return Start(identity, held.next_seq, last, 0, waiting)
    _same_ledger(identity, stored, store)
    if waiting:
        _follows(stored, waiting[0], store)
        return Start(identity, held.next_seq, last, stored.seq, waiting)
    _holds(store, stored, held.next_seq - 1, last)
    return Start(identity, stored.seq + 1, stored.hash, stored.seq)


def _entries(held: Held, from_seq: int) -> list[Entry]:
    return [from_frame(frame) for _, frame in held.frames(from_seq)]


def _same_ledger(identity: bytes, stored: Head, store: Store) -> None:
    if identity != stored.identity:
        raise ContinuityError(
            f"the journal is of ledger {identity.hex()}, the store at {store.name} of ledger "
            f"{stored.identity.hex()}; open each with its own"
        )


def _follows(stored: Head, first: Entry, store: Store) -> None:
    """Make sure that the first entry which the store lacks hangs on its last."""
    if first.seq > stored.seq + 1:
        raise ContinuityError(
            f"the store at {store.name} ends with entry {stored.seq}, the journal begins with "
            f"{first.seq}; restore a copy of the store that reaches entry {first.seq - 1}"
        )
    if first.rehash(stored.hash) != first.hash:
        raise ContinuityError(
            f"entry {first.seq} of the journal does not follow entry {stored.seq} of the store at "
            f"{store.name}: one of the two was edited, or restored from a copy"
        )


def _holds(store: Store, stored: Head, last_seq: int, last: bytes) -> None:
    """Make sure that the store has the entry with which the journal ends."""
    if stored.seq < last_seq:
        raise ContinuityError(
            f"the store at {store.name} ends with entry {stored.seq}, but entry {last_seq} was "
            "moved there; restore a copy that reaches it"
        )
    if last_seq == 0:
        own = genesis(stored.identity)
    else:
        found = store.read(ENTRIES.c.seq == last_seq)
        own = found[0].hash if found else last  # retention may have cut it
    if own != last:
        raise ContinuityError(
            f"entry {last_seq} of the store at {store.name} is not the one that the journal ends "
            "with: one of the two was edited, or restored from a copy"
        )
