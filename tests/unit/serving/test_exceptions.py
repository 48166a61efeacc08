from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from starlette.testclient import TestClient
from tests import exception_cases as cases
from tests import fakes
from tests.histories import START, history_of, order

from triage.advice.playbooks import load_playbooks
from triage.domain.clock import MICROS_PER_DAY, MICROS_PER_HOUR
from triage.domain.records import ExceptionEvent
from triage.serving import answers
from triage.serving.app import create_app
from triage.serving.exceptions.desk import ExceptionDesk
from triage.serving.exceptions.queue import ExceptionQueue
from triage.serving.routes.exceptions import EXAMPLE
from triage.settings import Settings
from triage.training.exception_next import learn_next
from triage.training.exception_recipe import NextSettings

WHERE = "/v1/exceptions/classify"


@pytest.fixture(scope="module")
def desk() -> ExceptionDesk:
    return cases.desk()


@pytest.fixture(scope="module")
def told(desk: ExceptionDesk) -> Iterator[TestClient]:
    app = create_app(fakes.FakeAdvisor, Settings(), clock=lambda: fakes.NOW, exception_desk=desk)
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


def whole(**changes: object) -> dict[str, Any]:
    sent = {
        "exception_id": "N1",
        "event_time": "2026-04-01T10:00:00Z",
        "record_time": "2026-04-01T10:05:00Z",
        "source": "wms",
        "code": "X1",
        "text": "short pick bin 777, recount",
    }
    return {"exception": sent | changes}


def test_a_stored_exception_has_class_owner_playbook_and_reasons(told: TestClient) -> None:
    answer = told.post(WHERE, json={"exception_id": "E9"}).json()
    assert answer["order_id"] == "O9"
    assert answer["code"] == cases.rows().labels[9]
    book = load_playbooks()[answer["code"]]
    assert (answer["owner"], answer["sla_hours"]) == (book.owner, book.sla_hours)
    assert (answer["severity"], answer["severity_why"]) == (book.severity, [])
    assert answer["playbook"]["steps"] == list(book.steps)
    assert answer["advisory"] is True
    assert answer["model"]["version"] == "4"
    assert 1 <= len(answer["reasons"]) <= fakes.POLICY.reasons.top
    assert math.isclose(sum(each["probability"] for each in answer["classes"]), 1.0)
    assert answer["classes"][0]["probability"] == answer["probability"]


def test_it_is_due_its_hours_after_it_happened(told: TestClient) -> None:
    answer = told.post(WHERE, json=whole()).json()
    waits = datetime.fromisoformat(answer["due_by"]) - datetime.fromisoformat(
        "2026-04-01T10:00:00+00:00"
    )
    assert waits.total_seconds() == 3600 * answer["sla_hours"]
    assert answer["as_of"] == "2026-04-01T10:05:00Z"


def test_one_that_is_sent_whole_names_the_words_that_decided(told: TestClient) -> None:
    answer = told.post(WHERE, json=whole()).json()
    assert answer["code"] == "pick_short"
    (said,) = [reason for reason in answer["reasons"] if reason["kind"] == "words"]
    assert {"pick", "short", "bin"} & set(said["words"])
    assert said["effect"] > 0


def test_reasons_and_the_rest_add_up_whatever_is_named(desk: ExceptionDesk) -> None:
    case = desk.of_id("E21")
    base, words, each = desk.model.effects(case.answer)
    total = base + math.fsum(reason.effect for reason in case.reasons) + case.other
    assert math.isclose(total, base + words + math.fsum(each.values()), abs_tol=1e-9)


def test_an_order_that_is_sent_with_it_counts(told: TestClient) -> None:
    sent = {
        "order_id": "NEW", "event_time": "2026-03-31T10:00:00Z",
        "record_time": "2026-03-31T10:00:00Z", "promised_by": "2026-04-05T00:00:00Z",
        "carrier": "Fox", "lines": [{"line_no": 1, "sku": "S1", "quantity": 2, "site": "W1"}],
    }  # fmt: skip
    milestone = {
        "order_id": "NEW", "milestone": "pick_released", "event_time": "2026-04-01T09:00:00Z",
        "record_time": "2026-04-01T09:00:00Z",
    }  # fmt: skip
    unsaid = whole(text="blocked S210 bin 311")
    alone = told.post(WHERE, json=unsaid).json()
    beside = told.post(WHERE, json=unsaid | {"order": sent, "milestones": [milestone]}).json()
    share = {
        name: next(c["probability"] for c in answer["classes"] if c["code"] == "pick_short")
        for name, answer in (("alone", alone), ("beside", beside))
    }
    assert share["beside"] > share["alone"]


def test_an_order_of_much_value_makes_its_exception_more_severe(told: TestClient) -> None:
    sent = {
        "order_id": "NEW", "event_time": "2026-03-31T10:00:00Z",
        "record_time": "2026-03-31T10:00:00Z", "promised_by": "2026-04-05T00:00:00Z",
    }  # fmt: skip
    shipped = {
        "order_id": "NEW", "milestone": "shipment_dispatched",
        "event_time": "2026-04-01T08:00:00Z", "record_time": "2026-04-01T08:00:00Z",
    }  # fmt: skip
    late = whole(text="truck stands at hub 411", source="erp")
    found = {}
    for price in (2.0, 2000.0):
        line = {"line_no": 1, "sku": "S1", "quantity": 2, "site": "W1", "unit_price": price}
        order = sent | {"carrier": "Fox", "lines": [line]}
        answer = told.post(WHERE, json=late | {"order": order, "milestones": [shipped]}).json()
        found[answer["severity"]] = answer
        assert answer["code"] == "carrier_delay"
    assert set(found) == {"medium", "high"}
    assert found["medium"]["severity_why"] == []
    assert "worth 4,000" in found["high"]["severity_why"][0]


def test_a_record_that_comes_in_has_the_answer_that_the_endpoint_gives(
    told: TestClient, desk: ExceptionDesk
) -> None:
    asked = told.post(WHERE, json={"exception_id": "E9"}).json()
    raised = next(r for r in cases.records() if r.record_id == "E9|raised")
    assert isinstance(raised, ExceptionEvent)
    answer = desk.classify_record(raised, scored_at=fakes.NOW)
    assert json.loads(answers.dump(answer)) == asked
    assert desk.classify_record(raised)["scored_at"] == raised.record_time


def test_a_record_that_closes_an_exception_is_not_classified(desk: ExceptionDesk) -> None:
    raised = cases.event("E9", 1.0, "O9", "wms", "x")
    with pytest.raises(ValueError, match="E9 is resolved"):
        desk.classify_record(cases.closing(raised, 2.0, "pick_short"))


def test_a_source_never_seen_is_left_to_a_person(told: TestClient) -> None:
    answer = told.post(WHERE, json=whole(source="fax")).json()
    assert answer["abstained"] is True
    assert answer["reads_words"] is True
    assert "source" in answer["why"][0]


def test_without_a_message_only_facts_decide(told: TestClient) -> None:
    answer = told.post(WHERE, json=whole(text=None)).json()
    assert (answer["abstained"], answer["reads_words"]) == (True, False)
    assert all(reason["kind"] == "fact" for reason in answer["reasons"])


def test_an_exception_that_is_not_there_is_not_found(told: TestClient) -> None:
    found = told.post(WHERE, json={"exception_id": "nowhere"})
    assert found.status_code == 404
    assert found.json()["type"] == "urn:triage:problem:exception-not-found"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"exception_id": "E9"} | whole(),
        {"exception_id": "E9", "milestones": [], "order": {}},
        whole(text="two\nlines"),
        whole(event_time="2026-04-01T10:00:00"),
        whole() | {"other": 1},
    ],
)
def test_what_does_not_fit_is_refused(told: TestClient, body: dict[str, Any]) -> None:
    found = told.post(WHERE, json=body)
    assert found.status_code == 422
    assert found.json()["errors"]


def test_without_a_model_it_says_what_to_run(client: TestClient) -> None:
    found = client.post(WHERE, json=EXAMPLE)
    assert found.status_code == 503
    assert found.json()["next_command"] == "triage train exceptions"


def test_a_playbook_can_be_read_as_a_whole(told: TestClient) -> None:
    url = told.post(WHERE, json=whole()).json()["playbook"]["url"]
    found = told.get(url)
    assert found.headers["content-type"] == "text/markdown; charset=utf-8"
    assert "## Steps" in found.text
    assert told.get("/playbooks/nothing").status_code == 404


def test_open_exceptions_of_an_order_are_those_that_nobody_closed() -> None:
    raised = [r for r in cases.records() if r.record_id.endswith("|raised")]
    others = [r for r in cases.records() if r.record_id not in {"E3|resolved"}]
    made = ExceptionDesk(
        cases.fitted().model, "4", history_of(others), fakes.POLICY, load_playbooks()
    )
    queue = ExceptionQueue(made)
    assert [case.event.exception_id for case in queue.of_order("O3")] == ["E3"]
    assert queue.of_order("O4") == []
    assert len(raised) == cases.COUNT


def test_the_page_of_an_order_shows_its_open_exceptions_with_their_playbooks() -> None:
    advisor = fakes.FakeAdvisor()
    name = advisor.worklist().items[0].assessment.order_id
    raised = cases.event("E-open", cases.END, name, "wms", "short pick bin 404, recount")
    whole = order(name, cases.END - 1)
    made = ExceptionDesk(
        cases.fitted().model, "4", history_of([whole, raised]), fakes.POLICY, load_playbooks()
    )
    app = create_app(lambda: advisor, Settings(), clock=lambda: fakes.NOW, exception_desk=made)
    with TestClient(app) as client:
        shown = client.get(f"/orders/{name}").text
    assert 'href="/exceptions/E-open"' in shown
    assert load_playbooks()["pick_short"].title in shown
    assert "short pick bin 404, recount" in shown


def test_what_an_open_order_is_likely_to_have_next_is_ranked_and_sums_to_one() -> None:
    classes = cases.fitted().model.numbers.classes
    rates = learn_next(
        cases.context(), cases.rows(), classes, NextSettings(days=2, weight=5),
        START + 90 * MICROS_PER_DAY,
    )  # fmt: skip
    model = replace(cases.fitted().model, next_rates=rates)
    made = ExceptionDesk(model, "4", cases.history(), fakes.POLICY, load_playbooks())
    last = f"O{cases.COUNT - 1}"
    found = made.next_for(last, as_of=START + round(cases.END * MICROS_PER_HOUR))
    assert {code for code, _ in found} == {*classes, "none"}
    assert math.isclose(sum(share for _, share in found), 1.0)
    assert [share for _, share in found] == sorted((share for _, share in found), reverse=True)
    assert made.next_for("unheard of") == []
    assert made.next_for(last, as_of=START) == []


def test_a_bundle_without_rates_foretells_nothing(desk: ExceptionDesk) -> None:
    assert desk.next_for(f"O{cases.COUNT - 1}") == []
