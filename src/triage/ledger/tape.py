"""The files under a journal: where the next block goes, when it is safe, what a failure undoes."""

from __future__ import annotations

import contextlib
import os
import secrets
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from triage.ledger.recovery import Held
from triage.ledger.segment import (
    HEADER_BYTES,
    create_segment,
    encode_block,
    segment_path,
    sync_folder,
    write_at,
)

Acknowledge = Literal["synced", "written"]
MOST_OWED_BYTES = 32 << 20
"""So much may be written and not yet flushed before writing waits for the flush."""

_flush: Callable[[int], None] = getattr(os, "fdatasync", os.fsync)


@dataclass(frozen=True, slots=True)
class _Owed:
    """A block that is written but not yet certainly on the disk, and how to write it again."""

    first_seq: int
    payloads: Sequence[bytes]
    context: bytes
    offset: int
    size: int


class Tape:
    """The newest file, open for writing, and the files before it. One block at a time."""

    def __init__(
        self,
        folder: Path,
        held: Held,
        next_seq: int,
        context: bytes,
        acknowledge: Acknowledge = "synced",
        segment_bytes: int = 8 << 20,
    ) -> None:
        """Begin a new file behind those that are held.

        Without room for it nothing fails yet: the first write tries again.

        Args:
            folder: where the files are.
            held: what was recovered; if it ends before `next_seq` its files are deleted, because
                the caller has everything before that.
            next_seq: sequence number of the next frame.
            context: for the header of the new file.
            acknowledge: whether a write flushes, or a second thread does.
            segment_bytes: size of a file.
        """
        self.folder = folder
        self.next_seq = next_seq
        self.synced_seq = next_seq - 1
        self._segment_bytes = segment_bytes
        self._io, self._deleting = threading.RLock(), threading.Lock()
        self._handle: int | None = None
        self._path = folder
        self._closed = [
            (item.path, item.next_seq - 1)
            for item in held.segments
            if item.path != segment_path(folder, next_seq)  # empty: the new one takes its place
        ]
        self._salt = self._end = self._size = 0
        self._uncut: tuple[Path, int] | None = None
        self._owed: deque[_Owed] = deque()
        self._owed_bytes = 0
        self._failed = False
        self._written = acknowledge == "written"
        self._closing = threading.Event()
        self._dirty = threading.Event()
        try:
            self._begin(next_seq, context)
        except OSError:
            self._handle = None
        else:
            behind = held.next_seq < next_seq
            stale = {i.path for i in held.segments if behind or i.next_seq == i.first_seq}
            self._forget(lambda path, _last: path in stale)
        self._flusher = threading.Thread(target=self._keep_flushing, name="flush", daemon=True)
        if self._written:
            self._flusher.start()

    def write(self, payloads: Sequence[bytes], context: Callable[[], bytes]) -> None:
        """Write one block, on the disk when this returns if so asked.

        Raises:
            OSError: if it could not be written; then none of it is kept.
        """
        with self._io:
            self.mend(context)
            block = encode_block(self.next_seq, self.synced_seq, self._salt, payloads)
            if self._end + len(block) > self._size:
                self.rotate(context(), len(block))
                block = encode_block(self.next_seq, self.synced_seq, self._salt, payloads)
            assert self._handle is not None  # noqa: S101 - mend has made sure
            try:
                write_at(self._handle, self._end, block)
                if not self._written:
                    _flush(self._handle)
            except OSError:
                self._abandon(self._end, self.next_seq - 1)
                raise
            if self._written:
                owed = _Owed(self.next_seq, payloads, context(), self._end, len(block))
                self._owed.append(owed)
                self._owed_bytes += len(block)
            self._end += len(block)
            self.next_seq += len(payloads)
            if not self._written:
                self.synced_seq = self.next_seq - 1
            elif self._owed_bytes > MOST_OWED_BYTES:
                self._flush_owed()
            else:
                self._dirty.set()

    @property
    def acknowledges_synced(self) -> bool:
        """Whether a write is on the disk when it is acknowledged."""
        return not self._written

    def begin(
        self, payloads: Sequence[bytes], behind: int = 0, frames: int = 0
    ) -> tuple[int, bytes, int] | None:
        """Return what somebody else is to write and flush: an open file, a block, from which byte.

        `end` or `fail` must follow before anything else is written. None where `write` is needed:
        the file must be mended or ends here.

        Args:
            payloads: what the block carries.
            behind: bytes of blocks that were begun before it and have not ended.
            frames: how many frames are in those.
        """
        with self._io:
            if self._failed or self._handle is None:
                return None
            block = encode_block(self.next_seq + frames, self.synced_seq, self._salt, payloads)
            if self._end + behind + len(block) > self._size:
                return None
            return self._handle, block, self._end + behind

    def end(self, block: bytes, count: int) -> None:
        """Go on behind blocks of so many frames that somebody else has brought to the disk."""
        with self._io:
            self._end += len(block)
            self.next_seq += count
            self.synced_seq = self.next_seq - 1

    def fail(self) -> None:
        """Give the file up behind what is safe: somebody else could not write a block."""
        with self._io:
            self._abandon(self._end, self.next_seq - 1)

    def mend(self, context: Callable[[], bytes]) -> None:
        """Make sure that there is a file to write to, after a failure or at first.

        Raises:
            OSError: if the disk is still not fit.
        """
        with self._io:
            if self._failed:
                self._write_owed_again()
            if self._handle is None:
                self._begin(self.next_seq, context())

    def rotate(self, context: bytes, room: int = 0) -> None:
        """Go on in a new file.

        Raises:
            OSError: if it cannot be made; then the present one stays.
        """
        with self._io:
            if self._failed:
                self._write_owed_again()
            if self._handle is None or self._end > HEADER_BYTES:
                self._flush_owed()
                self._begin(self.next_seq, context, room)

    def release(self, upto_seq: int) -> None:
        """Delete closed files whose last frame is at most `upto_seq`.

        Raises:
            OSError: if the disk does not let them go; another time they are tried again.
        """
        self._forget(lambda _path, last: last <= upto_seq)

    def close(self) -> None:
        """Flush, vouch for the end, and close the file."""
        self._closing.set()
        self._dirty.set()
        if self._written:
            self._flusher.join()
        with self._deleting, self._io:
            try:
                self._cut_again()
                if self._failed:
                    self._write_owed_again()
                self._flush_owed()
                if self._handle is not None:
                    seal = encode_block(self.next_seq, self.synced_seq, self._salt, ())
                    if self._end + len(seal) <= self._size:
                        write_at(self._handle, self._end, seal)
                        _flush(self._handle)
            finally:
                if self._handle is not None:
                    os.close(self._handle)
                    self._handle = None

    def _begin(self, first_seq: int, context: bytes, room: int = 0) -> None:
        self._cut_again()
        size = max(self._segment_bytes, HEADER_BYTES + room)
        salt = secrets.randbits(32)
        path = segment_path(self.folder, first_seq)
        handle = create_segment(path, first_seq, salt, context, size)
        if self._handle is not None:
            os.close(self._handle)
            self._closed.append((self._path, first_seq - 1))
        self._closed = [item for item in self._closed if item[0] != path]
        self._handle, self._path = handle, path
        self._salt, self._end, self._size = salt, HEADER_BYTES, size

    def _forget(self, goes: Callable[[Path, int], bool]) -> None:
        with self._deleting:
            with self._io:
                gone = [path for path, last in self._closed if goes(path, last)]
            if not gone:
                return
            for path in gone:  # which may take long, while others write
                path.unlink(missing_ok=True)
            sync_folder(self.folder)
            with self._io:
                self._closed = [item for item in self._closed if item[0] not in gone]

    def _cut_again(self) -> None:
        """Cut what a failure left behind and could not cut, unless that file has gone since."""
        if self._uncut:
            with contextlib.suppress(FileNotFoundError):
                _cut(*self._uncut)
            self._uncut = None

    def _abandon(self, end: int, last: int) -> None:
        """Give up the file behind a byte: after a failed flush nobody knows what is on the disk."""
        assert self._handle is not None  # noqa: S101 - only a file that is open fails
        os.close(self._handle)
        self._handle = None
        if end > HEADER_BYTES:
            self._closed.append((self._path, last))
        try:
            _cut(self._path, end)
        except OSError:
            self._uncut = (self._path, end)
            self._failed = self._failed or bool(self._owed)
        else:
            self._settle(last)

    def _keep_flushing(self) -> None:
        """Bring what is written to the disk, again and again, without holding up writing."""
        while not self._closing.is_set():
            self._dirty.wait()
            self._dirty.clear()
            with self._io:
                if self._failed or self._handle is None or not self._owed:
                    continue
                upto, handle = self.next_seq - 1, os.dup(self._handle)
            try:
                _flush(handle)
            except OSError:
                self._failed = True
            else:
                self._settle(upto)
            finally:
                os.close(handle)

    def _flush_owed(self) -> None:
        if self._handle is None or not self._owed:
            return
        try:
            _flush(self._handle)
        except OSError:
            self._failed = True
            raise
        self._settle(self.next_seq - 1)

    def _settle(self, upto: int) -> None:
        with self._io:
            if self._failed:
                return
            while self._owed and self._owed[0].first_seq <= upto:
                self._owed_bytes -= self._owed.popleft().size
            self.synced_seq = max(self.synced_seq, upto)

    def _write_owed_again(self) -> None:
        """After a failed flush, write into a new file what was acknowledged and may be lost."""
        if not self._owed:
            self._failed = False
            return
        first = self._owed[0]
        if self._handle is not None:
            self._abandon(first.offset, first.first_seq - 1)
        self._begin(first.first_seq, first.context, sum(owed.size for owed in self._owed))
        assert self._handle is not None  # noqa: S101 - just begun
        again = deque[_Owed]()
        try:
            for owed in self._owed:
                block = encode_block(owed.first_seq, self.synced_seq, self._salt, owed.payloads)
                write_at(self._handle, self._end, block)
                again.append(replace(owed, offset=self._end, size=len(block)))
                self._end += len(block)
            _flush(self._handle)
        except OSError:
            self._abandon(HEADER_BYTES, first.first_seq - 1)
            raise
        self._owed = again
        self._failed = False
        self._settle(self.next_seq - 1)


def _cut(path: Path, end: int) -> None:
    with path.open("r+b") as file:
        file.truncate(end)
        os.fsync(file.fileno())
