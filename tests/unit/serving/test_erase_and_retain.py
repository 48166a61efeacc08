"""Erasing and deleting by command: what goes, what stays, and what still works afterwards."""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from tests import fakes
from tests.unit.serving.bodies import assert_problem, beside, order
from tests.unit.serving.test_bulk import named, sent
from tests.unit.serving.test_decisions import scored
from tests.unit.serving.test_keys_record import caught_up
from typer.testing import CliRunner

from triage import cli
from triage.domain.clock import from_micros
from triage.errors import RequestError
from triage.history.log import Log
from triage.ledger.checkpoint import Signer
from triage.ledger.corrections import Correction, corrections
from triage.ledger.errors import AlreadyOpenError, CheckpointError, LedgerError
from triage.ledger.intents import Intents
from triage.ledger.ledger import Ledger
from triage.ledger.reading import open_reading
from triage.serving.access.keys import FOLDER, issue, revoke
from triage.serving.main import create
from triage.serving.pages.saved_views import SavedViews
from triage.settings import Settings

NAME = b"Mustermann"
SENT = {"order": order(order_id="SO-ERASE", customer_name="Erika Mustermann")}


def run(home: Path, *words: str) -> str:
    """What a command says; an error of it is raised."""
    found = CliRunner().invoke(cli.app, [*words, "--home", str(home)])
    if found.exception is not None and not isinstance(found.exception, SystemExit):
        raise found.exception
    assert found.exit_code == 0, found.output
    return found.output


@contextmanager
def served(home: Path) -> Iterator[TestClient]:
    with beside(create(Settings(home=home))) as client:
        named(client, "Ana")
        yield client


@contextmanager
def pretended(home: Path) -> Iterator[TestClient]:
    """A service over the fake, which begins at once, with a real ledger."""
    with beside(fakes.app(folder=home)) as client:
        named(client, "Ana")
        yield client


@pytest.fixture
def own(sample_home: Path, tmp_path: Path) -> Path:
    shutil.copytree(sample_home / "history", tmp_path / "history")
    return tmp_path


def act(client: TestClient, order_id: str, **asked: str) -> None:
    answer = client.post(f"/v1/worklist/{order_id}/actions", json={"by": "Ana", **asked})
    assert answer.status_code == 200, answer.text


def delivered(client: TestClient, home: Path, order_id: str) -> None:
    moment = from_micros(Log(home).read().extracted_at).isoformat()
    data = {
        "order_id": order_id, "milestone": "delivered", "event_time": moment, "record_time": moment,
    }  # fmt: skip
    event = {"id": f"d-{order_id}", "type": "milestone", "data": data}
    assert client.post("/v1/events", json=event).json()["accepted"] == 1


def orders(client: TestClient, n: int) -> list[str]:
    items = client.get("/v1/worklist", params={"page_size": n}).json()["items"]
    return [item["order_id"] for item in items]


def kinds(home: Path) -> dict[str, int]:
    reading = open_reading(home)
    found: dict[str, int] = {}
    for entry in reading.entries():
        found[entry.kind] = found.get(entry.kind, 0) + 1
    reading.close()
    return found


def below(home: Path) -> bytes:
    """Everything in the ledger's folder, with what is compressed in entries as it was recorded."""
    files = b"".join(p.read_bytes() for p in (home / "ledger").rglob("*") if p.is_file())
    reading = open_reading(home)
    files += b"".join(entry.personal or b"" for entry in reading.entries())
    reading.close()
    return files


def test_erasing_an_order_shows_first_and_then_takes_every_personal_part_of_it(own: Path) -> None:
    with pretended(own) as client:
        said = scored(client, **SENT)
        keyed = client.post("/v1/score", json=SENT, headers={"Idempotency-Key": "once"}).json()
        (other,) = orders(client, 1)
        act(client, other, action="note", text="ask Erika")
    shown = run(own, "audit", "erase", "--order", "SO-ERASE", "--reason", "asked for")
    assert said["decision_id"] in shown
    assert "idempotency:" in shown, "the answer that is kept for repetition tells of it, too"
    assert "3 entries would be erased" in shown
    assert "Mustermann" not in shown
    assert NAME in below(own)

    (own / "index" / "kept").mkdir(parents=True)
    done = run(own, "audit", "erase", "--order", "SO-ERASE", "--reason", "asked for", "--yes")
    assert not (own / "index").exists(), "it has customers among its keys"
    assert "3 entries erased" in done
    assert "Not reached" in done
    assert "events/" in done
    assert "backups" in done
    assert NAME not in below(own)
    assert "3 with personal data erased" in run(own, "audit", "verify")
    again = run(own, "audit", "erase", "--order", "SO-ERASE", "--reason", "asked", "--yes")
    assert "0 entries erased; of 2 they were gone before" in again
    assert kinds(own)["erasure"] == 1
    reading = open_reading(own)
    assert b"Erika" in (reading.last(1, "note")[0].personal or b"")
    for name in (said["decision_id"], keyed["decision_id"]):
        entry = reading.get(name)
        assert entry is not None
        assert entry.erased
    reading.close()


def test_single_entries_are_erased_by_their_id(own: Path) -> None:
    with pretended(own) as client:
        (order,) = orders(client, 1)
        act(client, order, action="note", text="ask Erika")
        act(client, order, action="note", text="ask Otto")
        told = client.get(f"/v1/worklist/{order}/history").json()["entries"]
    first = next(each for each in told if each["text"] == "ask Erika")
    run(own, "audit", "erase", first["entry_id"], "--reason", "asked for", "--yes")
    reading = open_reading(own)
    assert [entry.erased for entry in reading.entries(kind="note")] == [True, False]
    reading.close()
    with pytest.raises(RequestError, match="no entry with the id nobody"):
        run(own, "audit", "erase", "nobody", "--reason", "asked")
    with pytest.raises(RequestError, match="--order"):
        run(own, "audit", "erase", "--reason", "asked")
    for reason in ([], ["--reason", " "]):
        words = ["audit", "erase", first["entry_id"], *reason, "--home", str(own)]
        assert CliRunner().invoke(cli.app, words).exit_code == 2


def test_beside_a_service_it_is_shown_and_not_done(own: Path) -> None:
    with pretended(own) as client:
        scored(client, **SENT)
        run(own, "audit", "checkpoint", str(own / "checkpoint"))
        wanted = ("erase", "--order", "SO-ERASE"), ("retain", str(own / "checkpoint"))
        for words in wanted:
            assert "would be" in run(own, "audit", *words, "--reason", "asked")
            with pytest.raises(AlreadyOpenError, match="stop it"):
                run(own, "audit", *words, "--reason", "asked", "--yes")
    assert not {"erasure", "retention"} & set(kinds(own))


def test_what_a_crash_left_to_be_made_again_comes_first(tmp_path: Path) -> None:
    ledger = Ledger.open(tmp_path)
    ledger.close()
    intents = Intents(tmp_path / "ledger" / "intents")
    intents._journal.append([b"id\n{}"]).result()
    intents.close()
    with pytest.raises(LedgerError, match="start the service"):
        run(tmp_path, "audit", "erase", "--order", "SO-1", "--reason", "asked", "--yes")


def test_no_ledger_is_made_where_there_is_none(tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match="no ledger"):
        run(tmp_path, "audit", "erase", "--order", "SO-1", "--reason", "asked", "--yes")
    assert not (tmp_path / "ledger").exists()


def lived(own: Path) -> dict[str, Any]:
    """A home with a past up to a checkpoint and newer decisions; returns names out of it."""
    key, _ = issue(own, "Ben", ["score"], 1)
    shutil.copytree(own / FOLDER, own / "older-keys")
    revoke(own, key.id, 2)
    ledger = Ledger.open(own)
    caught_up(own, ledger)
    wrong = Correction("E-1", 1, "stock", "price", "m", by="Ana")
    (first, taken) = ledger.record(wrong.draft(), Correction("E-2", 1, "stock", by="Ana").draft())
    ledger.record(Correction("E-2", 2, entry=taken.id, by="Ana").draft())
    ledger.close()
    shutil.rmtree(own / FOLDER)
    with served(own) as client:
        names = orders(client, 12)
        old = [scored(client, order_id=name)["decision_id"] for name in names]
        for name in names[:2]:
            act(client, name, action="assign", to="Ana")
        act(client, names[2], action="note", text="nothing more")
        delivered(client, own, names[1])
        delivered(client, own, names[2])
        for view in ("One", "Two"):
            sent(client, "/views", [("name", view), ("back", "band=high"), ("shared", "yes")])
        views = re.findall(r'name="view" value="([^"]+)"', client.get("/?band=high").text)
        sent(client, "/views", [("do", "delete"), ("view", views[0])])
    run(own, "audit", "checkpoint", str(own / "checkpoint"))
    with served(own) as client:
        act(client, names[1], action="note", text="it came")
        since = time.gmtime(time.time() - 60)
        new = [scored(client, order_id=name)["decision_id"] for name in names[3:9]]
    shutil.copytree(own / "older-keys", own / FOLDER, dirs_exist_ok=True)
    return {
        "names": names, "old": old, "new": new, "key": key.id, "corrected": first.id,
        "since": time.strftime("%Y-%m-%dT%H:%M", since),
    }  # fmt: skip


@pytest.fixture(scope="module")
def retained(home: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """The same with all up to the checkpoint gone that is not needed; what was told is checked."""
    own = tmp_path_factory.mktemp("retained")
    for folder in ("history", "models"):
        shutil.copytree(home / folder, own / folder)
    made = lived(own)
    shown = run(own, "audit", "retain", str(own / "checkpoint"), "--reason", "two years")
    before = kinds(own)
    assert "would be deleted" in shown
    done = run(own, "audit", "retain", str(own / "checkpoint"), "--reason", "two years", "--yes")
    assert "Not reached" in done
    assert "deleted" in done
    told = re.search(r"(\d+) entries up to \d+, .*; (\d+) stay", done)
    assert told is not None
    after = kinds(own)
    assert sum(before.values()) - sum(after.values()) == int(told[1]) - 1
    assert after["decision"] == 6
    assert after["key"] == 2
    return own, made | {"stay": told[2]}


def test_after_deleting_newer_decisions_are_made_again_the_same_and_the_chain_is_whole(
    retained: tuple[Path, dict[str, Any]],
) -> None:
    own, made = retained
    assert "6 decisions made again: 6 the same, 0 not" in run(own, "replay", "--last", "100")
    assert f"and {made['stay']} older ones that stayed" in run(own, "audit", "verify")
    key = Signer.load(own / "ledger" / "signing.key").public_key
    whole_still = ("verify", "--checkpoint", str(own / "checkpoint"), "--public-key", key)
    assert "whole" in run(own, "audit", *whole_still)


def test_since_makes_again_what_was_decided_from_a_moment_on(
    retained: tuple[Path, dict[str, Any]],
) -> None:
    own, made = retained
    newer = run(own, "replay", "--since", made["since"])
    assert "6 decisions made again: 6 the same, 0 not" in newer
    later = time.strftime("%Y-%m-%dT%H:%M", time.gmtime(time.time() + 120))
    assert "0 decisions made again" in run(own, "replay", "--since", later)
    with pytest.raises(RequestError):
        run(own, "replay", "--since", later, "--last", "1")


def test_a_revoked_key_stays_revoked_and_what_people_did_about_what_is_open_is_there(
    retained: tuple[Path, dict[str, Any]],
) -> None:
    own, made = retained
    ledger = Ledger.open(own)
    assert caught_up(own, ledger).usable(made["key"]) is None, "the folder of keys is an older copy"
    assert [view.name for view in SavedViews(ledger).seen_by("Ana")] == ["Two"]
    assert [each.id for each in corrections(ledger.entries())] == [made["corrected"]]
    first, came, over = made["names"][:3]
    acts = {name: [e.kind for e in ledger.of_order(name)] for name in (first, came, over)}
    ledger.close()
    assert acts == {first: ["assignment"], came: ["assignment", "note"], over: []}
    shutil.rmtree(own / FOLDER)
    with served(own) as client:
        assert_problem(client.get(f"/v1/decisions/{made['old'][0]}"), 404)
        assert client.get(f"/v1/decisions/{made['new'][0]}").status_code == 200
        assert client.get(f"/v1/worklist/{first}/history").json()["handling"]["owner"] == "Ana"
        scored(client, order_id=first)
    assert "7 the same, 0 not" in run(own, "replay", "--last", "100")


def test_a_checkpoint_that_is_not_signed_here_or_a_record_that_is_not_whole_deletes_nothing(
    own: Path,
) -> None:
    with pretended(own) as client:
        for name in orders(client, 3):
            scored(client, order_id=name)
    file = own / "checkpoint"
    file.write_text("{}")
    with pytest.raises(RequestError, match="nothing was signed here"):
        run(own, "audit", "retain", str(file), "--reason", "old", "--yes")
    assert not (own / "ledger" / "signing.key").exists()
    run(own, "audit", "checkpoint", str(file))
    signed = json.loads(file.read_text())
    file.write_text(json.dumps(signed | {"seq": signed["seq"] - 1}))
    with pytest.raises(CheckpointError, match="not signed by this key"):
        run(own, "audit", "retain", str(file), "--reason", "old", "--yes")
    file.write_text(json.dumps(signed))
    run(own, "audit", "retain", str(file), "--reason", "old", "--yes")
    with pytest.raises(LedgerError, match="were deleted before"):
        run(own, "audit", "retain", str(file), "--reason", "old", "--yes")
    assert kinds(own)["retention"] == 1
