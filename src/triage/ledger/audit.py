"""Is the ledger still what was recorded? Names the first entry that is not."""

from __future__ import annotations

import json
import struct
import time
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from triage.ledger.chain import genesis
from triage.ledger.checkpoint import Checkpoint, Signer
from triage.ledger.entries import Entry
from triage.ledger.errors import CheckpointError
from triage.ledger.reading import Reading
from triage.ledger.retention import Retention, vouch

_UNREADABLE = (zlib.error, struct.error, TypeError, ValueError, AttributeError)
"""What computing a hash raises if a part is not even of its type any more."""


@dataclass(frozen=True, slots=True)
class AuditResult:
    """What verification found.

    Attributes:
        first_seq: where it began (1, or behind the checkpoint up to which entries were deleted).
        last_seq: the last entry that verified.
        head: hash of that entry, as hexadecimal text.
        erased: entries whose personal part was erased as recorded.
        kept: older entries that stayed when those around them were deleted.
        bad_seq: the first entry that is not what was recorded; None if all are.
        why: what is wrong with it, in words.
    """

    first_seq: int
    last_seq: int
    head: str
    erased: int = 0
    kept: int = 0
    bad_seq: int | None = None
    why: str | None = None

    @property
    def ok(self) -> bool:
        """Whether everything is what was recorded."""
        return self.bad_seq is None


def verify(reading: Reading, public_key: str | None = None) -> AuditResult:
    """Compute every hash again, from the first entry kept to the last.

    Finds entries that were edited, added, swapped or deleted, and personal parts that went without
    a recorded erasure. An end that was cut off is found as far as the journal remembers it; to be
    sure, use `verify_against` with a checkpoint that was kept elsewhere.

    Args:
        reading: the ledger.
        public_key: of the checkpoints behind which entries were deleted; None trusts them.

    Raises:
        StoreUnavailableError: if the ledger cannot be read.
    """
    floor_seq, floor_hash = reading.floor()
    walk = _Walk(_begin(reading, public_key))
    for entry in reading.entries():
        bad = walk.step(entry)
        if bad is not None:
            return walk.result(*bad)
        if entry.seq == floor_seq and entry.hash != floor_hash:
            return walk.result(entry.seq, "the journal remembers another entry in its place")
    if walk.gone:
        seq = min(walk.gone)
        return walk.result(seq, "its personal part is gone, and no erasure says so")
    if walk.seq < floor_seq:
        return walk.result(walk.seq + 1, f"missing: the journal remembers entry {floor_seq}")
    return walk.result()


def verify_against(reading: Reading, checkpoint: Checkpoint, public_key: str) -> AuditResult:
    """Verify, and compare with a checkpoint that was kept elsewhere: reveals a cut or new end.

    Raises:
        CheckpointError: if the checkpoint is not signed by this key, or is of another ledger.
        StoreUnavailableError: if the ledger cannot be read.
    """
    checkpoint.check(public_key)
    if checkpoint.ledger != reading.identity().hex():
        raise CheckpointError(f"the checkpoint is of another ledger ({checkpoint.ledger})")
    result = verify(reading, public_key)
    if not result.ok or checkpoint.seq < result.first_seq:
        return result
    if result.last_seq < checkpoint.seq:
        why = f"missing: the checkpoint vouches for entry {checkpoint.seq}"
        return replace(result, bad_seq=result.last_seq + 1, why=why)
    entry = next(reading.entries(checkpoint.seq))
    if entry.hash.hex() != checkpoint.hash:
        why = "the checkpoint vouches for another one: the ledger was written anew"
        return replace(result, bad_seq=checkpoint.seq, why=why)
    return result


def make_checkpoint(reading: Reading, signer: Signer) -> Checkpoint:
    """Sign where the ledger ends now, once the disk has it.

    Raises:
        StoreUnavailableError: if the ledger cannot be read.
    """
    seq, own_hash = reading.head()
    reading.sync()
    return signer.sign(reading.identity(), seq, own_hash, time.time_ns() // 1_000)


@dataclass(frozen=True, slots=True)
class _Start:
    """What the chain begins behind, which older entries there are, and what is wrong with that."""

    seq: int
    hash: bytes
    kept: Mapping[int, str] = field(default_factory=dict)
    wrong: str | None = None


class _Walk:
    """Steps over older entries that stayed, then along the chain."""

    def __init__(self, start: _Start) -> None:
        self.first = start.seq + 1
        self.seq = start.seq
        self.hash = start.hash
        self.gone: set[int] = set()
        self._kept = dict(start.kept)
        self._kept_at_first = len(start.kept)
        self._wrong = start.wrong
        self._erased = 0

    def step(self, entry: Entry) -> tuple[int, str] | None:
        """Go on to an entry; returns which one is not as it was recorded, and why."""
        awaited = next(iter(self._kept), self.seq + 1)
        if self._wrong:
            return self.seq + 1, self._wrong
        if entry.seq > awaited:
            return awaited, f"missing: the next that is there is {entry.seq}"
        if entry.seq < awaited:
            return entry.seq, "was deleted, and is there again"
        try:
            why = self._problem(entry)
        except _UNREADABLE:
            why = "cannot be read: it was edited, or the disk is damaged"
        if why is not None:
            return entry.seq, why
        if self._kept.pop(entry.seq, None) is None:
            self.seq, self.hash = entry.seq, entry.hash
        if entry.erased:
            self.gone.add(entry.seq)
        if entry.kind == "erasure":
            named = self.gone.intersection(json.loads(entry.body)["entries"])
            self._erased += len(named)
            self.gone -= named
        return None

    def result(self, bad_seq: int | None = None, why: str | None = None) -> AuditResult:
        """Return what was found so far."""
        kept = self._kept_at_first - len(self._kept)
        head = self.hash.hex()
        return AuditResult(self.first, self.seq, head, self._erased, kept, bad_seq, why)

    def _problem(self, entry: Entry) -> str | None:
        if self._kept:
            if vouch(entry) != self._kept[entry.seq]:
                return "is not what stayed when older entries were deleted: it was edited"
        elif entry.rehash(self.hash) != entry.hash:
            return "does not match its hash: it was edited, or stands in the wrong place"
        if not entry.personal_matches():
            return "its personal part does not match its digest: it was edited"
        return None


def _begin(reading: Reading, public_key: str | None) -> _Start:
    """Return what verification begins with."""
    said = None
    for said in reading.entries(kind="retention"):  # noqa: B007  the last one counts
        pass
    if said is None:
        return _Start(0, genesis(reading.identity()))
    try:
        retention = Retention.of(said)
    except (*_UNREADABLE, KeyError):
        return _Start(said.seq - 1, b"", wrong="cannot be read: it was edited")
    newest = retention.checkpoint
    try:
        if public_key is not None:
            newest.check(public_key)
    except CheckpointError:
        return _Start(newest.seq, b"", wrong="the checkpoint before it is not signed by this key")
    return _Start(newest.seq, bytes.fromhex(newest.hash), retention.kept)
