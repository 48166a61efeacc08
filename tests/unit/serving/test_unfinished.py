"""A power cut takes answers that the disk had not: they are made again, the same."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from pydantic_core import to_json
from starlette.testclient import TestClient
from tests.hanging import hanging
from tests.unit.serving.bodies import JSON, assert_problem, beside, order

from triage.domain.clock import MICROS_PER_DAY, from_micros
from triage.history.log import Log
from triage.ledger.audit import verify
from triage.ledger.errors import StoreUnavailableError
from triage.ledger.intents import Intents
from triage.ledger.journal import Journal
from triage.ledger.ledger import Ledger
from triage.ledger.pen import available
from triage.ledger.reading import open_reading
from triage.serving.decisions import KIND, Decision, compared, intent
from triage.serving.main import create
from triage.serving.replay import replay
from triage.settings import Settings

pytestmark = pytest.mark.skipif(
    not available(), reason="this operating system has no eventfd: every answer waits for the disk"
)


@dataclass(frozen=True)
class Cut:
    """A home as a power cut left it, and what had been answered from it."""

    home: Path
    answers: list[dict[str, Any]]


def ledger_of(client: TestClient) -> Ledger:
    ledger: Ledger = client.app.state.kept.decisions.ledger  # type: ignore[attr-defined]
    return ledger


def finished(client: TestClient) -> None:
    until = time.monotonic() + 120
    while ledger_of(client).intents.left:
        assert time.monotonic() < until, "nothing is made up for"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def cut(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Cut:
    """Answer, and lose of the ledger what came after a moment; what the disk had is kept."""
    made = tmp_path_factory.mktemp("cut")
    own, left = made / "own", made / "left"
    for part in ("history", "models"):
        shutil.copytree(home / part, own / part)
    now = Log(own).read().extracted_at
    moment = from_micros(now - MICROS_PER_DAY).isoformat()
    promised = from_micros(now + 3 * MICROS_PER_DAY).isoformat()
    whole = order(order_id="NEW-1", event_time=moment, record_time=moment, promised_by=promised)
    with beside(create(Settings(home=own))) as client:
        items = client.get("/v1/worklist", params={"page_size": 4}).json()["items"]
        asked: list[dict[str, Any]] = [{"order_id": item["order_id"]} for item in items]
        asked += [{"order": whole}, {"order_id": asked[0]["order_id"], "recommend": True}]
        assert client.post("/v1/score", json=asked[0]).status_code == 200
        client.get("/v1/worklist")
        ledger_of(client).flush()
        shutil.copytree(own, left)
        answers = [
            client.post("/v1/score", content=json.dumps(each, indent=2), headers=JSON).json()
            for each in asked
        ]
        assert client.post("/v1/score", json={"order_id": "nobody's"}).status_code == 404
        shutil.rmtree(left / "ledger" / "intents")
        shutil.copytree(own / "ledger" / "intents", left / "ledger" / "intents")
        basis = Decision.of(ledger_of(client).last(1, KIND)[0]).basis
    gone = to_json(replace(basis, model="f" * 64))
    odd = {"lost": intent("lost", 1, 2, gone, b"{}"), "older": b'{"what":"Erika"}'}
    odd["odd"] = intent("odd", 1, 2, to_json(basis), b'{"order":"Erika"}')
    journal = Journal.open(left / "ledger" / "intents")
    journal.append([name.encode() + b"\n" + each for name, each in odd.items()]).result(5)
    journal.close()
    return Cut(left, answers)


@pytest.fixture(scope="module")
def again(cut: Cut) -> Iterator[TestClient]:
    with beside(create(Settings(home=cut.home))) as client:
        finished(client)
        yield client


def test_what_the_disk_has_is_no_decision_before_the_next_start(cut: Cut) -> None:
    reading = open_reading(cut.home)
    held = {entry.id for entry in reading.last(100, KIND)}
    reading.close()
    intents = Intents(cut.home / "ledger" / "intents")
    left = set(intents.left)
    intents.close()
    answered = {each["decision_id"] for each in cut.answers}

    assert held.isdisjoint(answered)
    assert left - held == answered | {"lost", "odd", "older"}


def test_every_answer_is_on_record_again_as_it_was_given(cut: Cut, again: TestClient) -> None:
    for answer in cut.answers:
        found = again.get(f"/v1/decisions/{answer['decision_id']}").json()
        assert compared(found["answer"]) == compared(answer)
        for name in ("decision_id", "scored_at", "stale_at"):
            assert found["answer"][name] == answer[name]


@pytest.mark.usefixtures("again")
def test_what_was_made_again_replays_bit_for_bit_and_the_chain_is_whole(cut: Cut) -> None:
    reading = open_reading(cut.home)
    made = list(replay(cut.home, reading, reading.last(100, KIND)))
    whole = verify(reading)
    reading.close()

    assert whole.why is None
    assert len(made) == len(cut.answers) + 1
    assert [each.differs for each in made if not each.same] == []


def test_what_was_asked_of_a_whole_order_can_still_be_erased(cut: Cut, again: TestClient) -> None:
    said = next(each for each in cut.answers if each["order_id"] == "NEW-1")
    ledger = ledger_of(again)
    entry = ledger.get(said["decision_id"])
    assert entry is not None
    assert b"C-1043" in (entry.personal or b"")
    ledger.erase(entry.seq, reason="asked")
    erased = ledger.get(said["decision_id"])
    assert erased is not None
    assert Decision.of(erased).asked is None


def test_a_decision_whose_model_is_gone_is_an_alarm_and_nothing_else_is_held_up(
    again: TestClient,
) -> None:
    told = alarms(again)["lost"]

    assert told["intent"]["asked"] is None
    assert "f" * 12 in told["why"]


@pytest.mark.parametrize("intent_id", ["odd", "older"])
def test_an_intent_that_nobody_understands_is_an_alarm_without_what_it_says(
    again: TestClient, intent_id: str
) -> None:
    told = alarms(again)[intent_id]

    assert told["why"] == "ValidationError"
    assert "Erika" not in json.dumps(told)


def alarms(client: TestClient) -> dict[str, Any]:
    found = ledger_of(client).last(10, "alarm")
    told = {alarm.id: json.loads(alarm.body) for alarm in found}
    return {each["intent"]["id"]: each for name, each in told.items() if name.startswith("alarm:")}


def test_while_others_wait_for_the_disk_no_intent_is_kept(
    again: TestClient, cut: Cut, monkeypatch: pytest.MonkeyPatch
) -> None:
    decisions = again.app.state.kept.decisions  # type: ignore[attr-defined]
    kept: list[Any] = []
    keep = Intents.keep

    def note(intents: Intents, *given: Any) -> Any:
        kept.append(given)
        return keep(intents, *given)

    monkeypatch.setattr(Intents, "keep", note)
    order = {"order_id": cut.answers[0]["order_id"]}
    assert again.post("/v1/score", json=order).status_code == 200
    assert len(kept) == 1
    monkeypatch.setattr(decisions, "_waiting", 1)
    assert again.post("/v1/score", json=order).status_code == 200
    assert len(kept) == 1


def fails_at_once(*_: Any) -> Any:
    raise StoreUnavailableError("too much waits already")


def fails_later(intents: Intents, *given: Any) -> Any:
    kept = keep(intents, *given)
    kept.set_exception(StoreUnavailableError("the disk does not answer"))
    return kept


keep = Intents.keep


@pytest.mark.parametrize("fails", [fails_at_once, fails_later])
def test_where_the_disk_does_not_take_the_intent_the_decision_waits_for_the_disk(
    again: TestClient, cut: Cut, monkeypatch: pytest.MonkeyPatch, fails: Any
) -> None:
    ledger = ledger_of(again)
    order = {"order_id": cut.answers[0]["order_id"]}

    def no_disk(*_: Any) -> Any:
        raise StoreUnavailableError("the disk does not answer")

    monkeypatch.setattr(Intents, "keep", fails)
    answer = again.post("/v1/score", json=order)
    assert answer.status_code == 200
    assert Decision.of(ledger.last(1, KIND)[0]).id == answer.json()["decision_id"]
    before = ledger.head()[0]
    with monkeypatch.context() as disk:
        disk.setattr(Ledger, "record_async", no_disk)
        assert_problem(again.post("/v1/score", json=order), 503)
    assert ledger.head()[0] == before


@pytest.mark.parametrize("asked", [{"order_id": "nobody's"}, {"as_of": "2999-01-01T00:00:00Z"}])
def test_what_was_refused_is_not_made_at_the_next_start(
    again: TestClient, cut: Cut, asked: dict[str, str]
) -> None:
    order = {"order_id": cut.answers[0]["order_id"]} | asked
    ledger = ledger_of(again)
    assert again.post("/v1/score", json=order).status_code in {404, 422}
    ledger.intents._journal.settle(5)
    frames = [frame for _, frame in ledger.intents._journal.read()]

    assert frames[-1] == frames[-2].partition(b"\n")[0]


def test_an_intent_that_takes_long_is_waited_for_before_anything_is_recorded(
    again: TestClient, cut: Cut, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = ledger_of(again)
    order = {"order_id": cut.answers[0]["order_id"]}
    ledger.flush()
    before = ledger.head()[0]
    hangs = hanging(monkeypatch)
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(again.post, "/v1/score", json=order)
        time.sleep(0.3)
        assert not asked.done()
        assert ledger.head()[0] == before
        assert again.get("/livez").status_code == 200
        hangs.set()
        answer = asked.result(10)
    assert answer.status_code == 200
    assert again.get(f"/v1/decisions/{answer.json()['decision_id']}").status_code == 200


def test_while_the_disk_hangs_scores_and_events_are_refused_in_time_and_none_is_lost(
    again: TestClient, cut: Cut, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = cut.answers[0]["order_id"]
    monkeypatch.setattr("triage.ledger.ledger.ACKNOWLEDGE_SECONDS", 0.4)
    monkeypatch.setattr("triage.ledger.intents.ACKNOWLEDGE_SECONDS", 0.4)
    monkeypatch.setattr("triage.serving.live.ACKNOWLEDGE_SECONDS", 0.4)
    moment = from_micros(Log(cut.home).read().extracted_at).isoformat()
    said = {"order_id": name, "milestone": "pick_released", "event_time": moment}
    event = {"id": "hang-1", "type": "milestone", "data": said | {"record_time": moment}}
    applied = again.app.state.kept.live.applied  # type: ignore[attr-defined]
    ledger_of(again).flush()
    with monkeypatch.context() as disk:
        hangs = hanging(disk)
        one = {"order_id": name}
        for path, body in (
            ("/v1/score", one), ("/v1/score/batch", {"orders": [one]}), ("/v1/events", event),
        ):  # fmt: skip
            begun = time.monotonic()
            assert_problem(again.post(path, json=body), 503)
            assert time.monotonic() - begun < 3
        assert again.get("/livez").status_code == 200
        hangs.set()
    taken = again.post("/v1/events", json=event).json()
    assert (taken["accepted"], taken["duplicates"]) == (0, 1)
    assert again.app.state.kept.live.applied == applied + 1  # type: ignore[attr-defined]
    assert again.post("/v1/score", json={"order_id": name}).status_code == 200


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a process with its parent")
def test_the_process_that_makes_them_ends_with_the_service(tmp_path: Path) -> None:
    code = (
        "import subprocess, sys, time; child = subprocess.Popen([sys.executable, '-m', "
        "'triage.serving.unfinished', sys.argv[1]]); print(child.pid, flush=True); time.sleep(99)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        until = time.monotonic() + 60
        while os.getpriority(os.PRIO_PROCESS, child) == 0:  # it waits for intents once it is polite
            assert time.monotonic() < until
            time.sleep(0.1)
        time.sleep(1)
        assert alive(child)
        parent.kill()
        while alive(child):
            assert time.monotonic() < until
            time.sleep(0.05)


def alive(process: int) -> bool:
    try:
        return "\nState:\tZ" not in (Path("/proc") / str(process) / "status").read_text()
    except FileNotFoundError:
        return False
