from __future__ import annotations

import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient
from tests import fakes
from tests.unit.serving.bodies import STORED, assert_problem

from triage.advice.assessment import Assessment
from triage.serving.advisor import Advisor, NotReadyError
from triage.serving.app import create_app
from triage.serving.schemas import ModelsAnswer, Ready, WorklistAnswer
from triage.settings import Settings


def listed(client: TestClient, **params: str | int) -> WorklistAnswer:
    answer = client.get("/v1/worklist", params=params)
    assert answer.status_code == 200, answer.text
    return WorklistAnswer.model_validate_json(answer.content, strict=True)


def test_the_worklist_starts_with_the_largest_expected_loss(client: TestClient) -> None:
    first = listed(client)
    losses = [item.exposure.expected_loss for item in first.items]
    assert losses == sorted(losses, reverse=True)
    assert [item.rank for item in first.items] == list(range(1, 51))
    assert {item.state for item in first.items} == {"at_risk"}


def test_pages_follow_each_other_and_end(client: TestClient) -> None:
    pages = [listed(client, page=number) for number in range(1, 7)]
    ids = [item.order_id for page in pages for item in page.items]
    assert len(ids) == len(set(ids)) == pages[0].counts.matching == 240
    assert pages[0].pages == 5
    assert pages[5].items == []


def test_states_bands_sites_and_words_narrow_the_list(client: TestClient) -> None:
    assert listed(client, state="all").counts.matching == 301
    assert listed(client, state="already_late").counts.matching == 61
    assert {i.risk.band for i in listed(client, band="high").items} == {"high"}
    assert {i.site for i in listed(client, site="ONT-4").items} == {"ONT-4"}
    found = listed(client, q="grünfeld OPTIK")
    assert {i.customer for i in found.items} == {"Grünfeld Optik"}
    assert found.counts.at_risk == 240
    assert listed(client, q=STORED).counts.matching == 1


@pytest.mark.parametrize(
    "params", [{"page": 0}, {"page": "x"}, {"page_size": 501}, {"state": "secret"}]
)
def test_a_parameter_that_does_not_fit_is_named(
    client: TestClient, params: dict[str, str | int]
) -> None:
    problem = assert_problem(client.get("/v1/worklist", params=params), 422, "secret")
    assert [e["pointer"] for e in problem["errors"]] == [f"/{name}" for name in params]


def test_the_model_in_charge_is_named(client: TestClient) -> None:
    champion = ModelsAnswer.model_validate_json(client.get("/v1/models").content).champion
    assert champion.name == fakes.INFO.name
    assert champion.families_off[0].family == "inventory"


def test_alive_and_ready(client: TestClient) -> None:
    assert client.get("/livez").json() == {"status": "alive"}
    assert Ready.model_validate(client.get("/readyz").json()).model.version == "3"


@pytest.fixture
def waiting() -> TestClient:
    def provider() -> Advisor:
        raise NotReadyError(["a promoted model"], "triage train")

    return TestClient(create_app(provider, Settings()), raise_server_exceptions=False)


def test_without_a_model_the_service_lives_and_says_what_to_run(waiting: TestClient) -> None:
    assert waiting.get("/livez").status_code == 200
    for answer in (
        waiting.get("/readyz"),
        waiting.get("/v1/worklist"),
        waiting.get("/v1/models"),
        waiting.post("/v1/score", json={"order_id": "A"}),
        waiting.post("/v1/score/batch", json={"orders": [{"order_id": "A"}]}),
    ):
        problem = assert_problem(answer, 503)
        assert problem["missing"] == ["a promoted model"]
        assert problem["next_command"] == "triage train"
        assert "retry-after" in answer.headers
    assert "triage_requests_total" in waiting.get("/metrics").text
    page = waiting.get("/")
    assert page.status_code == 503
    assert "<code>triage train</code>" in page.text


def test_unknown_addresses_and_methods_are_problems(client: TestClient) -> None:
    assert_problem(client.get("/v2/score"), 404)
    assert_problem(client.get("/v1/score/"), 404)
    assert_problem(client.get("/static/secret.css"), 404)
    assert_problem(client.get("/static/%00"), 404)
    refused = client.get("/v1/score")
    assert_problem(refused, 405)
    assert refused.headers["allow"] == "POST"
    assert_problem(client.request("BREW", "/v1/score"), 405)


def test_a_fault_is_a_problem_that_tells_nothing() -> None:
    class Broken(fakes.FakeAdvisor):
        def score_id(
            self,
            order_id: str,
            as_of: int | None = None,  # noqa: ARG002
            *,
            ways: bool = False,  # noqa: ARG002
        ) -> Assessment:
            raise ZeroDivisionError(f"secret {order_id}")

    broken = Broken()
    client = TestClient(create_app(lambda: broken, Settings()), raise_server_exceptions=False)
    answer = client.post("/v1/score", json={"order_id": "A"})
    assert_problem(answer, 500, "secret")
    assert "content-security-policy" in answer.headers
    assert 'status="500"' in client.get("/metrics").text


def test_metrics_count_by_template_and_describe_the_model(client: TestClient) -> None:
    client.get("/orders/some-order")
    client.get("/nowhere/at/all")
    text = client.get("/metrics").text
    families = {family.name: family for family in text_string_to_metric_families(text)}
    routes = {sample.labels["route"] for sample in families["triage_requests"].samples}
    assert {"/orders/{order_id:path}", "unmatched"} <= routes
    assert not any("some-order" in route or "nowhere" in route for route in routes)
    sizes = {s.labels["state"]: s.value for s in families["triage_worklist_orders"].samples}
    assert sizes == {"at_risk": 240.0, "already_late": 61.0}
    assert families["triage_model_info"].samples[0].labels["version"] == "3"


def test_every_response_carries_the_headers_of_a_careful_page(client: TestClient) -> None:
    for address in ("/", "/v1/models", "/nowhere", "/static/triage.css"):
        headers = client.get(address).headers
        assert "unsafe-inline" not in headers["content-security-policy"]
        assert "default-src 'self'" in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
