from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from tests import fakes
from tests.unit.serving.bodies import assert_problem, order

from triage.domain.records import Milestone, Staffing
from triage.ledger.errors import AlreadyOpenError
from triage.serving.event_log import EventLog, check_free
from triage.settings import Settings

MOMENT = "2018-08-24T16:20:00-03:00"
DISPATCHED = {
    "order_id": "SO-1", "milestone": "shipment_dispatched", "event_time": MOMENT,
    "record_time": MOMENT,
}  # fmt: skip
POSITION = {
    "sku": "A", "site": "W1", "event_time": MOMENT, "record_time": MOMENT, "on_hand": 5.0,
}  # fmt: skip


def event(number: int = 1, **changes: object) -> dict[str, Any]:
    return {"id": f"e{number}", "source": "wms", "type": "milestone", "data": DISPATCHED} | changes


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def client(folder: Path) -> Iterator[TestClient]:
    app = fakes.app(Settings(max_events=20), folder=folder)
    with TestClient(app, raise_server_exceptions=False) as made:
        yield made


def send(client: TestClient, body: object, kind: str = "application/json", **headers: str) -> Any:
    content = body if isinstance(body, bytes) else json.dumps(body)
    return client.post("/v1/events", content=content, headers={"Content-Type": kind} | headers)


def counts(answer: Any) -> tuple[int, int, int]:
    assert answer.status_code == 200, answer.text
    said = answer.json()
    return said["accepted"], said["duplicates"], said["failed"]


def test_an_event_is_the_same_in_every_way_of_sending_it(client: TestClient) -> None:
    whole = event(specversion="1.0", type="triage.milestone", subject="SO-1", time=MOMENT)
    assert counts(send(client, whole, "application/cloudevents+json; charset=utf-8")) == (1, 0, 0)
    attributes = {
        "ce-id": "e1",
        "ce-source": "wms",
        "ce-type": "milestone",
        "ce-specversion": "1.0",
    }
    assert counts(send(client, DISPATCHED, **attributes)) == (0, 1, 0)
    assert counts(send(client, event())) == (0, 1, 0)
    assert counts(send(client, {"events": [event()]})) == (0, 1, 0)
    assert counts(send(client, [event()], "application/cloudevents-batch+json")) == (0, 1, 0)
    line = json.dumps(event()).encode() + b"\n\n"
    assert counts(send(client, line, "application/x-ndjson")) == (0, 1, 0)


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("Zürich 100% €", "Z%C3%BCrich%20100%25%20%E2%82%AC"), ("a b", '"a b"'),
        ('a"b', '"a\\"b"'), ("a%20b", "a%2520b"),
    ],
)  # fmt: skip
def test_an_attribute_in_a_header_is_the_same_as_in_a_document(
    client: TestClient, name: str, header: str
) -> None:
    attributes = {"ce-id": "e1", "ce-source": header, "ce-type": "milestone"}
    assert counts(send(client, DISPATCHED, **attributes)) == (1, 0, 0)
    assert counts(send(client, event(source=name))) == (0, 1, 0)


def test_a_header_that_is_no_text_is_refused(client: TestClient) -> None:
    attributes = {"ce-id": "e1", "ce-source": "%ff", "ce-type": "milestone", "ce-other": "%ff"}
    problem = assert_problem(send(client, DISPATCHED, **attributes), 422)
    assert [each["pointer"] for each in problem["errors"]] == ["/source"]
    assert counts(send(client, DISPATCHED, **attributes | {"ce-source": "wms"})) == (1, 0, 0)


def encoded(number: int = 1, content: object = DISPATCHED, **changes: object) -> dict[str, Any]:
    data = b64encode(json.dumps(content).encode()).decode()
    return {k: v for k, v in event(number).items() if k != "data"} | {"data_base64": data} | changes


def test_data_may_be_base64_wherever_an_event_is_a_document(client: TestClient) -> None:
    assert counts(send(client, encoded(), "application/cloudevents+json")) == (1, 0, 0)
    assert counts(send(client, event())) == (0, 1, 0)
    batch = [encoded(1), event(2), encoded(3, data_base64="?"), encoded(4, content=[]), encoded(5)]
    for kind, body in (
        ("application/cloudevents-batch+json", batch),
        ("application/json", {"events": batch}),
        ("application/x-ndjson", b"\n".join(json.dumps(each).encode() for each in batch)),
    ):
        answer = send(client, body, kind)
        assert sum(counts(answer)) == 5
        assert [each["index"] for each in answer.json()["problems"]] == [2, 3]
    assert counts(answer) == (0, 3, 2)


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({"data_base64": "e30"}, 422), ({"data_base64": 5}, 422), ({"data_base64": None}, 422),
        ({"data_base64": "é"}, 422), ({"data": DISPATCHED}, 422), ({"data_base64": "e30="}, 422),
        ({"data_base64": b64encode(b'{"a": NaN}').decode()}, 400),
        ({"data_base64": b64encode(b"[" * 10_000).decode()}, 400),
    ],
)  # fmt: skip
def test_base64_that_holds_no_record_is_refused(
    client: TestClient, wrong: dict[str, object], status: int
) -> None:
    assert_problem(send(client, encoded() | wrong), status)


def test_every_kind_of_record_comes_in_and_is_read_back_as_it_was(
    client: TestClient, folder: Path
) -> None:
    exception = {
        "exception_id": "EX1", "phase": "raised", "event_time": MOMENT, "record_time": MOMENT,
        "order_id": "SO-1", "text": "short pick",
    }  # fmt: skip
    supply = {
        "supply_id": "P1", "phase": "ordered", "event_time": MOMENT, "record_time": MOMENT,
        "sku": "A", "site": "W1", "quantity": 4.0, "expected_by": MOMENT,
    }  # fmt: skip
    staffing = {"site": "W1", "event_time": MOMENT, "record_time": MOMENT, "hours": 31.5}
    sent = {
        "order": order(), "milestone": DISPATCHED, "inventory_position": POSITION,
        "exception_event": exception, "inbound_supply": supply, "staffing": staffing,
    }  # fmt: skip
    batch = [event(n, type=kind, data=data) for n, (kind, data) in enumerate(sent.items())]
    assert counts(send(client, {"events": batch})) == (6, 0, 0)
    client.__exit__()
    log = EventLog(folder)
    try:
        kept = [record for _, record in log.records()]
    finally:
        log.close()
    assert [type(each).__name__ for each in kept] == [
        "Order", "Milestone", "InventoryPosition", "ExceptionEvent", "InboundSupply", "Staffing",
    ]  # fmt: skip
    assert kept[1] == Milestone.model_validate(DISPATCHED)
    assert [each.record_id for each in kept][3:5] == ["EX1|raised", "P1|ordered"]
    assert kept[5] == Staffing.model_validate(staffing)


def test_one_event_that_does_not_fit_keeps_no_other_out(client: TestClient) -> None:
    wrong = event(2, data=DISPATCHED | {"milestone": "teleported"})
    answer = send(client, {"events": [event(1), wrong, event(3)]})
    assert counts(answer) == (2, 0, 1)
    (failed,) = answer.json()["problems"]
    assert (failed["index"], failed["problem"]["status"]) == (1, 422)
    assert "teleported" not in answer.text
    assert_problem(send(client, wrong), 422)


def test_the_same_id_from_another_source_is_another_event(client: TestClient) -> None:
    assert counts(send(client, {"events": [event(), event(source="tms"), event()]})) == (2, 1, 0)


def test_after_a_restart_an_event_is_still_known(client: TestClient, folder: Path) -> None:
    assert counts(send(client, event())) == (1, 0, 0)
    client.__exit__()
    with TestClient(fakes.app(folder=folder)) as again:
        assert counts(send(again, event())) == (0, 1, 0)
        assert counts(send(again, event(2))) == (1, 0, 0)


@pytest.mark.parametrize(
    "body",
    [
        event(type="order"), event(id=""), event(data=None), event(specversion="0.3"),
        {"events": []}, {"events": {}}, {"events": [event()] * 21}, [], None,
        event(data=DISPATCHED | {"event_time": "2018-08-24T16:20:00"}),
        event(data=DISPATCHED | {"order_id": "a\nb"}),
        event(data=DISPATCHED | {"record_time": "2199-01-01T00:00:00Z"}),
    ],
)  # fmt: skip
def test_what_is_no_event_is_refused(client: TestClient, body: object) -> None:
    assert_problem(send(client, body), 422)


def test_a_service_that_cannot_keep_events_says_so() -> None:
    with TestClient(fakes.app()) as client:
        assert_problem(send(client, event()), 503)


def test_a_second_process_on_the_same_events_does_not_start(
    client: TestClient, folder: Path
) -> None:
    assert counts(send(client, event())) == (1, 0, 0)
    with pytest.raises(AlreadyOpenError), TestClient(fakes.app(folder=folder)):
        pass
    with pytest.raises(AlreadyOpenError, match="another process writes to"):
        check_free(folder)
    assert counts(send(client, event(2))) == (1, 0, 0)
