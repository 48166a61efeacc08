"""Keys in the ledger: what was issued and revoked stays known, whatever becomes of the folder."""

from __future__ import annotations

import asyncio
import shutil
import time
from pathlib import Path

import pytest
from tests import fakes
from tests.unit.serving.bodies import STORED, assert_problem, beside

from triage.ledger.audit import verify
from triage.ledger.errors import StoreUnavailableError
from triage.ledger.ledger import Ledger
from triage.ledger.reading import open_reading
from triage.serving.access.guard import Guard
from triage.serving.access.keys import FOLDER, issue, revoke
from triage.serving.access.keys_record import KeyRecord
from triage.serving.access.keys_ring import KeyRing
from triage.settings import Settings

NOW = 1_700_000_000_000_000


def caught_up(home: Path, ledger: Ledger) -> KeyRing:
    ring = KeyRing(home)
    asyncio.run(KeyRecord(ring, ledger).catch_up())
    return ring


def test_each_issue_and_revocation_is_recorded_once(tmp_path: Path) -> None:
    one, token = issue(tmp_path, "Ana", ["score", "events"], NOW)
    ledger = Ledger.open(tmp_path)
    caught_up(tmp_path, ledger)
    revoke(tmp_path, one.id, NOW + 7)
    for _ in range(2):
        caught_up(tmp_path, ledger)
    first, second = ledger.entries(kind="key")
    assert (first.id, first.at) == (f"key:{one.id}:issued", NOW)
    assert (second.id, second.at) == (f"key:{one.id}:revoked", NOW + 7)
    assert first.personal == b"Ana"
    assert b'"scopes":["events","score"]' in first.body
    assert one.digest.hex().encode() not in first.body
    assert token.encode() not in first.body
    ledger.close()
    reading = open_reading(tmp_path)
    assert verify(reading).ok
    reading.close()


def test_an_older_copy_of_the_folder_brings_no_revoked_key_back(tmp_path: Path) -> None:
    one, token = issue(tmp_path, "Ana", ["score"], NOW)
    _, other = issue(tmp_path, "Ben", ["score"], NOW)
    shutil.copytree(tmp_path / FOLDER, tmp_path / "copy")
    revoke(tmp_path, one.id, NOW)
    ledger = Ledger.open(tmp_path)
    caught_up(tmp_path, ledger)
    shutil.rmtree(tmp_path / FOLDER)
    shutil.copytree(tmp_path / "copy", tmp_path / FOLDER)
    assert KeyRing(tmp_path).find(token) is not None, "the copy knows nothing of it"
    ring = caught_up(tmp_path, ledger)
    assert ring.find(token) is None
    assert ring.usable(one.id) is None
    assert ring.find(other) is not None
    ledger.close()


def test_what_could_not_be_recorded_is_recorded_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    issue(tmp_path, "Ana", ["score"], NOW)
    ledger = Ledger.open(tmp_path)
    record = KeyRecord(KeyRing(tmp_path), ledger)

    def full(*_: object) -> None:
        raise StoreUnavailableError("full")

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(ledger, "record_async", full)
        asyncio.run(record.catch_up())
    assert not list(ledger.entries(kind="key"))
    asyncio.run(record.catch_up())
    assert len(list(ledger.entries(kind="key"))) == 1
    ledger.close()


def test_a_running_service_records_keys_by_itself(tmp_path: Path) -> None:
    one, token = issue(tmp_path, "Ana", ["score"], NOW)
    settings = Settings(home=tmp_path)
    with beside(fakes.app(settings, folder=tmp_path, guard=Guard(settings))) as client:
        ledger: Ledger = client.app.state.kept.decisions.ledger  # type: ignore[attr-defined]
        deadline = time.monotonic() + 5
        while not ledger.last(1, "key") and time.monotonic() < deadline:
            time.sleep(0.02)
        assert ledger.last(1, "key")[0].id == f"key:{one.id}:issued"
        headers = {"x-api-key": token}
        assert client.post("/v1/score", json={"order_id": STORED}, headers=headers).is_success
        assert_problem(client.get("/v1/worklist", headers=headers), 403)
