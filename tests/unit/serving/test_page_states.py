"""What a page says while there is no list, and when it fails."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from starlette.testclient import TestClient
from tests import fakes

from triage.advice.assessment import Assessment
from triage.errors import TriageError
from triage.serving.advisor import Worklist

PAGES = ["/", "/orders/X", "/operations", "/models"]


class StillRanking(fakes.FakeAdvisor):
    def worklist(self) -> Worklist:
        return Worklist(fakes.NOW, (), ranked=False)


class DiskIsGoneError(TriageError):
    """A fault that no page expects."""

    status = 503


class Failing(fakes.FakeAdvisor):
    def score_id(
        self, order_id: str, as_of: int | None = None, *, ways: bool = False
    ) -> Assessment:
        raise DiskIsGoneError(f"secret of {order_id} {as_of} {ways}")

    def now(self) -> int:
        raise RuntimeError("secret")


@pytest.fixture
def failing() -> Iterator[TestClient]:
    with TestClient(fakes.app(advisor=Failing()), raise_server_exceptions=False) as client:
        yield client


@pytest.mark.parametrize("path", PAGES)
def test_a_list_that_is_not_ranked_yet_is_said_to_come_and_asked_for_again(path: str) -> None:
    client = TestClient(fakes.app(advisor=StillRanking()))
    answer = client.get(path)
    assert answer.status_code == 503
    assert "being put in order" in answer.text
    assert "data-again" in answer.text
    assert "Nothing is at risk" not in answer.text


@pytest.mark.parametrize("path", ["/", "/operations", "/models", "/?view=already_late"])
def test_a_page_that_fails_says_so_to_a_person_and_tells_no_more(
    failing: TestClient, path: str
) -> None:
    answer = failing.get(path)
    assert answer.status_code == 500
    assert answer.headers["content-type"].startswith("text/html")
    assert "could not be made" in answer.text
    assert "secret" not in answer.text


def test_what_is_no_page_still_fails_as_a_problem(failing: TestClient) -> None:
    answer = failing.post("/v1/score", json={"order_id": "SO-4500101"})
    assert answer.status_code >= 500
    assert answer.headers["content-type"] == "application/problem+json"


def test_an_order_that_needs_a_person_says_why() -> None:
    class Unsure(fakes.FakeAdvisor):
        def __init__(self) -> None:
            listed = fakes.worklist()
            first = listed.items[0]
            unsure = replace(first.assessment, unsure=("Unlike past orders in: weight",))
            items = (replace(first, assessment=unsure), *listed.items[1:])
            super().__init__(replace(listed, items=items))

    advisor = Unsure()
    order_id = advisor.worklist().items[0].assessment.order_id
    page = TestClient(fakes.app(advisor=advisor)).get(f"/orders/{order_id}").text
    assert "Needs a person:</b> Unlike past orders in: weight" in page


@pytest.mark.parametrize("path", ["/", "/operations", "/models"])
def test_a_feed_that_tells_nothing_new_is_told_on_every_page(tmp_path: Path, path: str) -> None:
    with TestClient(fakes.app(folder=tmp_path, feeds=fakes.QuietStock())) as client:
        page = client.get(path).text
    assert "Not fresh: no news of stock for 4\u00a0days." in page
    assert "orders for" not in page


def test_the_page_of_an_order_says_what_is_not_fresh_beside_what_is_missing(tmp_path: Path) -> None:
    order_id = fakes.worklist().items[0].assessment.order_id
    with TestClient(fakes.app(folder=tmp_path, feeds=fakes.QuietStock())) as client:
        assert "Not fresh:</b> no news of stock for" in client.get(f"/orders/{order_id}").text
    with TestClient(fakes.app()) as client:
        assert "Not fresh" not in client.get(f"/orders/{order_id}").text
