"""What stays when older entries are deleted is as it was, and whoever edits it is found out."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from tests.unit.ledger.drafts import draft, recorded, tamper

from triage.ledger.audit import AuditResult, make_checkpoint, verify, verify_against
from triage.ledger.checkpoint import Checkpoint, Signer
from triage.ledger.entries import MOST_BYTES
from triage.ledger.errors import LedgerError, StoreUnavailableError
from triage.ledger.ledger import Ledger
from triage.ledger.reading import open_reading

KEPT = (1, 4, 5, 10)


def signer_of(home: Path) -> Signer:
    return Signer.load(home / "signing.key")


def begun(home: Path) -> tuple[Ledger, Checkpoint]:
    """A ledger of fifteen entries and a checkpoint of the tenth."""
    ledger = Ledger.open(home)
    ledger.record(*(draft(n, personal=b"someone") for n in range(1, 11)))
    checkpoint = make_checkpoint(ledger, signer_of(home))
    ledger.record(*(draft(n) for n in range(11, 16)))
    ledger.flush()
    return ledger, checkpoint


def retained(home: Path) -> Checkpoint:
    """The same with the first ten gone save some; closed."""
    ledger, checkpoint = begun(home)
    ledger.retain(checkpoint, signer_of(home), "two years", keep=KEPT)
    ledger.close()
    return checkpoint


def audited(home: Path) -> AuditResult:
    reading = open_reading(home)
    try:
        return verify(reading, signer_of(home).public_key)
    finally:
        reading.close()


def test_what_stays_keeps_number_id_and_hash_and_is_found_as_before(tmp_path: Path) -> None:
    ledger, checkpoint = begun(tmp_path)
    before = [entry for entry in ledger.entries() if entry.seq in KEPT or entry.seq > 10]
    ledger.retain(checkpoint, signer_of(tmp_path), "two years", keep=KEPT)
    ledger.close()
    reading = open_reading(tmp_path)
    found = verify_against(reading, checkpoint, signer_of(tmp_path).public_key)

    assert list(reading.entries())[:-1] == before
    assert reading.get("id-4") == before[1]
    assert reading.get("id-3") is None
    assert reading.of_order("SO-4")[0] == before[1]
    assert found.ok
    assert (found.first_seq, found.last_seq, found.kept) == (11, 16, 4)
    reading.close()


@pytest.mark.parametrize(
    ("statement", "bad", "why"),
    [
        ("UPDATE entries SET body = x'007b7d' WHERE seq = 4", 4, "edited"),
        ("UPDATE entries SET body = x'0100' WHERE seq = 4", 4, "cannot be read"),
        ("UPDATE entries SET at = at + 1 WHERE seq = 4", 4, "edited"),
        ("UPDATE entries SET hash = zeroblob(32) WHERE seq = 4", 4, "edited"),
        ("UPDATE entries SET personal = x'0041' WHERE seq = 4", 4, "personal part does not"),
        ("UPDATE entries SET personal = NULL WHERE seq = 4", 4, "no erasure says so"),
        ("DELETE FROM entries WHERE seq = 4", 4, "missing: the next that is there is 5"),
        ("DELETE FROM entries WHERE seq = 10", 10, "missing: the next that is there is 11"),
        ("UPDATE entries SET seq = 3 WHERE seq = 4", 3, "was deleted, and is there again"),
        ("DELETE FROM entries WHERE seq = 11", 11, "missing"),
        ("UPDATE entries SET body = x'007b7d' WHERE kind = 'retention'", 16, "cannot be read"),
    ],
)
def test_who_edits_what_stayed_is_found_out(
    tmp_path: Path, statement: str, bad: int, why: str
) -> None:
    retained(tmp_path)
    assert audited(tmp_path).ok
    tamper(tmp_path, statement)
    found = audited(tmp_path)
    assert found.bad_seq == bad
    assert why in str(found.why)


def test_what_was_erased_before_and_after_stays_erased_on_record(tmp_path: Path) -> None:
    ledger = Ledger.open(tmp_path)
    ledger.record(*(draft(n, personal=b"Erika") for n in range(1, 6)))
    ledger.erase(2, reason="asked")
    checkpoint = make_checkpoint(ledger, signer_of(tmp_path))
    ledger.retain(checkpoint, signer_of(tmp_path), "old", keep=(2, 3))
    ledger.erase(3, reason="asked")
    ledger.close()
    reading = open_reading(tmp_path)
    assert [(e.seq, e.erased) for e in reading.entries()][:3] == [(2, True), (3, True), (6, False)]
    reading.close()
    assert (audited(tmp_path).ok, audited(tmp_path).erased) == (True, 2)


def test_deleting_again_goes_further_and_never_back(tmp_path: Path) -> None:
    first = retained(tmp_path)
    ledger = Ledger.open(tmp_path)
    own = signer_of(tmp_path)
    with pytest.raises(LedgerError, match="up to 10 were deleted before"):
        ledger.retain(first, own, "again", keep=KEPT)
    ledger.retain(make_checkpoint(ledger, own), own, "more", keep=(4, 12))
    ledger.close()
    reading = open_reading(tmp_path)
    assert [entry.seq for entry in reading.entries()] == [4, 12, 17]
    reading.close()
    assert (audited(tmp_path).ok, audited(tmp_path).kept) == (True, 2)


def test_with_the_store_locked_readers_see_what_stays_and_nothing_else(tmp_path: Path) -> None:
    recorded(tmp_path, 10)
    ledger = Ledger.open(tmp_path)
    checkpoint = make_checkpoint(ledger, signer_of(tmp_path))
    lock = sqlite3.connect(tmp_path / "ledger" / "store.db", isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailableError):
        ledger.retain(checkpoint, signer_of(tmp_path), "old", seconds=0.2, keep=KEPT)
    assert [entry.seq for entry in ledger.entries()] == [*KEPT, 11]
    lock.execute("ROLLBACK")
    lock.close()
    ledger.flush(20)
    assert [entry.seq for entry in ledger.entries()] == [*KEPT, 11]
    assert verify(ledger).ok
    ledger.close()


def test_more_than_a_database_takes_in_one_statement_can_stay_and_be_erased(
    tmp_path: Path,
) -> None:
    most = 40_000
    ledger = Ledger.open(tmp_path)
    for start in range(1, 2 * most, 10_000):
        ledger.record(*(draft(n, "note", b"x") for n in range(start, start + 10_000)))
    ledger.flush(60)
    ledger.erase(*range(1, 2 * most, 2), reason="asked", seconds=60)
    checkpoint = make_checkpoint(ledger, signer_of(tmp_path))
    ledger.retain(checkpoint, signer_of(tmp_path), "old", 60, keep=range(1, 2 * most, 2))
    found = verify(ledger)
    assert found.ok
    assert (found.kept, found.erased) == (most + 1, most)
    ledger.close()


def test_more_than_an_entry_can_name_is_refused_and_nothing_is_deleted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded(tmp_path, 10)
    ledger = Ledger.open(tmp_path)
    checkpoint = make_checkpoint(ledger, signer_of(tmp_path))
    monkeypatch.setattr("triage.ledger.entries.MOST_BYTES", 500)
    with pytest.raises(LedgerError, match="at most 500 bytes"):
        ledger.retain(checkpoint, signer_of(tmp_path), "old", keep=range(1, 11))
    with pytest.raises(LedgerError, match="at most 500 bytes"):
        ledger.erase(*range(500), reason="asked")
    assert len(list(ledger.entries())) == 10
    assert MOST_BYTES > 500
    ledger.close()
