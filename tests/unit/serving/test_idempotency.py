"""A request that is sent again with its key gets its answer and does nothing anew."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Awaitable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from tests import fakes
from tests.unit.serving.bodies import JSON, NDJSON, STORED, assert_problem, beside

from triage.domain.clock import MICROS_PER_DAY
from triage.ledger.errors import StoreUnavailableError
from triage.ledger.ledger import Ledger
from triage.serving.access.guard import Guard
from triage.serving.access.keys import issue
from triage.serving.decisions import Making
from triage.settings import Settings

ACTIONS = f"/v1/worklist/{STORED}/actions"
NOTE = {"action": "note", "by": "Ana", "text": "called"}
BODY = json.dumps({"order_id": STORED}).encode()


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = fakes.NOW

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def client(tmp_path: Path, clock: Clock) -> Iterator[TestClient]:
    with beside(fakes.app(folder=tmp_path, clock=clock)) as made:
        yield made


def score(client: TestClient, key: str | None, body: bytes = BODY, **headers: str) -> Any:
    named = {} if key is None else {"idempotency-key": key}
    return client.post("/v1/score", content=body, headers=JSON | named | headers)


def decisions(client: TestClient) -> int:
    ledger: Ledger = client.app.state.kept.decisions.ledger  # type: ignore[attr-defined]
    return len(ledger.last(1_000, "decision"))


def test_the_same_request_with_the_same_key_is_the_same_decision(client: TestClient) -> None:
    first, again = score(client, "k-1"), score(client, '"k-1"')
    assert first.status_code == again.status_code == 200
    assert first.content == again.content
    assert first.headers["content-type"] == again.headers["content-type"]
    assert first.headers["x-request-id"] != again.headers["x-request-id"]
    assert decisions(client) == 1
    assert score(client, "k-2").json()["decision_id"] != first.json()["decision_id"]
    assert score(client, None).json()["decision_id"] != score(client, None).json()["decision_id"]


@pytest.mark.parametrize(
    ("body", "kind"),
    [(json.dumps({"orders": [{"order_id": STORED}, {"junk": 1}]}).encode(), JSON),
     (BODY + b"\n" + BODY, NDJSON)],
    ids=["document", "lines"],
)  # fmt: skip
def test_so_is_a_batch(client: TestClient, body: bytes, kind: dict[str, str]) -> None:
    headers = kind | {"idempotency-key": "k"}
    first = client.post("/v1/score/batch", content=body, headers=headers)
    count = decisions(client)
    again = client.post("/v1/score/batch", content=body, headers=headers)
    assert first.status_code == 200
    assert (again.content, again.headers["content-type"]) == (
        first.content, first.headers["content-type"]
    )  # fmt: skip
    assert decisions(client) == count > 0


def test_an_act_is_done_once(client: TestClient) -> None:
    headers = {"idempotency-key": "k"}
    told = [client.post(ACTIONS, json=NOTE, headers=headers) for _ in range(3)]
    assert {answer.status_code for answer in told} == {200}
    assert len({answer.content for answer in told}) == 1
    history = client.get(f"/v1/worklist/{STORED}/history").json()["entries"]
    assert len(history) == 1


def test_an_answer_is_known_after_a_restart(tmp_path: Path) -> None:
    contents = set()
    for _ in range(2):
        with beside(fakes.app(folder=tmp_path)) as client:
            contents.add(score(client, "k").content)
            assert decisions(client) == 1
    assert len(contents) == 1


def test_the_same_key_with_another_request_is_refused(client: TestClient) -> None:
    score(client, "k")
    problem = assert_problem(score(client, "k", BODY + b" "), 422, STORED)
    assert problem["type"].endswith("idempotency-key-reused")
    assert decisions(client) == 1


def test_keys_of_addresses_are_apart(client: TestClient) -> None:
    score(client, "k")
    done = client.post(ACTIONS, json=NOTE, headers={"idempotency-key": "k"})
    assert done.status_code == 200
    assert "entry_id" in done.json()


def test_keys_of_callers_are_apart(tmp_path: Path) -> None:
    one, other = (issue(tmp_path, name, ["score"], 1)[1] for name in ("Ana", "Ben"))
    settings = Settings(home=tmp_path)
    with beside(fakes.app(settings, folder=tmp_path, guard=Guard(settings))) as client:
        mine = score(client, "k", BODY, **{"x-api-key": one})
        assert score(client, "k", BODY, **{"x-api-key": one}).content == mine.content
        assert score(client, "k", BODY, **{"x-api-key": other}).content != mine.content


def test_a_key_can_be_used_again_after_a_day(client: TestClient, clock: Clock) -> None:
    first = score(client, "k")
    clock.now += MICROS_PER_DAY - 1
    assert score(client, "k").content == first.content
    clock.now += 1
    later = score(client, "k", BODY + b" ")
    assert later.status_code == 200
    assert score(client, "k", BODY + b" ").content == later.content
    assert decisions(client) == 2


@pytest.mark.parametrize("key", ["", " ", "a b", "é", "\x07", "k" * 256])
def test_a_key_that_makes_no_sense_is_refused(client: TestClient, key: str) -> None:
    sent = [(b"idempotency-key", key.encode()), (b"content-type", b"application/json")]
    answer = client.post("/v1/score", content=BODY, headers=sent)
    assert assert_problem(answer, 400)["type"].endswith("idempotency-key")
    assert decisions(client) == 0


def test_two_keys_are_none(client: TestClient) -> None:
    sent = [("idempotency-key", "a"), ("idempotency-key", "b"), *JSON.items()]
    assert_problem(client.post("/v1/score", content=BODY, headers=sent), 400)


def test_without_a_record_nothing_is_promised() -> None:
    assert_problem(score(beside(fakes.app(Settings(record=False))), "k"), 400)


def test_what_was_refused_can_be_sent_again_corrected(client: TestClient) -> None:
    assert_problem(score(client, "k", b"{"), 400)
    assert score(client, "k").status_code == 200


def test_who_comes_while_the_first_is_being_answered_is_told(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, usual = threading.Event(), Making.record

    def record(making: Making, *given: Any, **named: Any) -> Awaitable[None]:
        return slow(usual(making, *given, **named))

    async def slow(recorded: Awaitable[None]) -> None:
        begun.set()
        await asyncio.sleep(0.4)
        await recorded

    monkeypatch.setattr(Making, "record", record)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(score, client, "k")
        assert begun.wait(5)
        assert_problem(score(client, "k"), 409)
        assert score(client, "other").status_code == 200
        done = first.result()
    assert done.status_code == 200
    assert score(client, "k").content == done.content


def test_an_answer_that_cannot_be_kept_is_still_given(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = client.app.state.kept.decisions.ledger  # type: ignore[attr-defined]
    usual = ledger.record_async

    def refuse(*drafts: Any) -> Any:
        if any(draft.kind == "idempotency" for draft in drafts):
            raise StoreUnavailableError("full")
        return usual(*drafts)

    monkeypatch.setattr(ledger, "record_async", refuse)
    assert score(client, "k").status_code == 200


def test_an_erased_answer_is_not_given_again(client: TestClient) -> None:
    headers = {"idempotency-key": "k"}
    client.post(ACTIONS, json=NOTE, headers=headers)
    ledger: Ledger = client.app.state.kept.decisions.ledger  # type: ignore[attr-defined]
    (entry,) = ledger.of_order(STORED, "idempotency")
    assert entry.personal is not None
    ledger.erase(entry.seq, reason="asked for")
    assert_problem(client.post(ACTIONS, json=NOTE, headers=headers), 409)
