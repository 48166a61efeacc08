from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from tests.unit.serving.bodies import assert_problem, beside
from typer.testing import CliRunner

from triage import cli
from triage.domain.clock import MICROS_PER_DAY, from_micros
from triage.history.log import Log
from triage.ledger.audit import verify
from triage.ledger.entries import Entry
from triage.ledger.errors import StoreUnavailableError
from triage.ledger.reading import open_reading
from triage.models.at_risk import NAME
from triage.serving.decisions import KIND, Decision
from triage.serving.main import create
from triage.serving.replay import Replayed, replay
from triage.serving.routes.score import EXAMPLE
from triage.settings import Settings


@pytest.fixture(scope="module")
def own(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home of its own, as the service writes into it."""
    made = tmp_path_factory.mktemp("own")
    for folder in ("history", "models"):
        shutil.copytree(home / folder, made / folder)
    return made


@pytest.fixture(scope="module")
def client(own: Path) -> Iterator[TestClient]:
    with beside(create(Settings(home=own))) as made:
        yield made


@pytest.fixture(scope="module")
def names(client: TestClient) -> list[str]:
    items = client.get("/v1/worklist", params={"page_size": 30}).json()["items"]
    return [item["order_id"] for item in items]


def scored(client: TestClient, **asked: object) -> dict[str, Any]:
    answer = client.post("/v1/score", json=asked)
    assert answer.status_code == 200, answer.text
    said: dict[str, Any] = answer.json()
    return said


def again(own: Path) -> list[Replayed]:
    reading = open_reading(own)
    try:
        return list(replay(own, reading, reading.last(10_000, KIND)))
    finally:
        reading.close()


def whole(own: Path, order_id: str) -> dict[str, Any]:
    moment = from_micros(Log(own).read().extracted_at - MICROS_PER_DAY).isoformat()
    promised = from_micros(Log(own).read().extracted_at + 3 * MICROS_PER_DAY).isoformat()
    sent = EXAMPLE["order"] | {  # type: ignore[operator]
        "order_id": order_id, "event_time": moment, "record_time": moment, "promised_by": promised,
        "customer_name": "Erika Mustermann",
    }  # fmt: skip
    return {"order": sent}


def test_an_answer_is_on_record_as_it_was_given(client: TestClient, names: list[str]) -> None:
    said = scored(client, order_id=names[0])
    held = client.get(f"/v1/decisions/{said['decision_id']}").json()
    assert held["answer"] == said
    assert held["asked"] == {"order_id": names[0]}
    assert held["basis"]["model"] == said["model"]["digest"]
    assert_problem(client.get("/v1/decisions/nobody"), 404)


def test_a_timeline_tells_what_happened_and_what_was_said(
    client: TestClient, names: list[str]
) -> None:
    said = scored(client, order_id=names[7])
    did = client.post(f"/v1/worklist/{names[7]}/actions", json={"action": "assign", "by": "Ana"})
    assert did.status_code == 200, did.text
    told = client.get(f"/v1/orders/{names[7]}/timeline").json()["entries"]
    assert (told[0]["kind"], told[0]["what"]) == ("milestone", "order_created")
    assert [each["record_time"] for each in told] == sorted(each["record_time"] for each in told)
    (decision,) = [each for each in told if each["kind"] == "decision"]
    assert decision["decision_id"] == said["decision_id"]
    assert decision["p_late"] == said["risk"]["p_late"]
    assert (told[-1]["kind"], told[-1]["what"]) == ("action", "assign")
    assert_problem(client.get("/v1/orders/nobody/timeline"), 404)


def test_every_item_of_a_batch_is_a_decision(client: TestClient, names: list[str]) -> None:
    body = {"orders": [{"order_id": name} for name in [*names[:3], "nobody"]]}
    items = client.post("/v1/score/batch", json=body).json()["items"]
    ids = [item["answer"]["decision_id"] for item in items if "answer" in item]
    assert len(set(ids)) == 3
    for item, decision_id in zip(items, ids, strict=False):
        held = client.get(f"/v1/decisions/{decision_id}").json()
        assert held["answer"] == item["answer"]


def test_decisions_before_between_and_after_events_are_made_again_bit_for_bit(
    client: TestClient, names: list[str], own: Path
) -> None:
    moment = from_micros(Log(own).read().extracted_at + 3_600_000_000).isoformat()
    for name in names:
        scored(client, order_id=name)
    scored(client, order_id=names[1], recommend=True)
    scored(client, **whole(own, "SO-NEW"))
    for number, name in enumerate(names[:6]):
        data = {
            "order_id": name, "milestone": "shipment_dispatched", "event_time": moment,
            "record_time": moment,
        }  # fmt: skip
        event = {"id": f"d{number}", "type": "milestone", "data": data}
        assert client.post("/v1/events", json=event).json()["accepted"] == 1
        scored(client, order_id=names[number])
        scored(client, order_id=names[10 + number])
    found = again(own)
    assert len(found) >= 40
    assert len({each.decision.basis.events for each in found}) == 7
    assert [(each.differs, each.problem) for each in found if not each.same] == []


def forged(own: Path, decision_id: str, change: Callable[[dict[str, Any]], None]) -> Replayed:
    """Return a decision made again that is held to have been another."""
    reading = open_reading(own)
    try:
        entry = reading.get(decision_id)
        assert entry is not None
        body = json.loads(entry.body)
        change(body)
        other = Entry.__new__(Entry)
        other.__dict__.update(entry.__dict__ | {"body": json.dumps(body).encode()})
        (found,) = replay(own, reading, [other])
    finally:
        reading.close()
    return found


def test_a_decision_of_before_ways_named_a_service_is_made_again_bit_for_bit(
    client: TestClient, own: Path
) -> None:
    def older(body: dict[str, Any]) -> None:
        for each in body["answer"]["recommendations"]:
            del each["service"]

    items = client.get("/v1/worklist", params={"page_size": 100}).json()["items"]
    planned = [item["order_id"] for item in items if item["plan"] is not None]
    assert planned
    for said in [scored(client, order_id=name, recommend=True) for name in planned[:4]]:
        assert said["recommendations"]
        found = forged(own, said["decision_id"], older)
        assert (found.same, found.differs, found.problem) == (True, (), "")


def test_a_decision_of_before_stale_feeds_were_named_is_made_again_bit_for_bit(
    client: TestClient, own: Path
) -> None:
    def older(body: dict[str, Any]) -> None:
        quality = body["answer"]["data_quality"]
        del quality["stale"]
        quality["degraded"] = bool(quality["missing"] or quality["unknown"])

    moment = Log(own).read().extracted_at + 100 * MICROS_PER_DAY
    late = from_micros(moment).isoformat()
    news = whole(own, "SO-LATER")["order"] | {"event_time": late, "record_time": late}
    said = scored(client, **(whole(own, "SO-LATER") | {"order": news, "as_of": late}))
    assert said["data_quality"]["stale"]
    found = forged(own, said["decision_id"], older)
    assert (found.same, found.differs, found.problem) == (True, (), "")


def test_a_decision_that_was_not_made_this_way_is_told(
    client: TestClient, names: list[str], own: Path
) -> None:
    def other(body: dict[str, Any]) -> None:
        body["answer"]["risk"]["p_late"] += 1e-6
        body["exact"] = "0" * 32

    found = forged(own, scored(client, order_id=names[2])["decision_id"], other)
    assert not found.same
    assert found.differs == ("exact", "risk")


def test_what_was_sent_can_be_erased_and_the_chain_still_holds(
    client: TestClient, own: Path
) -> None:
    said = scored(client, **whole(own, "SO-ERASE"))
    ledger = client.app.state.kept.decisions.ledger  # type: ignore[attr-defined]
    ledger.flush()
    entry = ledger.get(said["decision_id"])
    assert b"Mustermann" not in entry.body
    assert b"Mustermann" in entry.personal
    ledger.erase(entry.seq, reason="asked for")
    assert Decision.of(ledger.get(said["decision_id"])).asked is None
    assert verify(ledger).ok


def test_commands_verify_and_replay_beside_the_service(
    client: TestClient, names: list[str], own: Path
) -> None:
    said = scored(client, order_id=names[3])
    run = CliRunner()
    verified = run.invoke(cli.app, ["audit", "verify", "--home", str(own)])
    assert verified.exit_code == 0, verified.output
    assert "whole: entries 1 to" in verified.output
    made = run.invoke(cli.app, ["replay", said["decision_id"], "--home", str(own)])
    assert made.exit_code == 0, made.output
    assert "1 the same, 0 not" in made.output
    assert run.invoke(cli.app, ["replay", "--home", str(own)]).exit_code != 0


def test_an_edited_decision_is_found(client: TestClient, names: list[str], own: Path) -> None:
    said = scored(client, order_id=names[4])
    ledger = client.app.state.kept.decisions.ledger  # type: ignore[attr-defined]
    ledger.flush()
    copy = own.parent / "edited"
    shutil.copytree(own / "ledger", copy / "ledger")
    with sqlite3.connect(copy / "ledger" / "store.db") as store:
        store.execute("UPDATE entries SET order_id = 'x' WHERE id = ?", (said["decision_id"],))
    ran = CliRunner().invoke(cli.app, ["audit", "verify", "--home", str(copy)])
    assert ran.exit_code == 1
    assert str(ledger.get(said["decision_id"]).seq) in ran.output


def test_nothing_is_answered_that_cannot_be_recorded(
    client: TestClient, names: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = client.app.state.kept.decisions.ledger  # type: ignore[attr-defined]

    def refuse(*_: object) -> None:
        raise StoreUnavailableError("the disk is full")

    monkeypatch.setattr(ledger, "record_async", refuse)
    monkeypatch.setattr(ledger, "record_behind", refuse)
    problem = assert_problem(client.post("/v1/score", json={"order_id": names[0]}), 503)
    assert problem["title"] == "Nothing can be recorded at the moment"
    monkeypatch.undo()
    assert scored(client, order_id=names[0])["decision_id"]


def test_the_name_of_the_model_is_part_of_the_basis(client: TestClient, names: list[str]) -> None:
    said = scored(client, order_id=names[5])
    assert said["model"]["name"] == NAME
