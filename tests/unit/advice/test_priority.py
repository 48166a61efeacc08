from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from tests.histories import START

from triage.advice.assessment import Assessment, CauseShare
from triage.advice.deadlines import Deadlines, Roads
from triage.advice.groups import shared
from triage.advice.policy import load
from triage.advice.priority import (
    days_if_late,
    escalations,
    exposure,
    fitting,
    options,
    priority,
    rank_key,
)
from triage.advice.steps import UsualSteps, WorkingTime
from triage.advice.work_policy import (
    ActionPolicy,
    CapacityPolicy,
    EscalationPolicy,
    ExposurePolicy,
    WorkPolicy,
)
from triage.domain.clock import MICROS_PER_DAY, MICROS_PER_HOUR, MICROS_PER_MINUTE, to_micros
from triage.features.facts import TIME

TIME_OFF = WorkingTime("America/Chicago", "US")
STEPS = UsualSteps(
    (
        TIME["order_validated"], TIME["allocation_confirmed"], TIME["pick_released"],
        TIME["shipment_dispatched"], TIME["delivered"],
    ),
    ("approval", "inventory", "integration", "warehouse", "carrier"),
    (0.0, 0.1, 0.2, 0.3, 0.4, 2.0),
    TIME_OFF,
)  # fmt: skip
LANE = ("W1", "TX", "Ground")
DEADLINES = Deadlines(STEPS, Roads({LANE: 3.0}, 2.0))
MONDAY = to_micros(datetime(2026, 1, 5, 6, tzinfo=UTC))
"""Midnight in Chicago."""
ACTION = ActionPolicy(does="call", stages=("order_created", "order_validated"), minutes=5)
ORDER = Assessment(
    order_id="SO-1", state="at_risk", stage="order_validated", stage_at=MONDAY,
    as_of=MONDAY, promised_by=MONDAY + 5 * MICROS_PER_DAY, p_late=0.5, bounds=(0.4, 0.6),
    typical=0.1, band="high", delay_days=(-1.0, 0.0, 2.0), reasons=(), other_pp=40.0,
    revenue=1000.0, currency="USD", customer=None, site="W1", destination="TX", missing=(),
    unknown=(), unsure=(),
)  # fmt: skip


def with_stake(order: Assessment, value: float, tier: str | None = None) -> Assessment:
    said = exposure(ExposurePolicy(penalty_per_day={"Key": 0.02}), value, tier, 1.0)
    return replace(order, revenue=value, exposure=said)


def test_a_penalty_is_owed_by_tier_and_day_and_never_more_than_the_cap() -> None:
    policy = ExposurePolicy(
        margin_share=0.3, lost_margin=0.1, penalty_per_day={"Key": 0.02}, penalty_cap=0.05,
        tier_weight={"Key": 2.0},
    )  # fmt: skip
    key = exposure(policy, 1000.0, "Key", 2.0)
    assert (key.margin, key.sla_penalty, key.at_stake) == (300.0, 40.0, 140.0)
    assert exposure(policy, 1000.0, "Key", 9.0).sla_penalty == 50.0
    small = exposure(policy, 1000.0, "Small", 2.0)
    assert (small.sla_penalty, small.at_stake) == (0.0, 30.0)
    assert exposure(policy, 1000.0, None, 2.0, margin=80.0).margin == 80.0


def test_an_order_that_is_late_for_sure_is_expected_in_the_middle_of_what_can_come() -> None:
    assert days_if_late(1.0, (1.0, 4.0, 9.0)) == 4.0
    assert days_if_late(0.1, (-3.0, -1.0, 2.5)) == 3.0
    assert days_if_late(0.01, (-5.0, -4.0, -2.0)) == 1.0


def test_goods_that_are_allocated_usually_still_need_the_steps_after_it_and_their_road() -> None:
    elsewhere = ("W1", "ND", "Ground")
    assert DEADLINES.usual("allocation_confirmed", LANE) == pytest.approx(0.3 + 0.4 + 3.0)
    assert DEADLINES.usual("allocation_confirmed", elsewhere) == pytest.approx(0.3 + 0.4 + 2.0)
    assert DEADLINES.usual("shipment_dispatched", LANE) == pytest.approx(3.0)


def test_the_last_moment_leaves_the_working_days_that_are_still_needed() -> None:
    friday_end = MONDAY + 5 * MICROS_PER_DAY
    assert DEADLINES.needed(ACTION, "order_validated", LANE) == pytest.approx(0.1 + 0.9 + 3.0)
    latest = DEADLINES.latest(friday_end, 4.0)
    assert abs(latest - (MONDAY + MICROS_PER_DAY)) <= MICROS_PER_MINUTE
    over_the_weekend = DEADLINES.latest(friday_end, 6.0)
    thursday_before = MONDAY - 4 * MICROS_PER_DAY
    assert thursday_before - MICROS_PER_DAY <= over_the_weekend <= MONDAY - 2 * MICROS_PER_DAY


def test_an_action_that_brings_a_milestone_about_does_without_the_steps_before_it() -> None:
    pick = ACTION.model_copy(update={"stands_in_for": "shipment_dispatched"})
    express = ACTION.model_copy(update={"road_days": 1.0})
    elsewhere = ("W2", "TX", "Ground")
    assert DEADLINES.needed(pick, "order_validated", LANE) == pytest.approx(0.1 + 3.0)
    assert DEADLINES.needed(express, "order_validated", LANE) == pytest.approx(0.1 + 0.9 + 1.0)
    assert DEADLINES.needed(pick, "order_validated", elsewhere) == pytest.approx(0.1 + 2.0)


@given(days=st.floats(0, 40), offset=st.integers(0, 400))
def test_from_the_last_moment_on_the_promise_leaves_just_the_days_needed(
    days: float, offset: int
) -> None:
    promised = START + offset * 7 * MICROS_PER_HOUR
    latest = DEADLINES.latest(promised, days)
    assert latest <= promised
    assert TIME_OFF.of(promised) - TIME_OFF.of(latest) >= days - 1e-9
    later = TIME_OFF.of(promised) - TIME_OFF.of(latest + 2 * MICROS_PER_MINUTE)
    assert later <= days + 1e-9


def ways(order: Assessment, **actions: ActionPolicy) -> list[str]:
    policy = WorkPolicy(actions=actions)
    return [each.name for each in options(policy, order, DEADLINES, LANE, set(policy.actions))]


def test_an_action_that_comes_too_late_or_at_another_stage_is_never_offered() -> None:
    order = with_stake(ORDER, 50_000.0, "Key")
    assert ways(order, pick_next=ACTION) == ["pick_next"]
    tuesday = replace(order, as_of=MONDAY + MICROS_PER_DAY)
    assert ways(tuesday, pick_next=ACTION) == []
    assert ways(replace(order, stage="shipment_dispatched"), pick_next=ACTION) == []
    until_promise = ACTION.model_copy(update={"until_promise": True})
    assert ways(tuesday, tell_customer=until_promise) == ["tell_customer"]


def test_the_chance_falls_with_the_time_that_is_left() -> None:
    policy = WorkPolicy(actions={"pick_next": ACTION}, sure_days=1.0)
    order = with_stake(ORDER, 50_000.0, "Key")
    moments = [MONDAY - MICROS_PER_DAY * 4, MONDAY, MONDAY + 12 * MICROS_PER_HOUR]
    chances = [
        options(policy, replace(order, as_of=m), DEADLINES, LANE, {"pick_next"})[0].chance
        for m in moments
    ]
    assert chances == pytest.approx([0.5, 0.5, 0.25], abs=0.01)


def test_minutes_go_where_they_prevent_most_not_to_the_largest_loss() -> None:
    quick = ACTION.model_copy(update={"minutes": 2.0})
    slow = ACTION.model_copy(update={"minutes": 30.0})
    policy = WorkPolicy(actions={"pick_next": quick, "expedite_approval": slow})
    large, small = with_stake(ORDER, 9_000.0), replace(with_stake(ORDER, 4_000.0), order_id="SO-2")

    def placed(order: Assessment, name: str) -> Assessment:
        found = options(policy, order, DEADLINES, LANE, {name})  # type: ignore[arg-type]
        return replace(order, priority=priority(policy, order, found, "America/Chicago"))

    first = placed(large, "expedite_approval"), placed(small, "pick_next")
    assert first[0].expected_loss > first[1].expected_loss
    assert sorted(first, key=rank_key)[0].order_id == "SO-2"


def test_equal_scores_are_told_apart_by_the_clock() -> None:
    policy = WorkPolicy(actions={"pick_next": ACTION})
    order = with_stake(ORDER, 9_000.0)
    found = options(policy, order, DEADLINES, LANE, {"pick_next"})
    said = priority(policy, order, found, "America/Chicago")
    assert said.decide_by is not None
    urgent = replace(order, order_id="ZZ", priority=replace(said, decide_by=said.decide_by - 1))
    assert sorted([replace(order, priority=said), urgent], key=rank_key)[0].order_id == "ZZ"


def test_the_sentence_says_loss_action_minutes_and_until_when() -> None:
    policy = WorkPolicy(actions={"pick_next": ACTION})
    order = with_stake(ORDER, 4_000.0)
    found = options(policy, order, DEADLINES, LANE, {"pick_next"})
    said = priority(policy, order, found, "America/Chicago")
    assert said.why == (
        "USD 50 are likely lost; what helps most is to call: 5 minutes, by Tue 6 Jan 00:00"
    ) or said.why.endswith("by Mon 5 Jan 23:59")
    nothing = priority(policy, order, [], "America/Chicago")
    assert (nothing.action, nothing.decide_by, nothing.score) == (None, None, 0.0)
    assert "nothing" in nothing.why


def test_only_what_fits_into_peoples_time_and_is_worth_it_is_of_this_session() -> None:
    policy = WorkPolicy(actions={"pick_next": ACTION})
    orders = []
    for number, value in enumerate((50_000.0, 40_000.0, 30_000.0, 10.0)):
        order = replace(with_stake(ORDER, value), order_id=str(number))
        found = options(policy, order, DEADLINES, LANE, {"pick_next"})
        orders.append(replace(order, priority=priority(policy, order, found, "UTC")))
    two = CapacityPolicy(people=1, minutes=12)
    assert fitting(orders, two) == {"0", "1"}
    assert fitting(orders, CapacityPolicy(people=5, minutes=60)) == {"0", "1", "2"}


def test_who_must_know_is_decided_by_value_clock_and_goods() -> None:
    rules = (
        EscalationPolicy(to="manager", because="a", value_from=900, p_late_from=0.4),
        EscalationPolicy(to="lead", because="b", hours_left=4),
        EscalationPolicy(to="officer", because="c", regulated=True),
    )
    soon, later = MONDAY + 3 * MICROS_PER_HOUR, MONDAY + 5 * MICROS_PER_HOUR
    assert [e.to for e in escalations(rules, ORDER, later)] == ["manager"]
    assert [e.to for e in escalations(rules, ORDER, soon)] == ["manager", "lead"]
    cheap = replace(ORDER, revenue=10.0, p_late=0.3)
    assert [e.to for e in escalations(rules, cheap, None)] == []
    goods = exposure(ExposurePolicy(), 10.0, None, 1.0, regulated=True)
    assert [e.to for e in escalations(rules, replace(cheap, exposure=goods), None)] == ["officer"]


def test_orders_that_wait_for_the_same_product_are_one_group() -> None:
    stock = (CauseShare("inventory", 0.8), CauseShare("carrier", 0.2))
    short = [
        replace(ORDER, order_id=str(n), causes=stock, scarce="SKU-1" if n < 3 else "SKU-2")
        for n in range(4)
    ]
    carried = [
        replace(ORDER, order_id=f"c{n}", carrier="Slow", causes=(CauseShare("carrier", 1.0),))
        for n in range(2)
    ]
    unlikely = [replace(each, order_id="u", p_late=0.01) for each in carried]
    found = shared([*short, *carried, *unlikely], 2, 0.1)
    assert [(group.text, group.order_ids) for group in found] == [
        ("3 orders wait for SKU-1 at W1", ("0", "1", "2")),
        ("2 orders go with Slow", ("c0", "c1")),
    ]
    assert found[0].expected_loss == pytest.approx(3 * 500.0)


def test_the_policy_that_comes_with_the_package_names_an_action_for_every_stage() -> None:
    policy = load().work
    for stage in ("order_created", "order_validated", "allocation_confirmed", "pick_released"):
        assert sum(stage in action.stages for action in policy.actions.values()) >= 2
    assert {rule.regulated for rule in policy.escalations} == {True, False}
    assert np.isclose(policy.capacity.session, policy.capacity.people * policy.capacity.minutes)
