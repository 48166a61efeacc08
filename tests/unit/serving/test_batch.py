from __future__ import annotations

import json

from starlette.testclient import TestClient
from tests.unit.serving.bodies import JSON, NDJSON, STORED, assert_problem, order

from triage.serving.schemas import BatchAnswer

REQUESTS = [{"order_id": STORED}, {"order_id": "nobody"}, {"order": order()}]


def test_one_bad_order_gives_one_error_item(client: TestClient) -> None:
    answer = client.post("/v1/score/batch", json={"orders": REQUESTS})
    said = BatchAnswer.model_validate(answer.json())
    assert (said.scored, said.failed) == (2, 1)
    assert [item.index for item in said.items] == [0, 1, 2]
    assert answer.json()["items"][1]["problem"]["status"] == 404


def test_an_item_is_what_a_single_score_says(client: TestClient) -> None:
    items = client.post("/v1/score/batch", json={"orders": REQUESTS}).json()["items"]
    assert items[2]["answer"] == client.post("/v1/score", json=REQUESTS[2]).json()


def test_ndjson_gives_a_line_for_each_line(client: TestClient) -> None:
    body = "\n".join(json.dumps(request) for request in REQUESTS) + "\n\n"
    answer = client.post("/v1/score/batch", content=body, headers=NDJSON)
    assert answer.headers["content-type"] == "application/x-ndjson"
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert lines == client.post("/v1/score/batch", json={"orders": REQUESTS}).json()["items"]


def test_an_order_that_does_not_fit_is_named_by_index_and_pointer(client: TestClient) -> None:
    body = {"orders": [{"order_id": STORED}, {"order": order(currency="secret")}]}
    answer = client.post("/v1/score/batch", json=body)
    item = answer.json()["items"][1]
    assert item["index"] == 1
    assert item["problem"]["instance"] == "/v1/score/batch#/orders/1"
    assert item["problem"]["errors"][0]["pointer"] == "/order/currency"
    assert "secret" not in answer.text


def test_a_batch_that_is_too_long_or_empty_is_refused(client: TestClient) -> None:
    for count in (0, 21):
        body = {"orders": [{"order_id": STORED}] * count}
        problem = assert_problem(client.post("/v1/score/batch", json=body), 422)
        assert problem["errors"][0]["pointer"] == "/orders"
    assert_problem(client.post("/v1/score/batch", content=b"\n", headers=NDJSON), 422)


def test_a_batch_is_an_object_of_orders(client: TestClient) -> None:
    wrong: tuple[object, ...] = ([], {}, {"orders": {}}, {"orders": [], "more": 1}, None)
    for body in wrong:
        content = json.dumps(body)
        assert_problem(client.post("/v1/score/batch", content=content, headers=JSON), 422)


def test_one_order_sent_twice_is_scored_twice(client: TestClient) -> None:
    items = client.post("/v1/score/batch", json={"orders": [REQUESTS[0]] * 20}).json()["items"]
    assert len(items) == 20
    assert all(item["answer"] == items[0]["answer"] for item in items)
