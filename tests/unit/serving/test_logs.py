"""Lines of the log: what they say, what they never say, what cannot forge one."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings
from starlette.testclient import TestClient
from tests import fakes
from tests.unit.serving.bodies import JSON, STORED, beside

from triage.serving.access.guard import Guard
from triage.serving.access.keys import issue
from triage.serving.logs import JsonLines, TextLines, configure, printable
from triage.settings import Settings

NOW = 1_700_000_000_000_000


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """Everything that is logged meanwhile, as JSON."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    root, ours = logging.getLogger(), logging.getLogger("triage")
    before = ours.level
    ours.setLevel(logging.INFO)
    root.addHandler(handler)
    yield stream
    root.removeHandler(handler)
    ours.setLevel(before)


def told(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def ask(home: Path, which: str) -> TestClient:
    chosen = Settings(home=home, log_requests=which)
    return beside(fakes.app(chosen, guard=Guard(chosen)))


def test_one_line_a_request_names_the_route_and_the_key(tmp_path: Path, lines: io.StringIO) -> None:
    key, token = issue(tmp_path, "Ana", ["score", "worklist"], NOW)
    client = ask(tmp_path, "all")
    client.headers["authorization"] = f"Bearer {token}"
    answers = [
        client.post("/v1/score", json={"order_id": STORED}),
        client.get(f"/v1/worklist/{STORED}/history?q=secret", headers={"x-secret": "secret"}),
    ]
    one, two = told(lines)
    assert set(one) == {
        "at", "level", "logger", "message", "request", "method", "route", "status", "ms", "key"
    }  # fmt: skip
    assert (one["method"], one["route"], one["status"]) == ("POST", "/v1/score", 200)
    assert (one["logger"], one["level"], one["key"]) == ("triage.access", "info", key.id)
    assert two["route"] == "/v1/worklist/{order_id:path}/history"
    assert [line["request"] for line in (one, two)] == [
        answer.headers["x-request-id"] for answer in answers
    ]
    for never in (STORED, "secret", "Ana", token):
        assert never not in lines.getvalue()


@pytest.mark.parametrize(("which", "statuses"), [("failed", [401, 400]), ("none", [])])
def test_which_requests_are_logged_is_a_setting(
    tmp_path: Path, lines: io.StringIO, which: str, statuses: list[int]
) -> None:
    token = issue(tmp_path, "Ana", ["score"], NOW)[1]
    client = ask(tmp_path, which)
    client.get("/livez")
    client.get("/v1/models")
    client.post("/v1/score", content=b"{", headers=JSON | {"x-api-key": token})
    assert [line["status"] for line in told(lines)] == statuses


HOSTILE = st.text(min_size=1, max_size=60)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=HOSTILE | st.just('a\r\n{"level":"info"}\u2028\u202e\x00\x1b[2J'))
def test_whatever_is_logged_is_one_line(text: str) -> None:
    record = logging.LogRecord("triage", logging.ERROR, "f.py", 1, "%s", (text,), None)
    for form in (JsonLines(), TextLines()):
        line = form.format(record)
        assert line.isprintable()
        assert len(line.splitlines()) == 1
    assert json.loads(JsonLines().format(record))["message"] == text


def test_a_fault_is_told_by_its_place_and_not_by_its_data() -> None:
    try:
        try:
            dict[str, int]()["secret\nforged"]
        except KeyError as inner:
            raise RuntimeError("secret") from inner
    except RuntimeError as error:
        record = logging.LogRecord(
            "uvicorn.error", logging.ERROR, "f.py", 1, "failed", (),
            (type(error), error, error.__traceback__),
        )  # fmt: skip
    line, text = JsonLines().format(record), TextLines().format(record)
    assert "secret" not in line + text
    places = json.loads(line)["error"]
    assert places[0] == "RuntimeError"
    assert "KeyError" in places
    assert "test_logs.py" in places[1]
    assert all(row.startswith("    ") for row in text.splitlines()[1:])


def test_a_fault_of_a_route_is_logged_without_what_was_sent(
    tmp_path: Path, lines: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ValueError("secret")

    monkeypatch.setattr("triage.serving.routes.score.assess", broken)
    answer = ask(tmp_path, "failed").post("/v1/score", json={"order_id": STORED})
    assert answer.status_code == 500
    assert answer.json()["instance"] == f"/v1/score#{answer.headers['x-request-id']}"
    assert "secret" not in lines.getvalue() + answer.text
    assert told(lines)[-1]["status"] == 500


def test_text_lines_say_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    try:
        configure(Settings())
        answer = ask(tmp_path, "all").get("/livez")
    finally:
        root.handlers[:] = before
        root.setLevel(level)
    line = next(each for each in capsys.readouterr().err.splitlines() if "triage.access" in each)
    assert "INFO triage.access request method=GET route=/livez status=200 ms=" in line
    assert line.endswith(f"request={answer.headers['x-request-id']}")


def test_printable_text_stays_as_it_is() -> None:
    assert printable("Grünfeld 東京") == "Grünfeld 東京"
    assert printable("a\nb\u202ec") == "a\\nb\\u202ec"
