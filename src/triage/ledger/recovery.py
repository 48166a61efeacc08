"""What a folder of the journal still holds: what a crash left is cut, damage is said."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

from triage.ledger.errors import DamagedJournalError
from triage.ledger.segment import SUFFIX, UNNAMED, Segment, read_segment, runs


@dataclass(frozen=True, slots=True)
class Cut:
    """What was left of a write that had not landed: nobody was told, or its intent is kept.

    Attributes:
        path: the file that it was cut from.
        offset: byte at which the file ends now.
        torn_bytes: how many bytes went.
    """

    path: Path
    offset: int
    torn_bytes: int


@dataclass(frozen=True, slots=True)
class Held:
    """The whole files of a folder, oldest first.

    Attributes:
        segments: the files; their frames follow each other without a gap.
        cut: what is not whole at the end of the newest; None if all is.
    """

    segments: tuple[Segment, ...]
    cut: Cut | None

    @property
    def next_seq(self) -> int:
        """The sequence number after the last frame; 0 if there is no file."""
        return self.segments[-1].next_seq if self.segments else 0

    def frames(self, from_seq: int = 0) -> Iterator[tuple[int, bytes]]:
        """Yield (sequence number, payload) from a sequence number on, reading file by file."""
        for first, payloads in self.runs(from_seq):
            yield from enumerate(payloads, first)

    def runs(self, from_seq: int = 0) -> Iterator[tuple[int, list[bytes]]]:
        """Yield the same by what was written at once: the first's number, and all payloads."""
        for segment in self.segments:
            if segment.next_seq > from_seq:
                _, data = read_segment(segment.path)
                yield from runs(segment, data, from_seq)


ATTEMPTS = 5
"""A reader beside the writer may see two halves of different moments; then it looks again."""


def read_folder(folder: Path) -> Held:
    """Read a folder of the journal without changing it; another process may be writing there.

    Raises:
        DamagedJournalError: if a block that was acknowledged is not whole, or a file is missing
            between two others.
    """
    for _ in range(ATTEMPTS - 1):
        try:
            return _read(folder)
        except (DamagedJournalError, FileNotFoundError):
            time.sleep(0.02)
    return _read(folder)


def _read(folder: Path) -> Held:
    segments = [read_segment(path)[0] for path in sorted(folder.glob(f"*{SUFFIX}"))]
    for place, (segment, following) in enumerate(pairwise(tuple(segments))):
        if segment.next_seq < following.first_seq:
            raise DamagedJournalError(
                segment.path,
                segment.end,
                f"frames {segment.next_seq} to {following.first_seq - 1} are missing before "
                f"{following.path.name}",
            )
        segments[place] = _until(segment, following.first_seq)
    last = segments[-1] if segments else None
    cut = Cut(last.path, last.end, last.torn_bytes) if last and last.torn_bytes else None
    return Held(tuple(segments), cut)


def recover(folder: Path) -> Held:
    """Read a folder of the journal that this process owns and cut off what a crash left.

    That is what was torn, and the room for writes that did not come: later starts need not read it.

    Raises:
        DamagedJournalError: as in `read_folder`; nothing is changed then.
    """
    held = _read(folder)
    for path in folder.glob(f"*{UNNAMED}"):
        path.unlink()
    if held.segments:  # what was written and not flushed was answered, too
        last = held.segments[-1]
        with last.path.open("r+b") as file:
            file.truncate(last.end)
            os.fsync(file.fileno())
    return held


def _until(segment: Segment, next_seq: int) -> Segment:
    """Return a file without the blocks that were written again into the following one."""
    blocks = tuple(block for block in segment.blocks if block.next_seq <= next_seq)
    return replace(segment, blocks=blocks, next_seq=next_seq)
