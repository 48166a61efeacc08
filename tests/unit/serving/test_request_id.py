"""Each request has an id: in its caller's trace, in the answer, in problems."""

from __future__ import annotations

import re

import hypothesis.strategies as st
import pytest
from hypothesis import example, given
from starlette.testclient import TestClient
from tests.unit.serving.bodies import JSON, assert_problem

from triage.serving.request_id import request_id, trace_of

ID = re.compile(r"[0-9a-f]{32}-[0-9a-f]{16}")
TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
GOOD = f"00-{TRACE}-{SPAN}-01"
BAD = {
    "empty": "",
    "version ff": f"ff-{TRACE}-{SPAN}-01",
    "version 00 with more": f"{GOOD}-what",
    "upper case": GOOD.upper(),
    "no trace": f"00-{'0' * 32}-{SPAN}-01",
    "no span": f"00-{TRACE}-{'0' * 16}-01",
    "short": GOOD[:-1],
    "long": f"{GOOD}0",
    "blank before": f" {GOOD}",
    "line end behind": f"{GOOD}\n",
    "not hexadecimal": GOOD.replace("4b", "4g"),
    "more without a dash": f"01-{TRACE}-{SPAN}-01x",
}


def test_a_request_goes_on_in_its_callers_trace(client: TestClient) -> None:
    told = [client.get("/livez", headers={"traceparent": GOOD}) for _ in range(2)]
    ids = [answer.headers["x-request-id"] for answer in told]
    assert all(ID.fullmatch(each) for each in ids)
    assert {each[:32] for each in ids} == {TRACE}
    assert len(set(ids)) == 2
    assert not any(SPAN in each for each in ids), "the span is our own"


@pytest.mark.parametrize("header", BAD.values(), ids=BAD)
def test_a_malformed_trace_is_ignored(header: str) -> None:
    assert trace_of(header.encode()) == ""
    made = request_id(header.encode())
    assert ID.fullmatch(made)
    assert not made.startswith(TRACE)


def test_a_later_version_may_say_more() -> None:
    assert trace_of(f"cc-{TRACE}-{SPAN}-01-what-comes".encode()) == TRACE
    assert trace_of(f"01-{TRACE}-{SPAN}-09".encode()) == TRACE


@given(header=st.binary(max_size=80))
@example(header=GOOD.encode())
def test_an_id_is_never_what_somebody_sent(header: bytes) -> None:
    assert ID.fullmatch(request_id(header))


def test_an_id_that_a_caller_chose_is_not_taken(client: TestClient) -> None:
    answer = client.get("/livez", headers={"x-request-id": "secret"})
    assert ID.fullmatch(answer.headers["x-request-id"])


def test_a_trace_that_is_sent_twice_is_ignored(client: TestClient) -> None:
    answer = client.get("/livez", headers=[("traceparent", GOOD), ("traceparent", GOOD)])
    assert not answer.headers["x-request-id"].startswith(TRACE)


def test_a_problem_names_its_request(client: TestClient) -> None:
    answer = client.post("/v1/score", content=b"{", headers=JSON)
    problem = assert_problem(answer, 400)
    assert problem["instance"] == f"/v1/score#{answer.headers['x-request-id']}"
