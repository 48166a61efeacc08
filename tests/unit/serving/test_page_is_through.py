"""A page says which changes it shows, so that its script knows whether to ask again."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient
from tests import fakes
from tests.unit.serving.test_bulk import named, report, sent

from triage.serving.advisor import Worklist
from triage.serving.changes import Changes

ORDERS = [item.assessment.order_id for item in fakes.worklist().items]


class Resting(fakes.FakeAdvisor):
    """Its list rests until it is let go on."""

    def go_on(self) -> None:
        self._worklist = replace(self._worklist)


@pytest.fixture
def advisor() -> Resting:
    return Resting(Worklist(fakes.NOW, fakes.worklist().items))


@pytest.fixture
def app(tmp_path: Path, advisor: Resting) -> FastAPI:
    return fakes.app(folder=tmp_path, advisor=advisor)


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app) as made:
        named(made, "Ana")
        yield made


def through(page: str) -> int:
    return int(re.findall(r'data-stream data-through="(\d+)"', page)[0])


def test_a_list_that_rests_lacks_what_moved_it_and_shows_it_once_it_is_ranked_anew(
    client: TestClient, app: FastAPI, advisor: Resting
) -> None:
    changes: Changes = app.state.kept.changes
    assert through(client.get("/").text) == 0
    changes.tell("work.changed", {"order_id": ORDERS[0]})
    assert through(client.get("/").text) == 1
    changes.tell("risk.changed", {"order_id": ORDERS[0]})
    changes.tell("work.changed", {"order_id": ORDERS[0]})
    assert through(client.get("/").text) == 1
    assert through(client.get(f"/orders/{ORDERS[0]}").text) == 1
    advisor.go_on()
    assert through(client.get("/").text) == 3


def test_the_script_of_a_page_gets_the_list_at_once_with_its_own_act_in_it(
    client: TestClient,
) -> None:
    asked = {"sec-fetch-site": "same-origin", "x-triage": "act"}
    fields = [("do", "assign"), ("back", "sort=risk"), ("order", ORDERS[3])]
    answer = sent(client, "/bulk", fields, asked)
    assert answer.status_code == 200
    assert report(answer.text) == "Yours now: 1 order."
    assert through(answer.text) == 1
    assert '<option value="risk" selected>' in answer.text
