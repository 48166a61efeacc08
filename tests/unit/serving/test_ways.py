from __future__ import annotations

from tests.fakes import NOW

from triage.advice.assessment import Recommendation
from triage.domain.clock import MICROS_PER_HOUR
from triage.serving.pages import ways

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
