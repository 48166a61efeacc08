"""Small appends of a loop that attends: the same promises, kept by a pen beside the thread."""

from __future__ import annotations

import asyncio
import random
import threading
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest
from tests.hanging import hanging

from triage.ledger import flights, tape
from triage.ledger.audit import verify
from triage.ledger.entries import Draft
from triage.ledger.errors import StoreUnavailableError
from triage.ledger.flights import PEN_BYTES
from triage.ledger.journal import Journal
from triage.ledger.ledger import Ledger
from triage.ledger.pen import Pen, available
from triage.ledger.recovery import read_folder
from triage.ledger.tape import Tape

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(
        not available(), reason="this operating system has no eventfd: the thread writes everything"
    ),
]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def held(folder: Path) -> list[bytes]:
    return [payload for _, payload in read_folder(folder).frames()]


def broken(*_: object) -> None:
    raise OSError(5, "the disk does not answer")


@pytest.fixture
def torn(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Let the pen fail as often as the list says."""
    times = [0]
    write = Pen.write

    def fail(pen: Pen, handle: int, block: bytes, offset: int) -> None:
        times[0] -= 1
        write(pen, -2 if times[0] >= 0 else handle, block, offset)

    monkeypatch.setattr(Pen, "write", fail)
    return times


@pytest.fixture
def blocks(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """What the pen was given to write."""
    given: list[bytes] = []
    write = Pen.write

    def note(pen: Pen, handle: int, block: bytes, offset: int) -> None:
        given.append(block)
        write(pen, handle, block, offset)

    monkeypatch.setattr(Pen, "write", note)
    return given


async def test_a_small_append_is_on_the_disk_without_the_thread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal.open(tmp_path)
    journal.attend()
    monkeypatch.setattr(Tape, "write", broken)
    ranges = [await journal.append_async([b"%d" % n]) for n in range(50)]

    assert ranges == [range(n, n + 1) for n in range(1, 51)]
    assert held(tmp_path) == [b"%d" % n for n in range(50)]
    journal.close()


@pytest.mark.parametrize(("many", "size"), [(200, 3), (60, 4_000)])
async def test_who_waits_while_the_pen_writes_shares_the_next_block(
    tmp_path: Path, blocks: list[bytes], many: int, size: int
) -> None:
    frames = [b"%d" % n + bytes(size) for n in range(many)]
    journal = Journal.open(tmp_path)
    journal.attend()
    await asyncio.gather(*(journal.append_async([frame]) for frame in frames))

    assert len(blocks) == 2
    assert held(tmp_path) == frames
    journal.close()


@pytest.mark.parametrize("seed", range(3))
async def test_every_way_to_append_gives_one_sequence_without_gaps(
    tmp_path: Path, seed: int
) -> None:
    draw = random.Random(seed)  # noqa: S311
    journal = Journal.open(tmp_path, segment_bytes=20_000)
    journal.attend()
    given: dict[int, bytes] = {}
    others: list[tuple[Future[Any], bytes]] = []

    async def small(n: int) -> None:
        frame = b"small %d" % n
        (seq,) = await journal.append_async([frame])
        given[seq] = frame

    async def behind(n: int) -> None:
        frame = b"behind %d" % n
        written, landed = journal.append_behind([frame])
        await written
        (seq,) = await landed
        given[seq] = frame

    async def large(n: int) -> None:
        frame = b"large %d " % n + b"+" * (PEN_BYTES if n % 5 == 0 else 3_000)
        (seq,) = await journal.append_async([frame])
        given[seq] = frame

    def beside() -> None:
        for n in range(60):
            frame = b"beside %d" % n
            others.append((journal.append([frame]), frame))
            if n % 20 == 0:
                journal.rotate(10)

    thread = threading.Thread(target=beside)
    thread.start()
    waiting = []
    for n in range(300):
        waiting.append(asyncio.create_task(draw.choice((small, small, behind, behind, large))(n)))
        if draw.random() < 0.3:
            await asyncio.sleep(0)
    await asyncio.gather(*waiting)
    await asyncio.to_thread(thread.join)
    given |= {future.result(10)[0]: frame for future, frame in others}
    journal.close()

    assert sorted(given) == list(range(1, 361))
    assert held(tmp_path) == [given[seq] for seq in sorted(given)]


async def test_where_the_pen_fails_the_thread_writes_it_into_a_new_file(
    tmp_path: Path, torn: list[int]
) -> None:
    journal = Journal.open(tmp_path)
    journal.attend()
    await journal.append_async([b"before"])
    torn[0] = 1
    failed = [journal.append_async([b"%d" % n]) for n in range(3)]

    assert [await each for each in failed] == [range(2, 3), range(3, 4), range(4, 5)]
    assert await journal.append_async([b"after"]) == range(5, 6)
    assert held(tmp_path) == [b"before", b"0", b"1", b"2", b"after"]
    assert len(list(tmp_path.glob("*.journal"))) == 2
    journal.close()


async def test_where_the_thread_fails_too_nothing_of_it_is_kept_and_who_waits_hears_of_it(
    tmp_path: Path, torn: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal.open(tmp_path)
    journal.attend()
    await journal.append_async([b"before"])
    torn[0] = 1
    with monkeypatch.context() as disk:
        disk.setattr(tape, "_flush", broken)
        with pytest.raises(StoreUnavailableError, match="the disk does not answer"):
            await journal.append_async([b"lost"])

    assert await journal.append_async([b"after"]) == range(2, 3)
    assert held(tmp_path) == [b"before", b"after"]
    journal.close()


async def test_while_the_disk_hangs_the_loop_goes_on_and_nothing_is_acknowledged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal.open(tmp_path)
    journal.attend()
    hangs = hanging(monkeypatch)
    waiting = journal.append_async([b"one"]), journal.append_async([b"two"])
    for _ in range(20):
        await asyncio.sleep(0.001)
    early = [each.done() for each in waiting]
    hangs.set()

    assert early == [False, False]
    assert [await each for each in waiting] == [range(1, 2), range(2, 3)]
    journal.close()


async def test_what_is_written_behind_survives_the_process_at_once_and_lands_a_little_later(
    tmp_path: Path, blocks: list[bytes]
) -> None:
    journal = Journal.open(tmp_path)
    journal.attend()
    frames = [b"behind %d" % n for n in range(5)]
    both = [journal.append_behind([frame]) for frame in frames]
    written = [await first for first, _ in both]

    assert held(tmp_path) == frames
    assert (journal.synced_seq, blocks) == (0, [])
    landed = [await second for _, second in both]
    assert written == landed == [range(n, n + 1) for n in range(1, 6)]
    assert journal.synced_seq == 5
    assert len(blocks) == 1
    journal.close()


async def test_while_the_pen_writes_the_system_takes_more_and_a_hurry_brings_all_to_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal.open(tmp_path)
    journal.attend()
    hangs = hanging(monkeypatch)
    waits = journal.append_async([b"waits"])
    written, first = journal.append_behind([b"first"])
    assert written.done()
    queues = journal.append_async([b"queues"])
    behind_it, second = journal.append_behind([b"second"])
    journal.hurry()
    assert not behind_it.done()
    hangs.set()

    numbers = [await each for each in (waits, first, queues, second)]
    assert numbers == [range(n, n + 1) for n in range(1, 5)]
    assert held(tmp_path) == [b"waits", b"first", b"queues", b"second"]
    journal.close()


@pytest.mark.parametrize("fails", ["pen", "disk"])
async def test_what_the_system_took_is_written_again_until_a_disk_takes_it(
    tmp_path: Path, torn: list[int], monkeypatch: pytest.MonkeyPatch, fails: str
) -> None:
    journal = Journal.open(tmp_path)
    journal.attend()
    await journal.append_async([b"before"])
    torn[0] = 1
    with monkeypatch.context() as disk:
        if fails == "disk":
            disk.setattr(tape, "_flush", broken)
        written, landed = journal.append_behind([b"answered"])
        await written
        journal.hurry()
        await asyncio.sleep(0.1)
        assert landed.done() == (fails == "pen")
    assert await journal.append_async([b"after"]) == range(3, 4)

    assert await landed == range(2, 3)
    assert held(tmp_path) == [b"before", b"answered", b"after"]
    journal.close()


async def test_what_failed_is_tried_again_although_nothing_follows_it(
    tmp_path: Path, torn: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal.open(tmp_path)
    journal.attend()
    torn[0] = 1
    with monkeypatch.context() as disk:
        disk.setattr(tape, "_flush", broken)
        written, landed = journal.append_behind([b"answered"])
        await written
        with pytest.raises(StoreUnavailableError):
            await asyncio.to_thread(journal.settle, 5.0)
        assert not landed.done()
    async with asyncio.timeout(5):
        assert await landed == range(1, 2)

    assert held(tmp_path) == [b"answered"]
    journal.close()


async def test_to_settle_waits_for_what_was_appended_before_not_for_what_follows(
    tmp_path: Path,
) -> None:
    journal = Journal.open(tmp_path)
    journal.attend()
    appended: list[asyncio.Future[Any]] = []

    async def go_on() -> None:
        while True:
            written, landed = journal.append_behind([b"more"])
            appended.append(landed)
            await written
            await asyncio.sleep(0)

    steady = asyncio.create_task(go_on())
    await asyncio.sleep(0.1)
    before = len(appended)
    await asyncio.to_thread(journal.settle, 5.0)
    steady.cancel()
    assert len(held(tmp_path)) >= before
    await asyncio.to_thread(journal.settle, 5.0)

    assert len(held(tmp_path)) == len(appended)
    journal.close()


async def test_where_the_system_does_not_take_it_either_it_waits_for_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal.open(tmp_path)
    journal.attend()
    monkeypatch.setattr(flights, "write_at", broken)
    written, landed = journal.append_behind([b"one"])
    early = written.done()

    assert not early
    assert await written == await landed == range(1, 2)
    assert held(tmp_path) == [b"one"]
    journal.close()


async def test_closing_brings_what_is_on_the_ground_to_the_disk(tmp_path: Path) -> None:
    ledger = Ledger.open(tmp_path)
    ledger.attend()
    for n in range(3):
        written, _ = ledger.record_behind(Draft("note", b'{"n":%d}' % n))
        await written
    ledger.close()
    again = Ledger.open(tmp_path)

    assert [entry.body for entry in again.entries()] == [b'{"n":%d}' % n for n in range(3)]
    again.close()


async def test_a_flush_brings_all_to_the_store_also_from_the_loop_and_after_its_end(
    tmp_path: Path,
) -> None:
    ledger = Ledger.open(tmp_path)
    ledger.attend()
    written, landed = ledger.record_behind(Draft("note", b"{}"))
    await written
    ledger.flush(5)
    assert ledger.status().behind == 0
    assert len(await landed) == 1
    ledger.close()


def test_what_a_loop_left_on_the_ground_when_it_ended_is_brought_to_the_disk(
    tmp_path: Path,
) -> None:
    ledger = Ledger.open(tmp_path)

    async def leave() -> None:
        ledger.attend()
        written, _ = ledger.record_behind(Draft("note", b"{}"))
        await written

    asyncio.run(leave())
    ledger.flush(5)

    assert ledger.status().behind == 0
    assert ledger.status().last_seq == 1
    ledger.close()


async def test_the_chain_of_a_ledger_holds_through_failures_of_the_pen(
    tmp_path: Path, torn: list[int]
) -> None:
    ledger = Ledger.open(tmp_path, segment_bytes=20_000)
    ledger.attend()
    for n in range(120):
        if n % 40 == 20:
            torn[0] = 1
        body = b'{"n":%d}' % n
        pair = [ledger.record_async(Draft("note", body)) for _ in range(2)]
        written, landed = ledger.record_behind(Draft("note", body))
        assert [entry.body for each in pair for entry in await each] == [body, body]
        await (landed if n % 3 else written)
    await asyncio.to_thread(ledger.flush)
    found = await asyncio.to_thread(verify, ledger)
    ledger.close()

    assert (found.last_seq, found.why) == (360, None)


def test_an_append_whose_loop_ended_is_kept_and_the_journal_goes_on(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path)

    async def leave() -> None:
        journal.attend()
        journal.append_async([b"nobody waits"])

    asyncio.run(leave())

    assert journal.append([b"next"]).result(10) == range(2, 3)
    assert held(tmp_path) == [b"nobody waits", b"next"]
    journal.close()


async def test_closing_writes_what_waits_for_the_pen(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path)
    journal.attend()
    waiting = [journal.append_async([b"%d" % n]) for n in range(20)]
    journal.close()

    assert [await each for each in waiting] == [range(n, n + 1) for n in range(1, 21)]
    assert held(tmp_path) == [b"%d" % n for n in range(20)]


async def test_closed_by_another_thread_the_pen_is_put_away_too(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path)
    journal.attend()
    await journal.append_async([b"one"])
    pens = [each for each in threading.enumerate() if each.name == "pen"]
    await asyncio.to_thread(journal.close)
    await asyncio.sleep(0.01)

    assert pens
    assert not any(each.is_alive() for each in pens)
