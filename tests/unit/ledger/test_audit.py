"""Whoever edits the ledger is found out, and where."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tests.unit.ledger.drafts import draft, recorded, tamper

from triage.ledger.audit import AuditResult, make_checkpoint, verify, verify_against
from triage.ledger.chain import genesis
from triage.ledger.checkpoint import Checkpoint, Signer
from triage.ledger.entries import Entry, seal
from triage.ledger.errors import CheckpointError, ContinuityError, LedgerError
from triage.ledger.ledger import Ledger
from triage.ledger.reading import Reading, open_reading

EDIT = "UPDATE entries SET body = x'007b7d' WHERE seq = 5"
SWAP = (
    "UPDATE entries SET seq = -1 WHERE seq = 5",
    "UPDATE entries SET seq = 5 WHERE seq = 6",
    "UPDATE entries SET seq = 6 WHERE seq = -1",
)


def audited(home: Path, audit: Callable[[Reading], AuditResult] = verify) -> AuditResult:
    reading = open_reading(home)
    try:
        return audit(reading)
    finally:
        reading.close()


def checkpoint_of(home: Path) -> tuple[Checkpoint, Signer]:
    signer = Signer.load(home / "keys" / "signing.key")
    reading = open_reading(home)
    checkpoint = make_checkpoint(reading, signer)
    reading.close()
    return checkpoint, signer


def test_an_untouched_ledger_verifies_to_its_end(tmp_path: Path) -> None:
    recorded(tmp_path, 2_500)

    found = audited(tmp_path)

    assert found.ok
    assert (found.first_seq, found.last_seq) == (1, 2_500)


@pytest.mark.parametrize(
    ("statements", "bad", "why"),
    [
        ((EDIT,), 5, "edited"),
        (("UPDATE entries SET body = x'0100' WHERE seq = 5",), 5, "cannot be read"),
        (("UPDATE entries SET body = 'text' WHERE seq = 5",), 5, "cannot be read"),
        (("UPDATE entries SET at = at + 1 WHERE seq = 5",), 5, "edited"),
        (("UPDATE entries SET kind = 'note' WHERE seq = 5",), 5, "edited"),
        (("UPDATE entries SET id = 'other' WHERE seq = 5",), 5, "edited"),
        (("UPDATE entries SET order_id = 'SO-0' WHERE seq = 5",), 5, "edited"),
        (("UPDATE entries SET order_id = NULL WHERE seq = 5",), 5, "edited"),
        (("UPDATE entries SET hash = zeroblob(32) WHERE seq = 5",), 5, "edited"),
        (("UPDATE entries SET personal = x'0041' WHERE seq = 5",), 5, "personal part does not"),
        (("UPDATE entries SET personal = NULL WHERE seq = 5",), 5, "no erasure says so"),
        (("UPDATE entries SET personal_digest = NULL WHERE seq = 5",), 5, "edited"),
        (("DELETE FROM entries WHERE seq = 5",), 5, "missing: the next that is there is 6"),
        (("DELETE FROM entries WHERE seq < 5",), 1, "missing"),
        (SWAP, 5, "wrong place"),
    ],
)
def test_tampering_is_named_at_the_first_entry_that_is_not_what_was_recorded(
    tmp_path: Path, statements: tuple[str, ...], bad: int, why: str
) -> None:
    ledger = Ledger.open(tmp_path)
    ledger.record(*(draft(n, personal=b"someone") for n in range(1, 11)))
    ledger.close()
    tamper(tmp_path, *statements)

    found = audited(tmp_path)

    assert found.bad_seq == bad
    assert found.why is not None
    assert why in found.why


def test_what_a_checkpoint_vouches_for_is_on_the_disk_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded(tmp_path, 20)
    ledger = Ledger.open(tmp_path)
    ledger.record(draft(21))
    flushed: list[int] = []
    flush = os.fsync

    def note(handle: int) -> None:
        flushed.append(os.fstat(handle).st_ino)
        flush(handle)

    monkeypatch.setattr(os, "fsync", note)
    checkpoint_of(tmp_path)
    ledger.close()
    journal = {path.stat().st_ino for path in (tmp_path / "ledger" / "journal").glob("*.journal")}
    assert journal <= set(flushed)
    assert journal


def test_a_cut_end_is_seen_as_far_as_the_journal_remembers_and_by_a_checkpoint_always(
    tmp_path: Path,
) -> None:
    recorded(tmp_path, 20)
    Ledger.open(tmp_path).close()  # now its journal remembers entry 20
    checkpoint, signer = checkpoint_of(tmp_path)
    tamper(tmp_path, "DELETE FROM entries WHERE seq > 17")
    remembered = audited(tmp_path)
    for path in (tmp_path / "ledger" / "journal").glob("*.journal"):
        path.unlink()
    forgotten = audited(tmp_path)
    revealed = audited(tmp_path, lambda r: verify_against(r, checkpoint, signer.public_key))

    assert remembered.bad_seq == 18
    assert forgotten.ok  # nothing in the home says that there was more
    assert revealed.bad_seq == 18
    assert revealed.why == "missing: the checkpoint vouches for entry 20"


def overwrite(entry: Entry) -> str:
    """The statement that puts a forged entry in its place."""
    return (
        f"UPDATE entries SET at = 0, id = '{entry.id}', order_id = '{entry.order_id}', "  # noqa: S608
        f"body = x'{entry.packed_body.hex()}', hash = x'{entry.hash.hex()}' "
        f"WHERE seq = {entry.seq}"
    )


def test_a_ledger_that_was_written_anew_from_one_entry_on_is_revealed_by_a_checkpoint(
    tmp_path: Path,
) -> None:
    recorded(tmp_path, 3)
    checkpoint, signer = checkpoint_of(tmp_path)
    reading = open_reading(tmp_path)
    forged, last = [], genesis(reading.identity())
    for n in range(1, 4):
        entry = seal(draft(n + 100), n, last, now=0)
        forged.append(entry)
        last = entry.hash
    reading.close()
    tamper(tmp_path, *(overwrite(entry) for entry in forged))
    for path in (tmp_path / "ledger" / "journal").glob("*.journal"):
        path.unlink()

    assert audited(tmp_path).ok  # whoever can write everything can make a chain that holds
    found = audited(tmp_path, lambda r: verify_against(r, checkpoint, signer.public_key))
    assert found.bad_seq == 3
    assert "written anew" in str(found.why)


def test_a_tampered_end_keeps_the_service_from_recording_on_top_of_it(tmp_path: Path) -> None:
    recorded(tmp_path, 5)
    tamper(tmp_path, EDIT, "UPDATE entries SET hash = zeroblob(32) WHERE seq = 5")

    with pytest.raises(ContinuityError, match="entry 5"):
        Ledger.open(tmp_path)


def test_a_checkpoint_holds_for_its_key_and_its_ledger_only(tmp_path: Path) -> None:
    recorded(tmp_path / "one", 3)
    recorded(tmp_path / "two", 3)
    checkpoint, signer = checkpoint_of(tmp_path / "one")
    other, other_signer = checkpoint_of(tmp_path / "two")
    again = Checkpoint.from_json(checkpoint.to_json())

    again.check(signer.public_key)
    for edited in (
        replace(checkpoint, seq=2),
        replace(checkpoint, hash="00" * 32),
        replace(checkpoint, at=0),
        replace(checkpoint, ledger=other.ledger),
        replace(checkpoint, signature=other.signature),
        replace(checkpoint, signature="no"),
    ):
        with pytest.raises(CheckpointError, match="not signed by this key"):
            edited.check(signer.public_key)
    with pytest.raises(CheckpointError, match="not signed by this key"):
        checkpoint.check(other_signer.public_key)
    with pytest.raises(CheckpointError, match="another ledger"):
        audited(tmp_path / "two", lambda r: verify_against(r, checkpoint, signer.public_key))
    for content in (b"", b"[]", b'{"seq":1}', b"\xff"):
        with pytest.raises(CheckpointError, match="not a checkpoint"):
            Checkpoint.from_json(content)


def test_a_key_is_kept_from_others_and_the_same_after_reading_it_again(tmp_path: Path) -> None:
    path = tmp_path / "signing.key"
    first = Signer.load(path)

    assert path.stat().st_mode & 0o777 == 0o600
    assert Signer.load(path).public_key == first.public_key
    path.chmod(0o644)
    with pytest.raises(CheckpointError, match="chmod 600"):
        Signer.load(path)
    path.chmod(0o600)
    path.write_text("no key")
    with pytest.raises(CheckpointError, match="holds no key"):
        Signer.load(path)


def bytes_below(home: Path) -> bytes:
    return b"".join(p.read_bytes() for p in sorted(home.rglob("*")) if p.is_file())


def test_erased_personal_data_is_nowhere_and_the_chain_still_verifies(tmp_path: Path) -> None:
    secret = os.urandom(24)  # no compression hides it
    ledger = Ledger.open(tmp_path)
    ledger.record(draft(1, personal=secret), draft(2, personal=b"stays"), draft(3))
    ledger.flush()
    assert secret in bytes_below(tmp_path)

    erasure = ledger.erase(1, reason="asked by the person")

    assert secret not in bytes_below(tmp_path)
    first, second, third, fourth = ledger.entries()
    assert first.erased
    assert first.personal is None
    assert first.body == draft(1).body
    assert second.personal == b"stays"
    assert not third.erased
    assert fourth == erasure
    assert json.loads(erasure.body) == {"entries": [1], "reason": "asked by the person"}
    assert (verify(ledger).ok, verify(ledger).erased) == (True, 1)
    ledger.close()
    assert audited(tmp_path).ok
    assert secret not in bytes_below(tmp_path)


def test_retention_deletes_up_to_a_checkpoint_and_verification_begins_there(
    tmp_path: Path,
) -> None:
    recorded(tmp_path, 10)
    checkpoint, signer = checkpoint_of(tmp_path)
    _, stranger = checkpoint_of(tmp_path)[0], Signer.load(tmp_path / "stranger.key")
    ledger = Ledger.open(tmp_path)
    ledger.record(*(draft(n) for n in range(11, 16)))
    ledger.flush()
    with pytest.raises(CheckpointError, match="not signed by this key"):
        ledger.retain(replace(checkpoint, seq=12), signer, "too far")
    ledger.retain(checkpoint, signer, "two years")

    assert [entry.seq for entry in ledger.entries()] == list(range(11, 17))
    found = verify(ledger, signer.public_key)
    assert found.ok
    assert found.first_seq == 11
    assert verify_against(ledger, checkpoint, signer.public_key).ok
    with pytest.raises(LedgerError, match="deleted before"):
        ledger.retain(checkpoint, signer, "again")
    ledger.close()
    ledger = Ledger.open(tmp_path)
    assert ledger.status().last_seq == 16
    ledger.close()
    assert audited(tmp_path, lambda r: verify(r, stranger.public_key)).bad_seq == 11
    tamper(tmp_path, "DELETE FROM entries WHERE seq = 11")
    assert audited(tmp_path).bad_seq == 11
