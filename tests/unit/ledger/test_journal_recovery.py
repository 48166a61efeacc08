"""What a journal holds after a crash or damage, for any byte."""

from __future__ import annotations

import shutil
import tempfile
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from triage.ledger.errors import DamagedJournalError
from triage.ledger.journal import Journal
from triage.ledger.recovery import read_folder, recover
from triage.ledger.segment import HEADER_BYTES, encode_block, encode_header, read_segment

CHECKED = 90
"""Bytes of the header that carry something; zeros fill the rest."""
Appends = list[list[bytes]]
APPENDS = st.lists(st.lists(st.binary(max_size=40), min_size=1, max_size=4), min_size=1, max_size=6)


def written(folder: Path, appends: Appends, *, sealed: bool = False, room: int = 64) -> list[int]:
    """Write a file as the journal does, one block an append; returns where blocks end."""
    data = encode_header(1, 7, b"")
    ends, seq = [len(data)], 1
    for payloads in appends:
        data += encode_block(seq, seq - 1, 7, payloads)
        seq += len(payloads)
        ends.append(len(data))
    if sealed:
        data += encode_block(seq, seq - 1, 7, [])
    (folder / f"{1:020d}.journal").write_bytes(data + bytes(room))
    return ends


def payloads(folder: Path) -> list[bytes]:
    return [payload for _, payload in recover(folder).frames()]


@given(APPENDS, st.integers(min_value=0), st.booleans())
@settings(max_examples=150, deadline=None)
def test_a_file_cut_at_any_byte_keeps_every_append_before_it_whole_and_nothing_of_the_next(
    appends: Appends, at: int, preallocated: bool
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ends = written(folder, appends, room=0)
        path = next(folder.iterdir())
        data = path.read_bytes()
        at = HEADER_BYTES + at % (len(data) - HEADER_BYTES + 1)
        path.write_bytes(data[:at] + bytes(len(data) - at if preallocated else 0))
        # a block that ends in zeros is whole already when only those are missing
        complete = [end for end in ends if end <= at or path.read_bytes()[:end] == data[:end]]
        kept = [p for append in appends[: len(complete) - 1] for p in append]

        held = recover(folder)

        assert [payload for _, payload in held.frames()] == kept
        assert held.next_seq == len(kept) + 1
        left = path.read_bytes()[complete[-1] :]
        assert not left.strip(b"\0")
        assert recover(folder).cut is None


@given(APPENDS, st.integers(min_value=0), st.integers(1, 255))
@settings(max_examples=150, deadline=None)
def test_a_flipped_byte_is_named_where_a_later_block_vouches_for_it_and_else_only_the_end_goes(
    appends: Appends, at: int, flip: int
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ends = written(folder, appends, room=0)
        path = next(folder.iterdir())
        data = bytearray(path.read_bytes())
        at %= len(data)
        data[at] ^= flip
        path.write_bytes(bytes(data))
        block = next((i for i, (a, b) in enumerate(pairwise(ends)) if a <= at < b), None)
        if block is None and at >= CHECKED:
            assert payloads(folder) == [p for append in appends for p in append]
        elif block is None or block < len(appends) - 1:
            with pytest.raises(DamagedJournalError) as caught:
                recover(folder)
            assert caught.value.segment == path
            assert caught.value.offset == (0 if block is None else ends[block])
            assert path.read_bytes() == bytes(data)
        else:
            assert payloads(folder) == [p for append in appends[:-1] for p in append]


def test_a_flip_in_the_last_block_is_damage_once_the_journal_was_closed(tmp_path: Path) -> None:
    ends = written(tmp_path, [[b"one"], [b"two"]], sealed=True)
    path = next(tmp_path.iterdir())
    data = bytearray(path.read_bytes())
    data[ends[1] + 30] ^= 1
    path.write_bytes(bytes(data))

    with pytest.raises(DamagedJournalError, match=f"byte {ends[1]}: the block of frame 2"):
        recover(tmp_path)


def test_payload_bytes_that_look_like_a_block_vouch_for_nothing(tmp_path: Path) -> None:
    forged = encode_block(3, 2, 8, [b"forged"])  # another file's random number
    ends = written(tmp_path, [[b"one"], [forged]])
    path = next(tmp_path.iterdir())
    data = bytearray(path.read_bytes())
    data[ends[1] + 8] ^= 1  # the last block is torn; the forged one inside it is not
    path.write_bytes(bytes(data))

    assert payloads(tmp_path) == [b"one"]


def test_blocks_that_were_flushed_together_may_reach_the_disk_in_any_order(tmp_path: Path) -> None:
    data = encode_header(1, 7, b"") + encode_block(1, 0, 7, [b"one"])
    first = len(data)
    data += encode_block(2, 1, 7, [b"two"])
    second = len(data)
    data += encode_block(3, 1, 7, [b"three"])  # written before frame 2 was on the disk
    lost = data[:first] + bytes(second - first) + data[second:]
    path = tmp_path / f"{1:020d}.journal"
    path.write_bytes(lost + bytes(100))

    held = recover(tmp_path)

    assert [payload for _, payload in held.frames()] == [b"one"]
    assert held.cut is not None
    assert held.cut.offset == first


def test_a_missing_file_between_two_others_is_named(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path, segment_bytes=1_000)
    for n in range(40):
        journal.append([b"x" * 100 + bytes([n])]).result()
    journal.close()
    files = sorted(tmp_path.glob("*.journal"))
    files[1].unlink()

    with pytest.raises(DamagedJournalError, match="are missing before"):
        Journal.open(tmp_path)


def test_after_a_refusal_the_folder_can_be_opened_again(tmp_path: Path) -> None:
    written(tmp_path, [[b"one"], [b"two"]])
    path = next(tmp_path.iterdir())
    data = bytearray(path.read_bytes())
    data[HEADER_BYTES + 20] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(DamagedJournalError):
        Journal.open(tmp_path)
    data[HEADER_BYTES + 20] ^= 1
    path.write_bytes(bytes(data))

    journal = Journal.open(tmp_path)

    assert [payload for _, payload in journal.read()] == [b"one", b"two"]
    journal.close()


def test_the_header_carries_what_its_owner_gave(tmp_path: Path) -> None:
    path = tmp_path / "one.journal"
    path.write_bytes(encode_header(12, 99, b"context"))

    segment, _ = read_segment(path)

    assert (segment.first_seq, segment.context, segment.next_seq) == (12, b"context", 12)
    with pytest.raises(ValueError, match="65 bytes"):
        encode_header(1, 1, bytes(65))


def test_reading_beside_the_writer_never_sees_damage(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path, segment_bytes=20_000)
    futures = []
    seen = 0
    for n in range(200):
        futures.append(journal.append([b"%d" % n] * 20))
        found = [seq for seq, _ in read_folder(tmp_path).frames()]
        assert found == list(range(1, len(found) + 1))
        assert len(found) >= seen
        seen = len(found)
    for future in futures:
        future.result()
    journal.close()
    assert len(list(read_folder(tmp_path).frames())) == 4_000


def test_the_room_that_a_crash_left_empty_is_not_read_again(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path / "journal", segment_bytes=1 << 20)
    journal.append([b"first", b"second"]).result(10)
    shutil.copytree(tmp_path / "journal", tmp_path / "crashed")
    journal.close()
    (path,) = (tmp_path / "crashed").glob("*.journal")
    assert path.stat().st_size == 1 << 20
    after = Journal.open(tmp_path / "crashed", segment_bytes=1 << 20)
    assert path.stat().st_size < 1_000
    after.append([b"third"]).result(10)
    assert [payload for _, payload in after.read()] == [b"first", b"second", b"third"]
    after.close()
