"""What comes first: the loss that acting still prevents, for each minute that acting takes.

    score = (p(late) x what is at stake x chance that acting helps - its cost) / its minutes

The chance falls to nothing as the last moment of the action comes near. Knapsack by density: taken
from the top, minutes go where they prevent most (Dantzig 1957), up to the last order that fits.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from triage.advice.assessment import Assessment, Escalation, Exposure, Priority
from triage.advice.deadlines import Deadlines, Lane
from triage.advice.wording import ENGLISH, likely_lost, lost_anyway
from triage.advice.work_policy import (
    ActionName,
    ActionPolicy,
    CapacityPolicy,
    EscalationPolicy,
    ExposurePolicy,
    WorkPolicy,
)
from triage.domain.clock import MICROS_PER_HOUR, from_micros

_NINE_IN_TEN, _HALF = 0.9, 0.5


def exposure(
    policy: ExposurePolicy,
    value: float,
    tier: str | None,
    days: float,
    *,
    regulated: bool = False,
    margin: float | None = None,
) -> Exposure:
    """Return what is at stake.

    Args:
        policy: shares by tier.
        value: of the order, in its currency.
        tier: of the customer, if known.
        days: late if it is late.
        regulated: whether it holds regulated goods.
        margin: earned with the order, if known; otherwise the policy's share of the value.
    """
    earned = policy.margin_share * value if margin is None else margin
    owed = min(policy.penalty_per_day.get(tier or "", 0.0) * days, policy.penalty_cap) * value
    weight = policy.tier_weight.get(tier or "", 1.0)
    at_stake = weight * (policy.lost_margin * earned + owed)
    return Exposure(earned, owed, at_stake, tier, regulated)


def days_if_late(p_late: float, delay_days: tuple[float, float, float]) -> float:
    """Return whole days late, at least one, in the middle of the outcomes that are late.

    Args:
        p_late: probability of being late.
        delay_days: p10, p50, p90 against the promise.
    """
    _, middle, high = delay_days
    at = min(max(1.0 - p_late / 2.0, _HALF), _NINE_IN_TEN)
    days = middle + (high - middle) * (at - _HALF) / (_NINE_IN_TEN - _HALF)
    return float(max(1, math.ceil(days)))


@dataclass(frozen=True, slots=True)
class Option:
    """An action that still works: until when (UTC micros), with what chance, at what score."""

    name: ActionName
    action: ActionPolicy
    decide_by: int
    chance: float
    score: float


def options(
    policy: WorkPolicy,
    order: Assessment,
    deadlines: Deadlines,
    lane: Lane,
    feasible: Collection[ActionName],
) -> list[Option]:
    """Return what can be done for an order in time, best first.

    Args:
        policy: which actions exist.
        order: the order as assessed.
        deadlines: last moments.
        lane: how it goes.
        feasible: actions that stock and services allow.
    """
    found = []
    for name, action in policy.actions.items():
        if name not in feasible or order.stage not in action.stages:
            continue
        decide_by = deadlines.latest(order.promised_by, deadlines.needed(action, order.stage, lane))
        if decide_by <= order.as_of:
            continue
        share = min(deadlines.left(order.as_of, decide_by) / policy.sure_days, 1.0)
        chance = action.helps * max(share, 0.0)
        saved = order.expected_loss * chance - action.cost
        score = (saved - action.minutes * policy.capacity.wage) / action.minutes
        found.append(Option(name, action, decide_by, chance, score))
    return sorted(found, key=lambda option: (-option.score, option.decide_by, option.name))


def priority(
    policy: WorkPolicy, order: Assessment, ways: Sequence[Option], time_zone: str
) -> Priority:
    """Return why and until when an order should be looked at.

    Args:
        policy: who else must know.
        order: the order as assessed, with its exposure.
        ways: what can be done (see `options`), best first.
        time_zone: IANA zone in which moments are told.
    """
    loss = ENGLISH.amount(order.expected_loss, order.currency)
    best = ways[0] if ways else None
    told = escalations(policy.escalations, order, best.decide_by if best else None)
    if best is None:
        return Priority(0.0, None, 0.0, 0.0, None, lost_anyway(loss), told)
    by = from_micros(best.decide_by).astimezone(ZoneInfo(time_zone))
    why = likely_lost(loss, best.action.does, f"{best.action.minutes:g}", ENGLISH.moment(by))
    return Priority(
        best.score, best.name, best.action.minutes, best.chance, best.decide_by, why, told
    )


def escalations(
    rules: Iterable[EscalationPolicy], order: Assessment, decide_by: int | None
) -> tuple[Escalation, ...]:
    """Return who else must know of an order, by the policy's rules."""
    regulated = order.exposure is not None and order.exposure.regulated
    return tuple(
        Escalation(rule.to, rule.because)
        for rule in rules
        if order.revenue >= rule.value_from
        and order.p_late >= rule.p_late_from
        and (regulated or not rule.regulated)
        and (rule.hours_left is None or _soon(order.as_of, decide_by, rule.hours_left))
    )


def _soon(as_of: int, decide_by: int | None, hours: float) -> bool:
    return decide_by is not None and decide_by - as_of <= hours * MICROS_PER_HOUR


def rank_key(order: Assessment) -> tuple[float, int, float, str]:
    """Return what orders are sorted by: score, then the clock, then expected loss."""
    own = order.priority
    if own is None or own.decide_by is None:
        return (math.inf, order.promised_by, -order.expected_loss, order.order_id)
    return (-own.score, own.decide_by, -order.expected_loss, order.order_id)


def fitting(orders: Iterable[Assessment], capacity: CapacityPolicy) -> set[str]:
    """Return the ids of the orders, in their order, whose actions fit into one session."""
    left, found = capacity.session, set()
    for order in orders:
        own = order.priority
        if own is None or own.action is None or own.score <= 0:
            continue
        if own.minutes > left:
            break
        left -= own.minutes
        found.add(order.order_id)
    return found
