"""One file of the journal: a header, then blocks; what a crash leaves is told from damage.

A block is what one write carried: whole appends, one checksum. It is there whole or not at all, so
no append is ever half kept. Its checksum starts from a random number in the file's header, so
bytes that a caller sends cannot pass for a block. Each block also says up to which frame
everything was on the disk when it was written. A bad block that a later block vouches for is
damage; one that nobody vouches for is what a crash left of the last write.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from triage.ledger.errors import DamagedJournalError

HEADER_BYTES = 128
CONTEXT_BYTES = 64
SUFFIX = ".journal"
UNNAMED = ".new"
_MAGIC = b"TRIAGEJ1"
_HEADER = struct.Struct(f"<8sQIH{CONTEXT_BYTES}s")
_BLOCK_MAGIC = b"TJBK"
_BLOCK = struct.Struct("<4sIQQII")
_LENGTH = struct.Struct("<I")
BLOCK_BYTES = _BLOCK.size
LENGTH_BYTES = _LENGTH.size


@dataclass(frozen=True, slots=True)
class Block:
    """Where a block lies and which frames it carries: `first_seq` up to before `next_seq`."""

    offset: int
    end: int
    first_seq: int
    next_seq: int
    synced_before: int


@dataclass(frozen=True, slots=True)
class Segment:
    """What one file holds.

    Attributes:
        path: the file.
        first_seq: sequence number of its first frame.
        next_seq: sequence number after its last frame.
        context: what the owner of the journal wrote into the header.
        blocks: the whole blocks, in order.
        end: byte after the last whole block.
        torn_bytes: bytes after it that are not empty: what a crash left of the last write.
    """

    path: Path
    first_seq: int
    next_seq: int
    context: bytes
    salt: int
    blocks: tuple[Block, ...]
    end: int
    torn_bytes: int


def segment_path(folder: Path, first_seq: int) -> Path:
    """Return the name of the file that begins with a frame."""
    return folder / f"{first_seq:020d}{SUFFIX}"


def encode_header(first_seq: int, salt: int, context: bytes) -> bytes:
    """Return the first bytes of a file.

    Raises:
        ValueError: if the context is longer than `CONTEXT_BYTES`.
    """
    if len(context) > CONTEXT_BYTES:
        raise ValueError(f"context of {len(context)} bytes; {CONTEXT_BYTES} is the most")
    head = _HEADER.pack(_MAGIC, first_seq, salt, len(context), context)
    return (head + _LENGTH.pack(zlib.crc32(head))).ljust(HEADER_BYTES, b"\0")


def encode_block(first_seq: int, synced: int, salt: int, payloads: Sequence[bytes]) -> bytes:
    """Return a block.

    Args:
        first_seq: sequence number of the first payload.
        synced: last sequence number that is certainly on the disk.
        salt: the random number of the file.
        payloads: the frames; none makes a block that only vouches for what comes before it.
    """
    pack = _LENGTH.pack
    parts = [part for payload in payloads for part in (pack(len(payload)), payload)]
    body = b"".join(parts)
    crc = zlib.crc32(body, zlib.crc32(_pack(len(body), first_seq, synced, len(payloads), 0), salt))
    return _pack(len(body), first_seq, synced, len(payloads), crc) + body


def _pack(length: int, first_seq: int, synced: int, count: int, crc: int) -> bytes:
    return _BLOCK.pack(_BLOCK_MAGIC, length, first_seq, synced, count, crc)


def _block_at(data: bytes, offset: int, salt: int) -> Block | None:
    """Return the whole block that begins at a byte, or None if there is none."""
    if offset + BLOCK_BYTES > len(data):
        return None
    magic, length, first_seq, synced, count, crc = _BLOCK.unpack_from(data, offset)
    end = offset + BLOCK_BYTES + length
    if magic != _BLOCK_MAGIC or end > len(data):
        return None
    body = memoryview(data)[offset + BLOCK_BYTES : end]
    if crc != zlib.crc32(body, zlib.crc32(_pack(length, first_seq, synced, count, 0), salt)):
        return None
    return Block(offset, end, first_seq, first_seq + count, synced)


def read_segment(path: Path) -> tuple[Segment, bytes]:
    """Read a file of the journal; returns what it holds and its bytes.

    Raises:
        DamagedJournalError: if the header, or a block that a later one vouches for, is not whole.
    """
    data = path.read_bytes()
    if len(data) < HEADER_BYTES:
        raise DamagedJournalError(path, 0, "the header is cut short")
    magic, first_seq, salt, length, context = _HEADER.unpack_from(data)
    (crc,) = _LENGTH.unpack_from(data, _HEADER.size)
    if magic != _MAGIC or crc != zlib.crc32(data[: _HEADER.size]):
        raise DamagedJournalError(path, 0, "the header does not match its checksum")
    blocks = []
    offset, expected = HEADER_BYTES, first_seq
    while block := _block_at(data, offset, salt):
        if block.first_seq != expected:
            what = f"frame {block.first_seq} stands where {expected} belongs"
            raise DamagedJournalError(path, offset, what)
        blocks.append(block)
        offset, expected = block.end, block.next_seq
    rest = data[offset:].rstrip(b"\0")
    later = _vouching(data, offset, salt, expected) if rest else None
    if later:
        raise DamagedJournalError(
            path,
            offset,
            f"the block of frame {expected} is not whole, but that of frame {later.first_seq} "
            f"at byte {later.offset} was written after it",
        )
    segment = Segment(
        path, first_seq, expected, context[:length], salt, tuple(blocks), offset, len(rest)
    )
    return segment, data


def _vouching(data: bytes, offset: int, salt: int, expected: int) -> Block | None:
    """Return the first whole block behind a byte that knew frame `expected` to be on the disk."""
    while (offset := data.find(_BLOCK_MAGIC, offset + 1)) >= 0:
        block = _block_at(data, offset, salt)
        if block and block.synced_before >= expected:
            return block
    return None


def runs(segment: Segment, data: bytes, from_seq: int) -> Iterator[tuple[int, list[bytes]]]:
    """Yield the payloads of a file from a sequence number on, block by block, with the first's."""
    unpack = _LENGTH.unpack_from
    for block in segment.blocks:
        if block.next_seq <= from_seq:
            continue
        at = block.offset + BLOCK_BYTES
        payloads = []
        for _ in range(block.first_seq, block.next_seq):
            (length,) = unpack(data, at)
            at += LENGTH_BYTES
            payloads.append(data[at : at + length])
            at += length
        before = max(from_seq - block.first_seq, 0)
        yield block.first_seq + before, payloads[before:]


def create_segment(path: Path, first_seq: int, salt: int, context: bytes, size: int) -> int:
    """Make a file of `size` bytes that are written, and all on the disk; returns it open.

    Zeros are written rather than promised (`fallocate`), so that later writes change no metadata
    and one flush is enough for them. The file gets its name when it is whole; one of that name
    is replaced.

    Raises:
        OSError: if there is no room; then nothing has changed.
    """
    unnamed = path.with_suffix(UNNAMED)
    flags = os.O_RDWR | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0)
    handle = os.open(unnamed, flags, 0o600)
    try:
        write_at(handle, 0, encode_header(first_seq, salt, context).ljust(size, b"\0"))
        os.fsync(handle)
        unnamed.replace(path)
        sync_folder(path.parent)
    except OSError:
        os.close(handle)
        unnamed.unlink(missing_ok=True)
        raise
    return handle


def write_at(handle: int, offset: int, data: bytes) -> None:
    """Write all of `data` at a byte of a file.

    Raises:
        OSError: if it could not be written whole.
    """
    view = memoryview(data)
    while view:
        written = _write(handle, view, offset)
        view, offset = view[written:], offset + written


def _seek_and_write(handle: int, data: memoryview, offset: int) -> int:
    os.lseek(handle, offset, os.SEEK_SET)
    return os.write(handle, data)


_write: Callable[[int, memoryview, int], int] = getattr(os, "pwrite", _seek_and_write)


def sync_folder(folder: Path) -> None:
    """Make names that were added to or removed from a folder durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
