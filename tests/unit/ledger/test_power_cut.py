"""A power cut keeps any part of what was not flushed; what was flushed is there, the rest whole."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from triage.ledger import tape
from triage.ledger.errors import DamagedJournalError
from triage.ledger.recovery import Held, read_folder, recover
from triage.ledger.tape import Acknowledge, Tape

SECTOR = 512


class PowerCutError(BaseException):
    """The machine is off: nobody tidies up."""


class Disk:
    """Remembers what each file held when it was last flushed."""

    def __init__(self, flushes: int, kept: random.Random) -> None:
        self.left = flushes
        self.kept = kept
        self.flushed: dict[Path, bytes] = {}

    def flush(self, tape_: Tape) -> None:
        if self.left == 0:
            raise PowerCutError
        self.left -= 1
        self.flushed[tape_._path] = tape_._path.read_bytes()

    def cut_power(self, folder: Path) -> None:
        """Of what was written since the last flush keep any sectors, in any order."""
        for path in folder.glob("*.journal"):
            now = path.read_bytes()
            old = self.flushed.get(path, now[:128].ljust(len(now), b"\0"))
            sectors = [
                (now if self.kept.random() < 0.5 else old)[at : at + SECTOR]
                for at in range(0, len(now), SECTOR)
            ]
            path.write_bytes(b"".join(sectors))


@contextmanager
def powered(folder: Path, mode: Acknowledge, disk: Disk) -> Iterator[Tape]:
    """A tape whose flushes are the disk's; without its thread, so that the law can be replayed."""
    with mock.patch.object(Tape, "_keep_flushing", return_value=None):
        opened = Tape(folder, Held((), None), 1, b"", mode, segment_bytes=700)
    with mock.patch.object(tape, "_flush", side_effect=lambda _: disk.flush(opened)):
        yield opened


@given(
    st.lists(st.lists(st.binary(max_size=300), min_size=1, max_size=6), min_size=1, max_size=30),
    st.integers(0, 30),
    st.sets(st.integers(0, 29)),
    st.integers(0, 2**32),
)
@settings(max_examples=80, deadline=None)
@pytest.mark.parametrize("mode", ["synced", "written"])
def test_after_a_power_cut_all_that_was_flushed_is_there_and_the_rest_whole_or_not_at_all(
    mode: Acknowledge,
    appends: list[list[bytes]],
    flushes: int,
    flushed_after: set[int],
    chance: int,
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        disk = Disk(flushes, random.Random(chance))  # noqa: S311 - sectors, not secrets
        with powered(folder, mode, disk) as opened:
            try:
                for place, payloads in enumerate(appends):
                    opened.write(payloads, lambda: b"")
                    if mode == "written" and place in flushed_after:
                        opened._flush_owed()
            except PowerCutError:
                pass
            safe = opened.synced_seq
        disk.cut_power(folder)

        kept = [payload for _, payload in recover(folder).frames()]

        ends = [0]
        for payloads in appends:
            ends.append(ends[-1] + len(payloads))
        assert len(kept) in ends
        assert len(kept) >= safe
        assert kept == [p for payloads in appends for p in payloads][: len(kept)]
        assert read_folder(folder).cut is None


def test_damage_to_what_was_flushed_is_still_told_from_a_power_cut(tmp_path: Path) -> None:
    disk = Disk(100, random.Random(1))  # noqa: S311
    with powered(tmp_path, "synced", disk) as opened:
        for n in range(5):
            opened.write([b"%d" % n * 50], lambda: b"")
    path = next(tmp_path.glob("*.journal"))
    data = bytearray(path.read_bytes())
    data[200] ^= 1
    path.write_bytes(bytes(data))

    with pytest.raises(DamagedJournalError):
        recover(tmp_path)
