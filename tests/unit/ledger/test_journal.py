"""The journal: acknowledged means on the disk, one owner, failures undo themselves."""

from __future__ import annotations

import asyncio
import errno
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.unit.ledger.small_disk import on_a_small_disk

from triage.ledger import tape
from triage.ledger.errors import AlreadyOpenError, StoreUnavailableError
from triage.ledger.journal import Journal
from triage.ledger.recovery import read_folder
from triage.ledger.tape import Acknowledge

MODES: tuple[Acknowledge, ...] = ("synced", "written")


def held(folder: Path) -> list[bytes]:
    return [payload for _, payload in read_folder(folder).frames()]


class Disk:
    """A flush that can be held up or made to fail."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.fails = 0
        self.calls = 0
        self.free = threading.Event()
        self.free.set()
        real: Callable[[int], None] = tape._flush

        def flush(handle: int) -> None:
            self.free.wait(10)
            self.calls += 1
            if self.fails:
                self.fails -= 1
                raise OSError(errno.EIO, "the disk does not answer")
            real(handle)

        monkeypatch.setattr(tape, "_flush", flush)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    return Disk(monkeypatch)


@pytest.mark.parametrize("mode", MODES)
def test_what_was_acknowledged_is_there_in_order_after_closing(
    tmp_path: Path, mode: Acknowledge
) -> None:
    journal = Journal.open(tmp_path, acknowledge=mode, segment_bytes=4_000)
    ranges = [journal.append([b"%d" % n, b"+"]).result() for n in range(100)]
    journal.close()
    again = Journal.open(tmp_path, acknowledge=mode)

    assert ranges[0] == range(1, 3)
    assert ranges[-1] == range(199, 201)
    assert [p for _, p in again.read()] == [p for n in range(100) for p in (b"%d" % n, b"+")]
    assert [seq for seq, _ in again.read(from_seq=150)] == list(range(150, 201))
    assert again.append([b"next"]).result() == range(201, 202)
    assert again.cut is None
    again.close()


def test_nothing_is_acknowledged_before_the_flush_and_who_waits_shares_the_next_one(
    tmp_path: Path, disk: Disk
) -> None:
    journal = Journal.open(tmp_path)
    disk.free.clear()
    first = journal.append([b"first"])
    others = [journal.append([b"%d" % n]) for n in range(500)]
    assert not first.done()
    disk.free.set()
    for future in [first, *others]:
        future.result(5)
    journal.close()

    assert disk.calls <= 4  # one or two for the first, one for the rest, one to close
    assert len(held(tmp_path)) == 501


def test_written_answers_before_the_flush_and_says_what_is_not_on_the_disk_yet(
    tmp_path: Path, disk: Disk
) -> None:
    journal = Journal.open(tmp_path, acknowledge="written")
    disk.free.clear()
    for n in range(10):
        journal.append([b"%d" % n]).result(5)
    assert journal.synced_seq == 0
    assert held(tmp_path) == [b"%d" % n for n in range(10)]
    disk.free.set()
    journal.close()
    assert journal.synced_seq == 10


def test_a_failed_flush_fails_the_append_keeps_nothing_of_it_and_the_next_goes_well(
    tmp_path: Path, disk: Disk
) -> None:
    journal = Journal.open(tmp_path)
    journal.append([b"before"]).result(5)
    disk.fails = 1
    with pytest.raises(StoreUnavailableError, match="cannot be written: the disk does not answer"):
        journal.append([b"lost", b"lost too"]).result(5)
    assert held(tmp_path) == [b"before"]
    assert journal.append([b"after"]).result(5) == range(2, 3)
    journal.close()

    assert held(tmp_path) == [b"before", b"after"]


def test_what_was_written_and_acknowledged_outlives_failed_flushes(
    tmp_path: Path, disk: Disk
) -> None:
    journal = Journal.open(tmp_path, acknowledge="written")
    kept: list[bytes] = []
    for n in range(60):
        if n % 20 == 10:
            disk.fails = 3
        payload = b"%d" % n
        try:
            journal.append([payload]).result(5)
        except StoreUnavailableError:
            continue
        kept.append(payload)
    disk.fails = 0
    journal.close()

    assert len(kept) >= 50
    assert held(tmp_path) == kept
    again = Journal.open(tmp_path)
    assert [p for _, p in again.read()] == kept
    again.close()


def test_a_short_write_is_not_half_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal.open(tmp_path)
    journal.append([b"before"]).result(5)
    real = os.pwrite

    def half(handle: int, data: bytes, offset: int) -> int:
        if len(data) > 40:
            return real(handle, data[:40], offset)
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("triage.ledger.segment._write", half)
    with pytest.raises(StoreUnavailableError, match="No space left"):
        journal.append([b"x" * 200]).result(5)
    monkeypatch.undo()
    journal.append([b"after"]).result(5)
    journal.close()

    assert held(tmp_path) == [b"before", b"after"]


FULL_DISK = """
import sys
from pathlib import Path
from triage.ledger.errors import StoreUnavailableError
from triage.ledger.journal import Journal
from triage.ledger.recovery import read_folder

folder = Path(sys.argv[1])
journal = Journal.open(folder / "journal", segment_bytes=100_000)
kept, refused = [], 0
for n in range(400):
    payload = b"%06d" % n + b"x" * 1_000
    try:
        journal.append([payload]).result(5)
        kept.append(payload)
    except StoreUnavailableError:
        refused += 1
assert 200 < len(kept) < 400 and refused, (len(kept), refused)
assert [p for _, p in journal.read()] == kept
journal.release(150)
journal.append([b"room again"]).result(5)
journal.close()
rest = [p for _, p in read_folder(folder / "journal").frames()]
assert rest[-1] == b"room again" and rest[:-1] == kept[-len(rest) + 1:], len(rest)
print("kept", len(kept), "refused", refused)
"""


def test_a_full_disk_refuses_loses_nothing_and_recovers_when_there_is_room(tmp_path: Path) -> None:
    assert "kept" in on_a_small_disk(FULL_DISK, tmp_path)


def test_without_room_for_a_file_it_opens_and_takes_appends_once_there_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tape, "create_segment", full)
    journal = Journal.open(tmp_path)
    with pytest.raises(StoreUnavailableError, match="No space left on device"):
        journal.append([b"refused"]).result(5)
    monkeypatch.undo()

    assert journal.append([b"kept"]).result(5) == range(1, 2)
    journal.close()
    assert held(tmp_path) == [b"kept"]


@pytest.mark.parametrize("then", ["it closes", "the file goes", "more is written"])
def test_what_was_refused_and_could_not_be_cut_off_is_on_no_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, then: str
) -> None:
    def fails(*_: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    journal = Journal.open(tmp_path)
    journal.append([b"kept"]).result(5)
    with monkeypatch.context() as disk:
        disk.setattr(tape, "_flush", fails)
        disk.setattr(tape, "_cut", fails)
        with pytest.raises(StoreUnavailableError):
            journal.append([b"refused"]).result(5)
    assert held(tmp_path) == [b"kept", b"refused"]
    if then == "the file goes":
        journal.release(1)
    if then != "it closes":
        journal.append([b"more"]).result(5)
    journal.close()

    expected = {"it closes": [b"kept"], "the file goes": [b"more"]}
    assert held(tmp_path) == expected.get(then, [b"kept", b"more"])


def test_while_files_are_deleted_others_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, over = threading.Event(), threading.Event()

    def slow(_: Path) -> None:
        begun.set()
        over.wait(10)

    journal = Journal.open(tmp_path)
    journal.append([b"before"]).result(5)
    journal.rotate(5)
    monkeypatch.setattr(tape, "sync_folder", slow)
    deleting = threading.Thread(target=journal.release, args=(1,))
    deleting.start()
    assert begun.wait(5)
    assert journal.append([b"meanwhile"]).result(5) == range(2, 3)
    over.set()
    deleting.join()
    journal.close()
    assert held(tmp_path) == [b"meanwhile"]


def test_a_second_process_is_told_who_owns_the_folder(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path)
    code = f"from pathlib import Path\nfrom triage.ledger.journal import Journal\n\
Journal.open(Path({str(tmp_path)!r}))"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert "AlreadyOpenError: another process writes to" in done.stderr
    with pytest.raises(AlreadyOpenError):
        Journal.open(tmp_path)
    journal.close()
    Journal.open(tmp_path).close()


def test_released_files_go_and_the_numbers_go_on(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path, segment_bytes=2_000)
    for n in range(50):
        journal.append([b"x" * 100 + b"%d" % n]).result(5)
    before = len(list(tmp_path.glob("*.journal")))
    journal.release(30)
    left = [seq for seq, _ in journal.read()]
    journal.rotate(5)
    journal.release(50)
    gone = list(journal.read())
    journal.close()
    again = Journal.open(tmp_path)

    assert before > 3
    assert left[-1] == 50
    assert 20 <= len(left) <= 35
    assert gone == []
    assert again.next_seq == 51
    assert len(list(tmp_path.glob("*.journal"))) == 1
    again.close()


def test_event_loops_are_answered_too_and_a_caller_who_left_disturbs_nobody(
    tmp_path: Path, disk: Disk
) -> None:
    journal = Journal.open(tmp_path)

    async def many() -> list[range]:
        disk.free.clear()
        left = journal.append_async([b"left"])
        waiting = [journal.append_async([b"%d" % n]) for n in range(100)]
        left.cancel()
        disk.free.set()
        return list(await asyncio.gather(*waiting))

    got = asyncio.run(many())
    journal.close()

    assert [r.start for r in got] == list(range(2, 102))
    assert len(held(tmp_path)) == 101


def test_too_much_at_once_is_refused_at_once(tmp_path: Path, disk: Disk) -> None:
    journal = Journal.open(tmp_path, most_waiting=100)
    disk.free.clear()
    first = journal.append([b"first"])
    time.sleep(0.05)  # the writer has taken it and waits for the disk
    accepted = [first, *(journal.append([b"x"] * 10) for _ in range(10))]
    with pytest.raises(StoreUnavailableError, match="100 items wait to be written"):
        journal.append([b"x"])
    disk.free.set()
    kept = sum(len(future.result(5)) for future in accepted)
    journal.close()

    assert kept == 101
    assert len(held(tmp_path)) == kept
    with pytest.raises(StoreUnavailableError, match="is closed"):
        journal.append([b"late"])


def test_large_appends_that_wait_together_go_into_several_blocks(
    tmp_path: Path, disk: Disk
) -> None:
    journal = Journal.open(tmp_path)
    disk.free.clear()
    first = journal.append([b"first"])
    others = [journal.append([b"%d" % n * 1_000_000]) for n in range(10)]
    disk.free.set()
    starts = [future.result(10).start for future in (first, *others)]
    journal.close()

    assert starts == list(range(1, 12))
    blocks = [b for s in read_folder(tmp_path).segments for b in s.blocks]
    assert max(block.end - block.offset for block in blocks) < 5_100_000
    assert [p[:1] for p in held(tmp_path)[1:]] == [b"%d" % n for n in range(10)]


def test_an_append_larger_than_a_file_gets_a_file_of_its_size(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path, segment_bytes=1_000)
    journal.append([b"small"]).result(5)
    journal.append([b"x" * 50_000]).result(5)
    journal.append([b"small"]).result(5)
    journal.close()

    assert [len(p) for p in held(tmp_path)] == [5, 50_000, 5]
