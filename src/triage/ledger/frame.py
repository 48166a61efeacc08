"""Entries as bytes for the journal, and back."""

from __future__ import annotations

import struct

from triage.ledger.entries import Entry

_HASH_BYTES = 32
_HEAD = struct.Struct("<QqBHHIiB")
_NONE = -1


def to_frame(entry: Entry) -> bytes:
    """Return an entry as bytes for the journal."""
    kind, own = entry.kind.encode(), entry.id.encode()
    order = b"" if entry.order_id is None else entry.order_id.encode()
    marks = (entry.order_id is not None) | (entry.personal_digest is not None) << 1
    personal = entry.packed_personal
    head = _HEAD.pack(
        entry.seq,
        entry.at,
        len(kind),
        len(own),
        len(order),
        len(entry.packed_body),
        _NONE if personal is None else len(personal),
        marks,
    )
    parts = (head, kind, own, order, entry.packed_body, personal or b"", entry.hash)
    return b"".join((*parts, entry.personal_digest or b""))


def from_frame(frame: bytes) -> Entry:
    """Return the entry that `to_frame` made bytes of."""
    seq, at, kind_n, own_n, order_n, body_n, personal_n, marks = _HEAD.unpack_from(frame)
    place = _HEAD.size
    parts: list[bytes] = []
    for length in (kind_n, own_n, order_n, body_n, max(personal_n, 0), _HASH_BYTES):
        parts.append(frame[place : place + length])
        place += length
    kind, own, order, body, personal, digest = parts
    return Entry(
        seq,
        at,
        kind.decode(),
        own.decode(),
        order.decode() if marks & 1 else None,
        body,
        None if personal_n == _NONE else personal,
        frame[place:] if marks & 2 else None,
        digest,
    )
