"""The ledger on a real PostgreSQL: the same laws, and nothing lost when it goes away."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import psycopg
import pytest
from tests.postgres import Server
from tests.unit.ledger.drafts import draft

from triage.ledger.audit import make_checkpoint, verify, verify_against
from triage.ledger.checkpoint import Signer
from triage.ledger.errors import ContinuityError, DuplicateEntryError, StoreUnavailableError
from triage.ledger.ledger import Ledger
from triage.ledger.reading import open_reading

pytestmark = pytest.mark.postgres


def test_it_records_reads_erases_retains_and_verifies(tmp_path: Path, database: str) -> None:
    ledger = Ledger.open(tmp_path, database)
    ledger.record(*(draft(n, personal=b"someone") for n in range(1, 51)))
    before = (ledger.of_order("SO-3"), ledger.last(5), ledger.get("id-7"))
    ledger.flush()
    assert (ledger.of_order("SO-3"), ledger.last(5), ledger.get("id-7")) == before
    with pytest.raises(DuplicateEntryError):
        ledger.record(draft(7))
    ledger.erase(7, reason="asked")
    signer = Signer.load(tmp_path / "signing.key")
    checkpoint = make_checkpoint(ledger, signer)
    ledger.record(draft(52))
    ledger.flush()
    assert verify_against(ledger, checkpoint, signer.public_key).erased == 1
    ledger.retain(checkpoint, signer, "two years", keep=(7, 8))
    ledger.close()
    reading = open_reading(tmp_path, database)
    found = verify(reading, signer.public_key)
    assert [entry.seq for entry in reading.entries()] == [7, 8, 51, 52, 53]
    assert (found.kept, found.erased) == (3, 1)
    reading.close()

    assert found.ok
    assert found.first_seq == 52


def test_restarted_in_the_middle_nothing_acknowledged_is_lost_and_recording_never_stops(
    tmp_path: Path, database: str, postgres: Server
) -> None:
    ledger = Ledger.open(tmp_path, database)
    told: dict[int, str] = {}
    slowest = 0.0
    stop = threading.Event()

    def work() -> None:
        nonlocal slowest
        n = 0
        while not stop.is_set():
            n += 1
            start = time.perf_counter()
            (entry,) = ledger.record(draft(n))
            slowest = max(slowest, time.perf_counter() - start)
            told[entry.seq] = entry.id

    worker = threading.Thread(target=work)
    worker.start()
    for _ in range(2):
        time.sleep(0.3)
        postgres.stop("immediate")
        time.sleep(0.3)
        postgres.start()
    time.sleep(0.3)
    stop.set()
    worker.join()
    ledger.flush(20)
    there = {entry.seq: entry.id for entry in ledger.entries()}
    found = verify(ledger)
    ledger.close()

    assert len(told) > 100
    assert there == told
    assert found.ok
    assert slowest < 5


def test_down_from_start_to_end_it_records_up_to_its_bound_and_catches_up_later(
    tmp_path: Path, database: str, postgres: Server
) -> None:
    Ledger.open(tmp_path, database).close()
    postgres.stop()
    ledger = Ledger.open(tmp_path, database, most_behind=20)
    for n in range(1, 21):
        ledger.record(draft(n))
    with pytest.raises(StoreUnavailableError, match="lacks 20 entries already"):
        ledger.record(draft(21))
    assert ledger.get("id-3") is not None
    with pytest.raises(StoreUnavailableError):
        list(ledger.entries())
    ledger.close()
    postgres.start()
    ledger = Ledger.open(tmp_path, database)
    ledger.flush(10)
    assert verify(ledger).last_seq == 20
    ledger.close()


def test_a_new_ledger_needs_its_store_once(tmp_path: Path, database: str, postgres: Server) -> None:
    postgres.stop()
    with pytest.raises(StoreUnavailableError, match="the store at postgresql"):
        Ledger.open(tmp_path, database)
    postgres.start()
    ledger = Ledger.open(tmp_path, database)
    assert ledger.record(draft(1))[0].seq == 1
    ledger.close()


def test_two_services_do_not_write_one_ledger(tmp_path: Path, database: str) -> None:
    ledger = Ledger.open(tmp_path / "one", database)
    ledger.record(draft(1))
    ledger.flush()
    with pytest.raises(StoreUnavailableError, match="another service writes"):
        Ledger.open(tmp_path / "two", database)
    ledger.record(draft(2))
    ledger.close()
    other = Ledger.open(tmp_path / "two", database)
    other.record(draft(3))
    other.close()
    behind = Ledger.open(tmp_path / "one", database)  # what it had is all there: it goes on
    assert behind.record(draft(4))[0].seq == 4
    behind.flush()
    assert verify(behind).ok
    behind.close()


@pytest.mark.parametrize(
    "statement",
    [
        b"UPDATE entries SET at = at + 1 WHERE seq = 5",
        b"UPDATE entries SET body = '\\x007b7d' WHERE seq = 5",
        b"DELETE FROM entries WHERE seq = 5",
    ],
)
def test_tampering_is_named(tmp_path: Path, database: str, statement: bytes) -> None:
    ledger = Ledger.open(tmp_path, database)
    ledger.record(*(draft(n) for n in range(1, 11)))
    ledger.close()
    with psycopg.connect(database) as connection:
        connection.execute(statement)
    reading = open_reading(tmp_path, database)
    found = verify(reading)
    reading.close()

    assert found.bad_seq == 5


def test_a_store_that_was_cut_is_not_written_on_before_the_journal_has_healed_it(
    tmp_path: Path, database: str
) -> None:
    ledger = Ledger.open(tmp_path, database)
    ledger.record(*(draft(n) for n in range(1, 11)))
    ledger.flush()
    with psycopg.connect(database) as connection:
        connection.execute(b"DELETE FROM entries WHERE seq > 8")
    ledger.record(draft(11))
    with pytest.raises(StoreUnavailableError, match="ends with entry 8, and what the journal"):
        ledger.flush(3)
    assert ledger.status().behind == 1
    ledger.close()
    ledger = Ledger.open(tmp_path, database)  # its journal still has what is missing
    ledger.flush()
    assert [entry.seq for entry in ledger.entries()] == list(range(1, 12))
    assert verify(ledger).ok
    ledger.close()
    Ledger.open(tmp_path, database).close()  # begins a new file and drops what has moved
    with psycopg.connect(database) as connection:
        connection.execute(b"DELETE FROM entries WHERE seq > 8")
    with pytest.raises(ContinuityError, match="ends with entry 8"):
        Ledger.open(tmp_path, database)
