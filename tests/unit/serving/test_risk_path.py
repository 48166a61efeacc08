from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise

import hypothesis.strategies as st
from hypothesis import given
from tests import fakes
from tests.unit.serving.answered import decision

from triage.advice.assessment import Assessment
from triage.domain.clock import MICROS_PER_DAY, MICROS_PER_HOUR
from triage.errors import RequestError
from triage.ledger.entries import Draft
from triage.serving.decisions import Basis, Decision
from triage.serving.handling.state import Act
from triage.serving.pages import risk_path
from triage.serving.pages.risk_path import Acts, Score

NOW = fakes.NOW
ORDER = replace(
    fakes.assessment(1, "at_risk"), promised_by=NOW + MICROS_PER_DAY, p_late=0.5, band="high"
)
MILESTONES = [
    ("order_created", NOW - 9 * MICROS_PER_HOUR, NOW - 8 * MICROS_PER_HOUR),
    ("order_validated", NOW - 6 * MICROS_PER_HOUR, NOW - 5 * MICROS_PER_HOUR),
]
RISKS = {MILESTONES[0][2]: 0.1, MILESTONES[1][2]: 0.2}


def recorded(draft: Draft) -> Decision:
    body = json.loads(draft.body)
    return Decision(
        draft.id, NOW, None, body["as_of"], Basis(**body["basis"]), "", body["answer"]
    )  # fmt: skip


def told(p_late: float, hours: float, state: str = "at_risk") -> Decision:
    as_of = NOW - round(hours * MICROS_PER_HOUR)
    return recorded(decision(ORDER.order_id, p_late, as_of=as_of, state=state))


def scores(*decisions: Decision, order: Assessment = ORDER) -> list[Score]:
    return risk_path.scores(order, MILESTONES, decisions, RISKS.__getitem__, fakes.POLICY.band)


def test_each_step_has_the_risk_of_when_it_became_known_and_now_comes_last() -> None:
    found = scores()
    assert [(s.at, s.p_late, s.band, s.basis, s.stage) for s in found] == [
        (MILESTONES[0][2], 0.1, "low", "then", "order_created"),
        (MILESTONES[1][2], 0.2, "medium", "then", "order_validated"),
        (NOW, 0.5, "high", "now", ORDER.stage),
    ]


def test_a_decision_on_record_stands_between_them_if_it_said_something_else() -> None:
    found = scores(told(0.2, 4), told(0.35, 3), told(0.355, 2), told(0.4, 1))
    assert [s.p_late for s in found] == [0.1, 0.2, 0.35, 0.4, 0.5]
    assert [s.basis for s in found] == ["then", "then", "record", "record", "now"]


def test_what_was_said_once_it_was_late_is_no_probability() -> None:
    assert [s.basis for s in scores(told(1.0, 1, "already_late"))] == ["then", "then", "now"]


def test_nothing_is_worked_out_after_the_promise_passed() -> None:
    late = replace(ORDER, promised_by=NOW - 6 * MICROS_PER_HOUR, state="already_late")
    assert [s.stage for s in scores(order=late)] == ["order_created", ORDER.stage]


def test_a_step_before_those_that_the_model_knows_is_left_out() -> None:
    def then(moment: int) -> float:
        if moment == MILESTONES[0][2]:
            raise RequestError("no stage that the model knows")
        return 0.2

    found = risk_path.scores(ORDER, MILESTONES, (), then, fakes.POLICY.band)
    assert [s.stage for s in found] == ["order_validated", ORDER.stage]


def test_of_many_scores_the_first_and_the_newest_are_drawn() -> None:
    many = [told(0.3 + (n % 2) / 10, 4 - n / 20) for n in range(40)]
    found = scores(*many)
    assert len(found) == risk_path.MOST
    assert found[0].stage == "order_created"
    assert found[-2].at == many[-1].as_of
    assert found[-1].basis == "now"


def act(hours: float) -> Act:
    return Act("assign", "Ana", "Ana", at=NOW - round(hours * MICROS_PER_HOUR))


def test_what_people_did_stands_where_it_was_done() -> None:
    found = risk_path.steps(scores(), [act(7), act(6), act(1)])
    kinds = [len(s.acts) if isinstance(s, Acts) else s.basis for s in found]
    assert kinds == ["then", 2, "then", 1, "now"]


@given(st.lists(st.floats(-20, 20), max_size=12).map(sorted))
def test_no_act_is_lost_and_now_is_always_last(hours: list[float]) -> None:
    acts = [act(-each) for each in hours]
    found = risk_path.steps(scores(), acts)
    shown = [one for step in found if isinstance(step, Acts) for one in step.acts]
    assert shown == acts
    assert isinstance(found[-1], Score)
    assert found[-1].basis == "now"


@given(st.floats(0, 1), st.floats(0, 1))
def test_the_riskier_is_drawn_higher(one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert risk_path.TOP <= risk_path.height_of(high) <= risk_path.height_of(low)
    assert risk_path.height_of(low) <= risk_path.FLOOR


def test_places_go_from_left_to_right_and_acts_lie_where_the_risk_stood() -> None:
    places = risk_path.drawn(risk_path.steps(scores(), [act(1)]))
    assert [p.x for p in places] == sorted(p.x for p in places)
    assert places[0].x > risk_path.ASIDE
    assert places[-1].x < 100
    assert places[2].y == places[1].y == risk_path.height_of(0.2)


def test_bands_fill_the_drawing_without_gaps() -> None:
    zones = risk_path.zones(fakes.POLICY.bands)
    assert [name for name, _, _ in zones] == ["critical", "high", "medium", "low"]
    assert zones[0][1] == risk_path.TOP
    for (_, top, height), (_, after, _) in pairwise(zones):
        assert round(top + height, 1) == after
    assert round(zones[-1][1] + zones[-1][2], 1) == risk_path.FLOOR
