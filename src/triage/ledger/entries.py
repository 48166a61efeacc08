"""Entries of the ledger: what is recorded, how it is packed, how it hangs on what came before."""

from __future__ import annotations

import hashlib
import json
import os
import re
import struct
import time
import zlib
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal, get_args

from triage.ledger.errors import LedgerError

Kind = Literal[
    "decision",
    "disposition",
    "assignment",
    "note",
    "intervention",
    "outcome",
    "feedback",
    "promotion",
    "rollback",
    "alarm",
    "key",
    "setting",
    "idempotency",
    "erasure",
    "retention",
]
KINDS: frozenset[str] = frozenset(get_args(Kind))
MOST_BYTES = 4 << 20
"""Largest body or personal part of one entry."""
MOST_CHARACTERS = 500
"""Longest id of an entry or an order."""
_STORABLE = re.compile("[^\\x00\\ud800-\\udfff]*")
_RAW, _ZLIB = b"\0", b"\1"
_LEVEL, _WINDOW_BITS, _MEMORY = 2, 13, 6
"""Of zlib. Its default (6, 15, 8) packs 3 % smaller and takes two to four times as long, most of it
for memory that a few kilobytes do not need."""
_SALT_BYTES = 16
_NONE = -1


def canonical(value: object) -> bytes:
    """Return a value as JSON bytes that are the same for equal values: sorted, no blanks, UTF-8.

    Raises:
        ValueError: if it holds NaN or infinity.
    """
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    ).encode()


def new_id() -> str:
    """Return an id that nobody else makes: UUID version 7, so ids of one time lie together."""
    stamp = time.time_ns() // 1_000_000
    value = (stamp << 80) | int.from_bytes(os.urandom(10))
    value = value & ~(0xF << 76) | (0x7 << 76)
    value = value & ~(0x3 << 62) | (0x2 << 62)
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


@dataclass(frozen=True, slots=True)
class Draft:
    """An entry to be recorded.

    Attributes:
        kind: what it is.
        body: canonical JSON bytes (see `canonical`); never personal data.
        order_id: the order it is about; None if it is about none.
        personal: bytes that can be erased later (who did it, free text); None if there are none.
        id: unique among all entries.
        at: when it happened, UTC micros; None means the moment of recording.
    """

    kind: Kind
    body: bytes = field(repr=False)
    order_id: str | None = None
    personal: bytes | None = field(default=None, repr=False)
    id: str = field(default_factory=new_id)
    at: int | None = None

    def check(self) -> None:
        """Refuse what could not be kept.

        Raises:
            LedgerError: if the kind is not one of `KINDS`, an id could not be stored, or a part is
                too long.
        """
        if self.kind not in KINDS:
            raise LedgerError(f"no such kind of entry; these exist: {', '.join(sorted(KINDS))}")
        for text in (self.id, "-" if self.order_id is None else self.order_id):
            if not 0 < len(text) <= MOST_CHARACTERS or not _STORABLE.fullmatch(text):
                raise LedgerError(
                    f"ids have 1 to {MOST_CHARACTERS} characters, none of them NUL or half a pair"
                )
        if max(len(self.body), len(self.personal or b"")) > MOST_BYTES:
            raise LedgerError(f"an entry holds at most {MOST_BYTES} bytes")
        if self.at is not None and not -(2**63) < self.at < 2**63:
            raise LedgerError("the moment of an entry is in microseconds since 1970")


@dataclass(frozen=True)
class Entry:
    """A recorded entry.

    Attributes:
        seq: its place in the ledger, from 1, without gaps.
        at: UTC micros.
        kind: what it is, one of `KINDS`.
        id: its unique id.
        order_id: the order that it is about, or None.
        packed_body: its body behind a mark, compressed once it is in the store (`compact`).
        packed_personal: its personal part, salted, packed in the same way; None if there was none
            or it was erased.
        personal_digest: SHA-256 of the salted personal part; stays when that is erased. None if
            there never was one.
        hash: SHA-256 over the hash before it and all of the above; see `link`.
    """

    seq: int
    at: int
    kind: str
    id: str
    order_id: str | None
    packed_body: bytes = field(repr=False)
    packed_personal: bytes | None = field(repr=False)
    personal_digest: bytes | None
    hash: bytes

    @cached_property
    def body(self) -> bytes:
        """The body as it was recorded."""
        return _unpack(self.packed_body)

    @property
    def personal(self) -> bytes | None:
        """The personal part as it was recorded; None if there is none (any more)."""
        if self.packed_personal is None:
            return None
        return _unpack(self.packed_personal)[_SALT_BYTES:]

    @property
    def erased(self) -> bool:
        """Whether there was a personal part that is gone."""
        return self.personal_digest is not None and self.packed_personal is None

    def without_personal(self) -> Entry:
        """Return the same entry after erasure."""
        return replace(self, packed_personal=None)

    def personal_matches(self) -> bool:
        """Whether the personal part is the one that was recorded, or is gone."""
        if self.packed_personal is None:
            return True
        return hashlib.sha256(_unpack(self.packed_personal)).digest() == self.personal_digest

    def rehash(self, previous: bytes) -> bytes:
        """Return the hash that the entry must have behind another one."""
        digest = hashlib.sha256(self.body).digest()
        return link(
            previous,
            self.seq,
            self.at,
            self.kind,
            self.id,
            self.order_id,
            digest,
            self.personal_digest,
        )


def link(
    previous: bytes,
    seq: int,
    at: int,
    kind: str,
    entry_id: str,
    order_id: str | None,
    body_digest: bytes,
    personal_digest: bytes | None,
) -> bytes:
    """Return the hash of an entry: SHA-256 over the hash before it and every part of it.

    Texts carry their length and absent parts a mark, so that no two entries give the same bytes.
    The personal part enters as its digest only (over a random salt, too, so that nobody can find
    it again by guessing), which is why the chain still holds when that part is erased.
    """
    parts = [previous, struct.pack("<Qq", seq, at)]
    for text in (kind, entry_id, order_id):
        data = b"" if text is None else text.encode()
        parts += (struct.pack("<i", _NONE if text is None else len(data)), data)
    parts += (body_digest, b"\0" if personal_digest is None else b"\1" + personal_digest)
    return hashlib.sha256(b"".join(parts)).digest()


def seal(draft: Draft, seq: int, previous: bytes, now: int) -> Entry:
    """Return a draft as the entry with a sequence number, hung on the hash before it.

    Nothing is compressed yet: somebody waits.
    """
    digest = None
    packed = None
    if draft.personal is not None:
        salted = os.urandom(_SALT_BYTES) + draft.personal
        digest = hashlib.sha256(salted).digest()
        packed = _RAW + salted
    at = now if draft.at is None else draft.at
    body_digest = hashlib.sha256(draft.body).digest()
    own = link(previous, seq, at, draft.kind, draft.id, draft.order_id, body_digest, digest)
    return Entry(
        seq, at, draft.kind, draft.id, draft.order_id, _RAW + draft.body, packed, digest, own
    )


def compact(packed: bytes) -> bytes:
    """Return a packed part compressed, if that makes it smaller."""
    if packed[:1] != _RAW:
        return packed
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, _WINDOW_BITS, _MEMORY)
    small = packer.compress(memoryview(packed)[1:]) + packer.flush()
    return _ZLIB + small if len(small) + 1 < len(packed) else packed


def _unpack(data: bytes) -> bytes:
    return zlib.decompress(data[1:]) if data[:1] == _ZLIB else data[1:]
