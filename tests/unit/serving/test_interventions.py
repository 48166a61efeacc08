from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from tests import fakes
from tests.unit.serving.answered import decision
from tests.unit.serving.test_outcomes import LATE, folded

from triage.domain.clock import from_micros
from triage.ledger.ledger import Ledger
from triage.serving.outcomes.interventions import InterventionRequest
from triage.serving.routes.interventions import EXAMPLE


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    with TestClient(fakes.app(folder=tmp_path), base_url="http://127.0.0.1") as made:
        yield made


def told(order_id: str, at: int) -> InterventionRequest:
    return InterventionRequest(
        id=f"x-{order_id}", order_id=order_id, action="split", at=from_micros(at)
    )


def post(client: TestClient, **changed: Any) -> tuple[int, Any]:
    answer = client.post("/v1/interventions", json=EXAMPLE | changed)
    return answer.status_code, answer.json()


def test_what_is_told_twice_is_recorded_once(client: TestClient) -> None:
    assert post(client) == (200, {"entry_id": "intervention:tms-4711", "recorded": True})
    assert post(client) == (200, {"entry_id": "intervention:tms-4711", "recorded": False})
    status, problem = post(client, action="split")
    assert (status, problem["status"]) == (409, 409)
    served: Any = client.app
    (entry,) = served.state.kept.decisions.ledger.entries(kind="intervention")
    assert entry.order_id == EXAMPLE["order_id"]


@pytest.mark.parametrize(
    ("changed", "pointer"),
    [({"at": "2018-08-23T10:05:00"}, "/at"), ({"order_id": ""}, "/order_id"), ({"x": 1}, "")],
)
def test_what_cannot_be_used_is_named(
    client: TestClient, changed: dict[str, Any], pointer: str
) -> None:
    status, problem = post(client, **changed)
    assert status == 422
    assert problem["errors"][0]["pointer"] == pointer


def test_only_what_was_done_before_the_promise_passed_changed_what_came(tmp_path: Path) -> None:
    ledger = Ledger.open(tmp_path)
    for name, at in (("before", LATE.late_at - 1), ("after", LATE.late_at)):
        ledger.record(decision(name, 0.2), told(name, at).draft())
        ledger.record(replace(LATE, order_id=name).draft())
    record = folded(ledger)
    ledger.close()
    assert {name: each.acted for name, each in record.judged.items()} == {
        "before": True, "after": False,
    }  # fmt: skip
