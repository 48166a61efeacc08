from __future__ import annotations

import json
import time

import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient
from tests.unit.serving.bodies import JSON, STORED, assert_problem, order, whole

from triage.serving.routes.score import EXAMPLE
from triage.serving.schemas import ScoreAnswer


def millionths(points: float) -> int:
    return round(points * 10_000)


def test_a_stored_order_is_scored_by_its_id(client: TestClient) -> None:
    answer = client.post("/v1/score", json={"order_id": STORED})
    assert answer.status_code == 200
    said = ScoreAnswer.model_validate_json(answer.content, strict=True)
    assert said.order_id == STORED
    assert said.advisory is True
    assert said.authority == "erp"


def test_an_order_sent_whole_is_scored_at_the_moment_asked_for(client: TestClient) -> None:
    said = ScoreAnswer.model_validate_json(client.post("/v1/score", json=EXAMPLE).content)
    assert said.as_of.isoformat() == "2018-08-22T15:00:00+00:00"
    assert said.stage == "order_validated"
    assert said.exposure.currency == "BRL"
    assert said.exposure.expected_loss == pytest.approx(said.risk.p_late * 119.8)


def test_the_effects_add_up_exactly(client: TestClient) -> None:
    said = ScoreAnswer.model_validate(client.post("/v1/score", json=EXAMPLE).json())
    effects = sum(millionths(reason.effect_pp) for reason in said.reasons)
    explained = millionths(100 * said.risk.typical) + effects + millionths(said.other_effect_pp)
    assert explained == millionths(100 * said.risk.p_late)


def test_the_shares_of_the_causes_sum_to_one_or_there_are_none(client: TestClient) -> None:
    items = client.get("/v1/worklist", params={"page_size": 500}).json()["items"]
    seen = set()
    for item in items:
        said = ScoreAnswer.model_validate(
            client.post("/v1/score", json={"order_id": item["order_id"]}).json()
        )
        assert [each.model_dump() for each in said.causes] == item["causes"]
        seen.add(round(1000 * sum(each.share for each in said.causes)))
    assert seen == {0, 1000}


def test_an_answer_expires_as_the_policy_says(client: TestClient) -> None:
    said = ScoreAnswer.model_validate(client.post("/v1/score", json=EXAMPLE).json())
    assert (said.stale_at - said.scored_at).total_seconds() == 3600


def test_the_percentile_is_the_share_of_less_risky_orders_at_risk(client: TestClient) -> None:
    listed = client.get("/v1/worklist", params={"page_size": 500}).json()["items"]
    risks = [item["risk"]["p_late"] for item in listed]
    said = client.post("/v1/score", json=EXAMPLE).json()["risk"]
    below = sum(risk < said["p_late"] for risk in risks)
    assert said["percentile"] == round(100 * below / len(risks), 1)


def test_an_unknown_order_is_404_and_its_id_is_not_echoed(client: TestClient) -> None:
    answer = client.post("/v1/score", json={"order_id": "SECRET-17"})
    problem = assert_problem(answer, 404, "SECRET-17")
    assert problem["type"] == "urn:triage:problem:order-not-found"


def test_a_moment_before_the_order_is_refused(client: TestClient) -> None:
    body = {"order": order(), "as_of": "2018-08-01T00:00:00Z"}
    assert "as_of" in assert_problem(client.post("/v1/score", json=body), 422)["detail"]


def test_an_order_that_is_delivered_is_refused(client: TestClient) -> None:
    step = EXAMPLE["milestones"][0] | {"milestone": "delivered"}  # type: ignore[index]
    body = {"order": order(), "milestones": [step]}
    assert_problem(client.post("/v1/score", json=body), 422)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"order_id": STORED, "order": order()},
        {"order_id": STORED, "milestones": EXAMPLE["milestones"]},
        {"order": order(order_id="another"), "milestones": EXAMPLE["milestones"]},
    ],
    ids=["neither", "both", "milestones of a stored order", "milestones of another order"],
)
def test_a_request_names_one_order(client: TestClient, body: object) -> None:
    problem = assert_problem(client.post("/v1/score", json=body), 422)
    assert problem["errors"][0]["pointer"] == ""


def test_a_field_that_does_not_fit_is_named_by_pointer(client: TestClient) -> None:
    body = whole(lines=[{"line_no": 1, "sku": "A", "quantity": -987654}])
    problem = assert_problem(client.post("/v1/score", content=body, headers=JSON), 422, "987654")
    assert [e["pointer"] for e in problem["errors"]] == ["/order/lines/0/quantity"]


def test_an_unknown_field_is_refused_without_its_name(client: TestClient) -> None:
    body = whole(**{"secret field": "secret value"})
    problem = assert_problem(client.post("/v1/score", content=body, headers=JSON), 422, "secret")
    assert [e["pointer"] for e in problem["errors"]] == ["/order"]


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_another_content_type_is_415(client: TestClient, kind: str) -> None:
    headers = {"content-type": kind}
    answer = client.post("/v1/score", content=b"{}", headers=headers)
    assert_problem(answer, 415)
    assert answer.headers["accept-post"] == "application/json"


def test_parameters_of_the_content_type_are_fine(client: TestClient) -> None:
    headers = {"content-type": "application/json; charset=utf-8"}
    body = json.dumps({"order_id": STORED})
    assert client.post("/v1/score", content=body, headers=headers).status_code == 200


def test_scores_are_counted_by_band(client: TestClient) -> None:
    band = client.post("/v1/score", json=EXAMPLE).json()["risk"]["band"]
    assert f'triage_scores_total{{band="{band}"}}' in client.get("/metrics").text


def stages(client: TestClient) -> dict[str, tuple[list[float], float]]:
    """Counts of scores by stage, up to each bound, and their seconds."""
    families = {
        family.name: family
        for family in text_string_to_metric_families(client.get("/metrics").text)
    }
    samples = families["triage_score_stage_seconds"].samples
    return {
        stage: (
            [s.value for s in samples if s.name.endswith("_bucket") and s.labels["stage"] == stage],
            next(
                s.value for s in samples if s.name.endswith("_sum") and s.labels["stage"] == stage
            ),
        )
        for stage in ("read", "assess", "write")
    }


def test_the_time_of_a_score_is_counted_by_stage(client: TestClient) -> None:
    before, began = stages(client), time.perf_counter()
    for _ in range(5):
        assert client.post("/v1/score", json=EXAMPLE).status_code == 200
    assert client.post("/v1/score", json={}).status_code == 422
    took, after = time.perf_counter() - began, stages(client)
    counted = {stage: after[stage][0][-1] - before[stage][0][-1] for stage in after}
    assert counted == {"read": 5, "assess": 5, "write": 5}
    assert all(sorted(buckets) == buckets for buckets, _ in after.values())
    seconds = [after[stage][1] - before[stage][1] for stage in after]
    assert 0 < min(seconds) < sum(seconds) < took
