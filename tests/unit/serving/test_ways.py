from __future__ import annotations

from dataclasses import replace

from tests.fakes import NOW

from triage.advice.assessment import Recommendation
from triage.domain.clock import MICROS_PER_HOUR
from triage.serving import answers
from triage.serving.decisions import compared
from triage.serving.pages import ways
from triage.serving.schemas import RecommendationOut

OTHER_SITE = Recommendation(
    "resource", "Ship from DAL-1", "DAL-1", 0.31, -0.43, (-4.0, -2.5, 0.5), 18.0, 96.4,
    NOW + MICROS_PER_HOUR, ("orders of this carrier from there",), "planning",
)  # fmt: skip
TELLING = Recommendation(
    "inform", "Tell the customer", None, 0.74, None, None, 3.75, 50.0, NOW, (), "",
)  # fmt: skip


def test_another_way_is_told_with_risk_days_cost_saving_until_when_and_who_must_agree() -> None:
    (way,) = ways.rows([OTHER_SITE], "USD", "UTC")
    assert way.what == "Ship from DAL-1"
    assert way.support == "the model has seen little like it in: orders of this carrier from there"
    assert [(value, more) for value, more, _ in way.cells] == [
        ("31%", "\u221243\u00a0pts"),
        ("\u22122.5\u00a0d", "\u22124.0 to +0.5"),
        ("US$18.00", ""), ("US$96.40", ""), ("Wed 29 Aug, 15:00", ""), ("Planning", ""),
    ]  # fmt: skip


def test_a_way_that_moves_nothing_says_so_and_needs_nobody() -> None:
    (way,) = ways.rows([TELLING], "USD", "UTC")
    assert [value for value, _, _ in way.cells][:2] == ["as now", "as now"]
    assert way.cells[-1][0] == "nobody"
    assert way.support == ""


BOTH = replace(OTHER_SITE, service="Express", approver="planning and transport")


def test_two_things_at_once_are_told_with_the_service_in_the_cost_and_all_who_agree() -> None:
    alone, both = ways.rows([OTHER_SITE, BOTH], "USD", "UTC")
    assert both.cells[2] == ("US$18.00", "with Express", "figure")
    assert both.cells[5][0] == "Planning and transport"
    assert [at for at in range(6) if alone.cells[at] != both.cells[at]] == [2, 5]


def test_an_answer_names_the_service_that_is_booked_as_well_or_null() -> None:
    said = [answers.recommendation(each) for each in (OTHER_SITE, BOTH)]
    assert [each["service"] for each in said] == [None, "Express"]
    assert [RecommendationOut.model_validate(each).service for each in said] == [None, "Express"]
    del said[0]["service"]
    assert RecommendationOut.model_validate(said[0]).service is None


def test_an_answer_of_before_it_named_a_service_is_the_same_as_one_that_names_none() -> None:
    def answer(**way: object) -> dict[str, object]:
        return compared({"risk": {}, "priority": None, "recommendations": [{"action": "x", **way}]})

    assert answer() == answer(service=None) != answer(service="Express")
