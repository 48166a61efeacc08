"""Whatever is sent: a 4xx problem that echoes nothing, never a 5xx."""

from __future__ import annotations

import json
from collections.abc import Iterator

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, example, given, settings
from starlette.testclient import TestClient
from tests.unit.serving.bodies import JSON, NDJSON, STORED, assert_problem, line, order, whole

RAW = whole(order_id="@")
NOT_JSON = {
    "nothing": b"",
    "a word": b"secret",
    "cut off": b'{"order_id": "secret',
    "two documents": b'{"order_id": "secret"} {}',
    "NaN": whole(lines=line(quantity=float("nan"))),
    "Infinity": whole(lines=line(quantity=float("inf"))),
    "minus Infinity": whole(lines=line(unit_price=float("-inf"))),
    "lone surrogate": whole(order_id="secret\ud800"),
    "lone surrogate in a key": b'{"order_id\\udc00": "secret"}',
    "a key twice": b'{"order_id": "SO-4500101", "order_id": "secret"}',
    "a key twice, deep": RAW.replace(b'"line_no": 1', b'"line_no": 1, "line_no": 2'),
    "a key twice, escaped": b'{"order_id": "SO-4500101", "order\\u005fid": "secret"}',
    "deep nesting": b'{"order_id": ' + b"[" * 40_000 + b"]" * 40_000 + b"}",
    "nesting below the first parser's limit": b'{"order_id": ' + b"[" * 300 + b"]" * 300 + b"}",
    "6000 digits": RAW.replace(b'"line_no": 1', b'"line_no": ' + b"7" * 6000),
    "not UTF-8": b'{"order_id": "\xff\xfesecret"}',
    "UTF-16": '{"order_id": "secret"}'.encode("utf-16"),
    "a byte order mark": b'\xef\xbb\xbf{"order_id": "secret"}',
    "a raw control character": b'{"order_id": "secret\x00"}',
}
UNFIT = {
    "null": b"null",
    "a list": b"[]",
    "a number": b"7",
    "NUL in an id": whole(order_id="secret\x00"),
    "CR LF in an id": whole(order_id="secret\r\nSet-Cookie: a=b"),
    "bidi in an id": whole(order_id="secret\u202etxt"),
    "zero width in a sku": whole(lines=line(sku="secret\u200b")),
    "an empty id": whole(order_id=""),
    "a long id": whole(order_id="secret" * 100),
    "a number as id": whole(order_id=31337),
    "naive time": whole(event_time="2018-08-20T09:12:00"),
    "a date as time": whole(event_time="2018-08-20"),
    "epoch time": whole(event_time=1534767120),
    "epoch time as text": whole(event_time="1534767120"),
    "epoch time as float": whole(promised_by=1534767120.5),
    "a bool as time": whole(promised_by=True),
    "an impossible time": whole(event_time="2018-02-30T00:00:00Z"),
    "the year 9999": whole(promised_by="9999-12-31T23:59:59-23:59"),
    "the year 1": whole(event_time="0001-01-01T00:00:00+14:00"),
    "a bool as quantity": whole(lines=line(quantity=True)),
    "a negative quantity": whole(lines=line(quantity=-1)),
    "no quantity": whole(lines=line(quantity=0)),
    "text as quantity": whole(lines=line(quantity="1")),
    "1e300": whole(lines=line(quantity=1e300)),
    "1e400": whole(lines=line(quantity="@")).replace(b'"@"', b"1e400"),
    "minus 1e400": whole(lines=line(unit_price="@")).replace(b'"@"', b"-1e400"),
    "4000 digits": whole(lines=line(quantity="@")).replace(b'"@"', b"9" * 4000),
    "a fraction as line number": whole(lines=line(line_no=1.5)),
    "a line number twice": whole(lines=line() + line()),
    "a latitude off the globe": whole(destination_latitude=91),
    "a currency with a line end": whole(currency="USD\n"),
    "too many lines": whole(lines=[{"line_no": n + 1, "sku": "A"} for n in range(1001)]),
    "an epoch as_of": json.dumps({"order_id": STORED, "as_of": "1534767120"}).encode(),
    "an unknown milestone": json.dumps(
        {"order": order(), "milestones": [{"milestone": "secret"}]}
    ).encode(),
}

LINES = {name: body for name, body in (NOT_JSON | UNFIT).items() if body}  # no line, no item


@pytest.mark.parametrize("body", NOT_JSON.values(), ids=NOT_JSON)
def test_what_is_not_safe_json_is_400(client: TestClient, body: bytes) -> None:
    assert_problem(client.post("/v1/score", content=body, headers=JSON), 400, "secret")


@pytest.mark.parametrize("body", (NOT_JSON | UNFIT).values(), ids=NOT_JSON | UNFIT)
def test_neither_is_a_batch(client: TestClient, body: bytes) -> None:
    answer = client.post("/v1/score/batch", content=body, headers=JSON)
    assert_problem(answer, 400 if answer.status_code == 400 else 422, "secret")


@pytest.mark.parametrize("body", UNFIT.values(), ids=UNFIT)
def test_inside_a_batch_only_its_own_item_fails(client: TestClient, body: bytes) -> None:
    good = json.dumps({"order_id": STORED}).encode()
    batch = b'{"orders": [' + body + b", " + good + b"]}"
    answer = client.post("/v1/score/batch", content=batch, headers=JSON)
    assert answer.status_code == 200, answer.text
    assert answer.json()["items"][0]["problem"]["status"] == 422
    assert answer.json()["items"][1]["answer"]["order_id"] == STORED
    assert "secret" not in answer.text


@pytest.mark.parametrize("body", UNFIT.values(), ids=UNFIT)
def test_what_does_not_fit_is_422(client: TestClient, body: bytes) -> None:
    problem = assert_problem(client.post("/v1/score", content=body, headers=JSON), 422, "secret")
    assert problem["errors"]
    assert all(set(error) == {"pointer", "detail"} for error in problem["errors"])


@pytest.mark.parametrize("body", LINES.values(), ids=LINES)
def test_a_line_of_ndjson_that_does_not_fit_is_an_item(client: TestClient, body: bytes) -> None:
    good = json.dumps({"order_id": STORED}).encode()
    answer = client.post("/v1/score/batch", content=body + b"\n" + good, headers=NDJSON)
    items = [json.loads(text) for text in answer.text.splitlines()]
    assert answer.status_code == 200
    assert items[0]["problem"]["status"] in {400, 422}
    assert items[-1]["answer"]["order_id"] == STORED
    assert "secret" not in answer.text


def test_an_announced_body_that_is_too_large_is_not_read(client: TestClient) -> None:
    def never() -> Iterator[bytes]:
        raise AssertionError("the body was read")
        yield b""

    headers = JSON | {"content-length": "300000000"}
    answer = client.post("/v1/score", content=b"", headers=headers)
    assert_problem(answer, 413)
    assert answer.headers["connection"] == "close"


def test_a_chunked_body_is_read_only_up_to_the_limit(client: TestClient) -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(30):
            yield b" " * 10_000

    assert_problem(client.post("/v1/score", content=chunks(), headers=JSON), 413)


def test_a_body_just_within_the_limit_is_read(client: TestClient) -> None:
    body = json.dumps({"order_id": STORED}).encode()
    padded = body + b" " * (100_000 - len(body))
    assert client.post("/v1/score", content=padded, headers=JSON).status_code == 200
    assert_problem(client.post("/v1/score", content=padded + b" ", headers=JSON), 413)


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=12),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["order_id", "order", "orders", "milestones", "as_of", "lines", "quantity", "sku"]
            )
            | st.text(max_size=5),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)
FIELDS = st.sampled_from([*order(), "destination_latitude", "customer_name", "carrier", "junk"])


def send(client: TestClient, body: bytes) -> None:
    for address, headers in (
        ("/v1/score", JSON),
        ("/v1/score/batch", JSON),
        ("/v1/score/batch", NDJSON),
    ):
        answer = client.post(address, content=body, headers=headers)
        assert answer.status_code < 500, answer.text
        if answer.status_code >= 400:
            assert_problem(answer, answer.status_code)


many = settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@many
@given(body=st.binary(max_size=200))
@example(body=b"\x00")
def test_junk_bytes_never_break_the_service(client: TestClient, body: bytes) -> None:
    send(client, body)


@many
@given(junk=JUNK)
def test_junk_json_never_breaks_the_service(client: TestClient, junk: object) -> None:
    send(client, json.dumps(junk).encode())


@many
@given(field=FIELDS, junk=JUNK)
def test_an_order_with_one_junk_field_never_breaks_the_service(
    client: TestClient, field: str, junk: object
) -> None:
    send(client, whole(**{field: junk}))
    send(client, json.dumps({"orders": [{"order": order(**{field: junk})}]}).encode())


@many
@given(text=st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
def test_junk_in_an_address_never_breaks_the_service(client: TestClient, text: str) -> None:
    assert client.get("/v1/worklist", params={"q": text}).status_code == 200
    assert client.get("/", params={"q": text, "page": text, "band": text}).status_code == 200
    assert client.get("/v1/worklist", params={"page": text}).status_code in {200, 422}
