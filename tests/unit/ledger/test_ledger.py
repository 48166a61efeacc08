"""The ledger on SQLite: recorded means durable and seen, whatever the database does."""

from __future__ import annotations

import asyncio
import errno
import os
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError
from tests.unit.ledger.drafts import draft, recorded, tamper
from tests.unit.ledger.small_disk import on_a_small_disk

from triage.errors import SettingsError
from triage.ledger import tape
from triage.ledger.audit import make_checkpoint, verify
from triage.ledger.checkpoint import Signer
from triage.ledger.entries import Draft, Kind
from triage.ledger.errors import (
    AlreadyOpenError,
    ContinuityError,
    DuplicateEntryError,
    LedgerError,
    StoreUnavailableError,
)
from triage.ledger.journal import Journal
from triage.ledger.ledger import Ledger
from triage.ledger.reading import open_reading

LOCK = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN EXCLUSIVE")
print("locked", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = Ledger.open(tmp_path)
    yield opened
    opened.close()


@contextmanager
def locked(home: Path) -> Iterator[None]:
    """Another process holds the store's lock."""
    path = home / "ledger" / "store.db"
    with subprocess.Popen(
        [sys.executable, "-c", LOCK, str(path)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as other:  # fmt: skip
        assert other.stdout is not None
        assert other.stdout.readline() == "locked\n"
        yield
        other.kill()


def seen(ledger: Ledger) -> dict[str, list[int]]:
    """Everything that reads can show."""
    return {
        "entries": [e.seq for e in ledger.entries()],
        "from": [e.seq for e in ledger.entries(from_seq=5)],
        "outcomes": [e.seq for e in ledger.entries(kind="outcome")],
        "order": [e.seq for e in ledger.of_order("SO-1")],
        "order_outcomes": [e.seq for e in ledger.of_order("SO-1", kind="outcome")],
        "last": [e.seq for e in ledger.last(3)],
        "last_outcome": [e.seq for e in ledger.last(1, kind="outcome")],
        "more_than_there_are": [e.seq for e in ledger.last(100)],
        "last_before": [e.seq for e in ledger.last(4, before=12)],
        "last_outcome_before": [e.seq for e in ledger.last(4, kind="outcome", before=12)],
        "last_of_order": [e.seq for e in ledger.last(2, order_id="SO-1")],
        "last_outcome_of_order": [e.seq for e in ledger.last(9, "outcome", "SO-1")],
        "since": [e.seq for e in ledger.since(6_000)],
        "by_id": [e.seq for n in range(1, 17) if (e := ledger.get(f"id-{n}"))],
    }


def test_reads_see_an_entry_at_once_and_the_same_before_and_after_it_moves(tmp_path: Path) -> None:
    def part(first: int, last: int) -> list[Draft]:
        kinds: tuple[Kind, Kind] = ("decision", "outcome")
        return [
            Draft(kinds[n % 4 == 0], b"{}", f"SO-{n % 7}", id=f"id-{n}", at=n * 1_000)
            for n in range(first, last)
        ]

    expected = {
        "entries": list(range(1, 16)),
        "from": list(range(5, 16)),
        "outcomes": [4, 8, 12],
        "order": [1, 8, 15],
        "order_outcomes": [8],
        "last": [15, 14, 13],
        "last_outcome": [12],
        "more_than_there_are": list(range(15, 0, -1)),
        "last_before": [11, 10, 9, 8],
        "last_outcome_before": [8, 4],
        "last_of_order": [15, 8],
        "last_outcome_of_order": [8],
        "since": list(range(6, 16)),
        "by_id": list(range(1, 16)),
    }
    ledger = Ledger.open(tmp_path)
    ledger.record(*part(1, 10))
    ledger.flush()
    with locked(tmp_path):
        ledger.record(*part(10, 16))
        before = seen(ledger)
        beside = open_reading(tmp_path)
        assert [e.seq for e in beside.entries()] == expected["entries"]
        beside.close()
        assert ledger.status().behind == 6
    ledger.flush()
    after = seen(ledger)
    ledger.close()

    assert before == expected
    assert after == expected
    assert ledger.status().behind == 0


def test_with_the_store_locked_it_records_reads_and_catches_up_by_itself(
    tmp_path: Path, ledger: Ledger
) -> None:
    ledger.record(draft(1))
    ledger.flush()
    with locked(tmp_path):
        took = []
        for n in range(2, 30):
            start = time.perf_counter()
            ledger.record(draft(n))
            took.append(time.perf_counter() - start)
        with pytest.raises(StoreUnavailableError, match="locked"):
            ledger.flush(seconds=3)
        assert ledger.status().problem is not None
        assert len(list(ledger.entries())) == 29
    ledger.flush(10)

    assert max(took) < 2
    assert ledger.status().problem is None
    assert ledger.status().behind == 0
    assert verify(ledger).last_seq == 29


def test_a_store_too_far_behind_answers_unavailable_at_once_and_loses_nothing(
    tmp_path: Path,
) -> None:
    ledger = Ledger.open(tmp_path, most_behind=10)
    ledger.flush()
    with locked(tmp_path):
        for n in range(1, 11):
            ledger.record(draft(n))
        start = time.perf_counter()
        with pytest.raises(StoreUnavailableError, match="lacks 10 entries") as caught:
            ledger.record(draft(11))
        assert time.perf_counter() - start < 1
        assert caught.value.status == 503
    ledger.flush(10)
    (entry,) = ledger.record(draft(11))
    ledger.close()

    assert entry.seq == 11


def test_closed_with_the_store_locked_it_goes_on_from_the_journal(tmp_path: Path) -> None:
    recorded(tmp_path, 3)
    with locked(tmp_path):
        ledger = Ledger.open(tmp_path)
        ledger.record(draft(4), draft(5))
        assert [e.seq for e in ledger.entries()] == [1, 2, 3, 4, 5]
        ledger.close()
        again = Ledger.open(tmp_path)
        (entry,) = again.record(draft(6))
        assert entry.seq == 6
        again.close()
    ledger = Ledger.open(tmp_path)
    ledger.flush(10)

    assert verify(ledger).last_seq == 6
    assert len(list((tmp_path / "ledger" / "journal").glob("*.journal"))) <= 2
    ledger.close()


def test_opened_with_the_store_locked_it_moves_only_what_the_store_lacks_once_it_is_free(
    tmp_path: Path,
) -> None:
    recorded(tmp_path, 3)  # the journal still has these, too
    with locked(tmp_path):
        ledger = Ledger.open(tmp_path)
        ledger.record(draft(4))
        assert ledger.status().behind == 4
    ledger.flush(10)
    assert ledger.status().behind == 0
    assert verify(ledger).last_seq == 4
    ledger.close()


def test_a_store_that_is_edited_while_the_ledger_is_open_is_not_written_on(
    tmp_path: Path, ledger: Ledger
) -> None:
    ledger.record(draft(1), draft(2))
    ledger.flush()
    tamper(tmp_path, "UPDATE entries SET hash = zeroblob(32) WHERE seq = 2")
    ledger.record(draft(3))
    with pytest.raises(StoreUnavailableError, match="ends with entry 2, and what the journal"):
        ledger.flush(1)
    assert ledger.status().behind == 1


def test_nothing_is_in_the_store_before_it_is_on_the_journals_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = threading.Event()

    def flush(handle: int) -> None:
        free.wait(10)
        os.fsync(handle)

    monkeypatch.setattr(tape, "_flush", flush)
    ledger = Ledger.open(tmp_path, acknowledge="written")
    ledger.record(draft(1))
    with pytest.raises(StoreUnavailableError, match="not taken everything"):
        ledger.flush(0.5)
    assert ledger._store.head().seq == 0
    free.set()
    ledger.flush()
    assert ledger._store.head().seq == 1
    ledger.close()


def test_with_the_store_locked_what_retention_deletes_is_not_shown_any_more(
    tmp_path: Path, ledger: Ledger
) -> None:
    ledger.record(*(draft(n) for n in range(1, 6)))
    ledger.flush()
    signer = Signer.load(tmp_path / "signing.key")
    checkpoint = make_checkpoint(ledger, signer)
    ledger.record(draft(6))
    with locked(tmp_path):
        with pytest.raises(StoreUnavailableError):
            ledger.retain(checkpoint, signer, "two years", seconds=0.2)
        assert [e.seq for e in ledger.entries()] == [6, 7]
        assert ledger.get("id-3") is None
        assert ledger.of_order("SO-3") == []
    ledger.flush(10)
    assert [e.seq for e in ledger.entries()] == [6, 7]
    assert verify(ledger, signer.public_key).ok


def test_a_full_disk_is_unavailable_and_afterwards_the_chain_goes_on_without_a_gap(
    monkeypatch: pytest.MonkeyPatch, ledger: Ledger
) -> None:
    ledger.record(draft(1))

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tape, "_flush", full)
    with pytest.raises(StoreUnavailableError, match="No space left on device"):
        ledger.record(draft(2), draft(3))
    assert [e.seq for e in ledger.entries()] == [1]
    monkeypatch.undo()
    (entry,) = ledger.record(draft(2))
    ledger.flush()

    assert entry.seq == 2
    assert verify(ledger).last_seq == 2


FULL_DISK = """
import contextlib, sys, time
from pathlib import Path
from triage.ledger.audit import verify
from triage.ledger.entries import Draft, canonical
from triage.ledger.errors import StoreUnavailableError
from triage.ledger.ledger import Ledger

home = Path(sys.argv[1])
ledger = Ledger.open(home, segment_bytes=20_000)
ballast = home / "ballast"
ballast.write_bytes(bytes(150_000))
told, slowest = [], 0.0
while True:
    start = time.perf_counter()
    try:
        entry, = ledger.record(Draft("decision", canonical({"n": len(told)}), "SO-1"))
    except StoreUnavailableError as error:
        assert error.status == 503 and "No space left" in str(error), error
        break
    finally:
        slowest = max(slowest, time.perf_counter() - start)
    told.append(entry.id)
    if len(told) % 50 == 0:  # else a fast machine owes the store more than the ballast has room for
        with contextlib.suppress(StoreUnavailableError):
            ledger.flush(1)
shown = [entry.id for entry in ledger.entries()]
assert shown == told, (len(shown), len(told))
ballast.unlink()
told += [entry.id for entry in ledger.record(Draft("decision", b"{}"), Draft("note", b"{}"))]
ledger.flush(10)
assert [entry.id for entry in ledger.entries()] == told
assert verify(ledger).ok and slowest < 6
ledger.close()
print("recorded", len(told))
"""


def test_on_a_disk_that_is_really_full_reads_go_on_and_recording_recovers_by_itself(
    tmp_path: Path,
) -> None:
    assert "recorded" in on_a_small_disk(FULL_DISK, tmp_path)


def test_acknowledged_before_the_flush_the_chain_outlives_a_disk_that_fails_for_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fails = 0

    def flush(handle: int) -> None:
        nonlocal fails
        if fails:
            fails -= 1
            raise OSError(errno.EIO, "Input/output error")
        os.fsync(handle)

    monkeypatch.setattr(tape, "_flush", flush)
    ledger = Ledger.open(tmp_path, acknowledge="written", segment_bytes=5_000)
    told = []
    for n in range(120):
        if n % 30 == 10:
            fails = 2
        try:
            told += [entry.id for entry in ledger.record(draft(n))]
        except StoreUnavailableError:
            time.sleep(0.01)
    fails = 0
    ledger.close()
    ledger = Ledger.open(tmp_path)
    found = verify(ledger)

    assert len(told) > 100
    assert [entry.id for entry in ledger.entries()] == told
    assert (found.ok, found.last_seq) == (True, len(told))
    ledger.close()


def test_reading_beside_a_busy_service_shows_every_entry_once_and_in_order(
    tmp_path: Path,
) -> None:
    ledger = Ledger.open(tmp_path, segment_bytes=3_000)
    ledger.record(draft(0))
    ledger.flush()
    stop = threading.Event()
    told = [1]

    def work() -> None:
        while not stop.is_set():
            told.append(ledger.record(draft(told[-1]))[-1].seq)

    worker = threading.Thread(target=work)
    worker.start()
    beside = open_reading(tmp_path)
    for _ in range(40):
        at_least = told[-1]
        seqs = [entry.seq for entry in beside.entries()]
        assert seqs == list(range(1, len(seqs) + 1))
        assert len(seqs) >= at_least
        assert verify(beside).ok
    stop.set()
    worker.join()
    beside.close()
    ledger.close()


def test_entries_recorded_together_are_there_together(ledger: Ledger) -> None:
    entries = ledger.record(draft(1), draft(2, "note", b"by Ann"), draft(3, "outcome"))

    assert [e.seq for e in entries] == [1, 2, 3]
    assert [e.personal for e in ledger.entries()] == [None, b"by Ann", None]
    assert ledger.get("id-2") == entries[1]
    assert ledger.get("unknown") is None
    assert ledger.head() == (3, entries[2].hash)


def test_an_id_is_recorded_once(ledger: Ledger) -> None:
    ledger.record(draft(1))
    with pytest.raises(DuplicateEntryError) as caught:
        ledger.record(draft(1))
    assert caught.value.status == 409
    ledger.flush()
    with pytest.raises(DuplicateEntryError):
        ledger.record(draft(1))
    with pytest.raises(DuplicateEntryError):
        ledger.record(draft(2), draft(2))
    ledger.record(draft(2))

    assert ledger.status().last_seq == 2


def test_an_event_loop_records_many_at_once_in_one_order(ledger: Ledger) -> None:
    async def one(n: int) -> int:
        (entry,) = await ledger.record_async(draft(n))
        assert ledger.get(entry.id) == entry
        return entry.seq

    async def all_of_them() -> list[int]:
        return await asyncio.gather(*(one(n) for n in range(300)))

    assert sorted(asyncio.run(all_of_them())) == list(range(1, 301))
    ledger.flush()
    assert verify(ledger).last_seq == 300


def test_what_only_the_ledger_may_record_nobody_else_can(ledger: Ledger) -> None:
    kinds: tuple[Kind, ...] = ("erasure", "retention")
    for kind in kinds:
        with pytest.raises(LedgerError, match="made by the ledger only"):
            ledger.record(Draft(kind, b'{"entries":[1]}'))
    assert ledger.status().last_seq == 0


def test_with_the_store_locked_erased_data_is_not_shown_and_goes_when_it_is_free(
    tmp_path: Path, ledger: Ledger
) -> None:
    ledger.record(draft(1, personal=b"in the store"))
    ledger.flush()
    with locked(tmp_path):
        ledger.record(draft(2, personal=b"in the journal"))
        with pytest.raises(StoreUnavailableError):
            ledger.erase(1, 2, reason="asked", seconds=0.2)
        assert [e.personal for e in ledger.entries()] == [None, None, None]
        assert [e.personal for e in ledger.last(3)] == [None, None, None]
    ledger.flush(10)

    assert verify(ledger).erased == 2
    assert [e.personal for e in ledger.of_order("SO-1")] == [None]


def test_what_is_erased_is_in_no_file_also_when_something_is_recorded_meanwhile(
    tmp_path: Path, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    rotate = Journal.rotate

    def after_one_more(journal: Journal, seconds: float) -> None:
        ledger.record(Draft("note", b"{}"))
        rotate(journal, seconds)

    monkeypatch.setattr(Journal, "rotate", after_one_more)
    (entry,) = ledger.record(draft(1, personal=b"Erika Mustermann"))
    ledger.erase(entry.seq, reason="asked")
    held = list((tmp_path / "ledger" / "journal").glob("*.journal"))

    assert held
    assert [path for path in held if b"Erika" in path.read_bytes()] == []


def test_what_is_deleted_is_in_no_file(tmp_path: Path, ledger: Ledger) -> None:
    ledger.record(draft(1, personal=b"Erika Mustermann"))
    ledger.flush()
    signer = Signer.load(tmp_path / "signing.key")
    ledger.retain(make_checkpoint(ledger, signer), signer, reason="old")
    held = list((tmp_path / "ledger" / "journal").glob("*.journal"))

    assert held
    assert [path for path in held if b"Erika" in path.read_bytes()] == []


def test_a_disk_that_deletes_nothing_for_a_while_keeps_what_is_erased_only_so_long(
    tmp_path: Path, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    (entry,) = ledger.record(draft(1, personal=b"Erika Mustermann"))
    folder = tmp_path / "ledger" / "journal"

    def refuses(_: Path) -> None:
        raise OSError(errno.EROFS, "read-only file system")

    with monkeypatch.context() as disk:
        disk.setattr(tape, "sync_folder", refuses)
        with pytest.raises(StoreUnavailableError):
            ledger.erase(entry.seq, reason="asked", seconds=0.5)
        assert "cannot be deleted" in (ledger.status().problem or "")
    ledger.flush(10)

    assert [path for path in folder.glob("*.journal") if b"Erika" in path.read_bytes()] == []
    assert ledger.status().problem is None


def test_an_id_that_is_there_is_refused_again_once_files_can_be_deleted_again(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(_: Path) -> None:
        raise OSError(errno.EROFS, "read-only file system")

    ledger.record(Draft("note", b"{}", id="one"))
    ledger.flush()
    ledger._journal.rotate(5)
    with monkeypatch.context() as disk:
        disk.setattr(tape, "sync_folder", refuses)
        with pytest.raises(StoreUnavailableError):
            ledger._journal.release(1)
        ledger.record(Draft("note", b"{}", id="two"))
        until = time.monotonic() + 5
        while ledger.status().problem is None:
            assert time.monotonic() < until
            time.sleep(0.01)
    time.sleep(2.5)

    assert ledger.status().problem is None
    with pytest.raises(DuplicateEntryError):
        ledger.record(Draft("note", b"{}", id="two"))


def test_one_process_owns_a_ledger(tmp_path: Path, ledger: Ledger) -> None:
    with pytest.raises(AlreadyOpenError, match="another process writes to"):
        Ledger.open(tmp_path)
    assert ledger.record(draft(1))[0].seq == 1


def test_a_journal_that_was_lost_after_everything_moved_is_not_missed(tmp_path: Path) -> None:
    recorded(tmp_path, 3)
    for path in (tmp_path / "ledger" / "journal").iterdir():
        path.unlink()
    ledger = Ledger.open(tmp_path)
    (entry,) = ledger.record(draft(4))

    assert entry.seq == 4
    assert verify(ledger).ok
    ledger.close()


def test_a_store_that_lost_entries_is_refused_and_a_store_of_another_ledger_too(
    tmp_path: Path,
) -> None:
    recorded(tmp_path / "one", 5)
    Ledger.open(tmp_path / "one").close()
    recorded(tmp_path / "two", 5)
    store = tmp_path / "one" / "ledger" / "store.db"
    kept = store.read_bytes()
    tamper(tmp_path / "one", "DELETE FROM entries WHERE seq > 3")
    with pytest.raises(ContinuityError, match="ends with entry 3"):
        Ledger.open(tmp_path / "one")
    store.write_bytes((tmp_path / "two" / "ledger" / "store.db").read_bytes())
    with pytest.raises(ContinuityError, match="open each with its own"):
        Ledger.open(tmp_path / "one")
    store.write_bytes(kept)
    Ledger.open(tmp_path / "one").close()


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("DELETE FROM entries WHERE seq = 3", "ends with entry 2, the journal begins with 4"),
        ("UPDATE entries SET hash = zeroblob(32) WHERE seq = 3", "does not follow entry 3"),
    ],
)
def test_a_store_that_was_changed_before_the_journal_moved_is_refused_at_opening(
    tmp_path: Path, statement: str, says: str
) -> None:
    recorded(tmp_path, 3)
    Ledger.open(tmp_path).close()  # its journal begins with entry 4 now
    with locked(tmp_path):
        ledger = Ledger.open(tmp_path)
        ledger.record(draft(4))
        ledger.close()
    tamper(tmp_path, statement)

    with pytest.raises(ContinuityError, match=says):
        Ledger.open(tmp_path)


def test_only_sqlite_files_and_postgresql_are_stores(tmp_path: Path) -> None:
    for url in ("mysql://host/name", "sqlite://", "no url"):
        with pytest.raises(SettingsError):
            Ledger.open(tmp_path, url)
    with pytest.raises(LedgerError, match="no ledger at"):
        open_reading(tmp_path)


def test_sqlite_is_set_to_lose_nothing(tmp_path: Path, ledger: Ledger) -> None:
    ledger.record(draft(1))
    ledger.flush()
    with ledger._store._writer.connect() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "secure_delete")
        }
    with (
        ledger._store._reader.connect() as connection,
        pytest.raises(OperationalError, match="readonly"),
    ):
        connection.exec_driver_sql("DELETE FROM entries")

    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1,
                       "secure_delete": 1}  # fmt: skip
    outside = sqlite3.connect(tmp_path / "ledger" / "store.db")
    assert outside.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    outside.close()
