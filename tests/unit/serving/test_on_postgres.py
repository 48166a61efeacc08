"""The whole service with its ledger on PostgreSQL: what it knows comes back from there."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from starlette.testclient import TestClient
from typer.testing import CliRunner

from triage.cli import app
from triage.domain.clock import from_micros
from triage.history.log import Log
from triage.history.tables import History
from triage.serving.main import create
from triage.settings import Settings

pytestmark = pytest.mark.postgres


@pytest.fixture
def settings(home: Path, tmp_path: Path, database: str) -> Settings:
    for part in ("history", "models"):
        shutil.copytree(home / part, tmp_path / part)
    return Settings(home=tmp_path, ledger_url=database)


@contextmanager
def served(settings: Settings) -> Iterator[TestClient]:
    address = ("127.0.0.1", 1)
    with TestClient(create(settings), "http://127.0.0.1", client=address) as client:
        yield client


def delivered(order_id: str, history: History) -> dict[str, object]:
    """The event that an order arrived, weeks after everything else."""
    moment = (from_micros(history.extracted_at) + timedelta(days=60)).isoformat()
    data = {
        "order_id": order_id, "milestone": "delivered", "event_time": moment, "record_time": moment,
    }  # fmt: skip
    return {"id": "arrived", "source": "test", "type": "milestone", "data": data}


def run(*words: str, settings: Settings) -> tuple[int, str]:
    environment = {"TRIAGE_HOME": str(settings.home), "TRIAGE_LEDGER_URL": str(settings.ledger_url)}
    found = CliRunner().invoke(app, words, env=environment)
    return found.exit_code, found.output


def test_answers_acts_interventions_and_outcomes_are_there_after_a_restart(
    settings: Settings,
) -> None:
    with served(settings) as client:
        first, second = (
            item["order_id"] for item in client.get("/v1/worklist?page_size=2").json()["items"]
        )
        answers = [
            client.post("/v1/score", json={"order_id": each}).json() for each in (first, second)
        ]
        taken = {"action": "assign", "to": "Ana", "by": "Ana"}
        assert client.post(f"/v1/worklist/{first}/actions", json=taken).status_code == 200
        done = {"id": "tms-1", "order_id": second, "action": "split", "at": answers[1]["as_of"]}
        assert client.post("/v1/interventions", json=done).json()["recorded"] is True
        event = delivered(first, Log(settings.home).read())
        assert client.post("/v1/events", json=event).json()["accepted"] == 1
    with served(settings) as client:
        again = [client.get(f"/v1/decisions/{each['decision_id']}").json() for each in answers]
        assert [each["answer"]["order_id"] for each in again] == [first, second]
        acts = client.get(f"/v1/worklist/{first}/history").json()
        assert [each["action"] for each in acts["entries"]] == ["assign"]
        assert acts["handling"]["owner"] == "Ana"
        assert client.post("/v1/interventions", json=done).json()["recorded"] is False
    status, told = run("audit", "verify", settings=settings)
    assert (status, "whole" in told) == (0, True)
    status, told = run("replay", "--last", "10", settings=settings)
    assert (status, "2 decisions made again: 2 the same" in told) == (0, True)
    assert not (settings.home / "ledger" / "store.db").exists()
