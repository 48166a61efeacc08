"""Rows of the list, in words ready to be shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from triage.advice.assessment import Assessment
from triage.domain.clock import MICROS_PER_HOUR
from triage.serving import formats, texts, wording
from triage.serving.advisor import WorkItem
from triage.serving.handling.state import State

_SOON = 48 * MICROS_PER_HOUR
_PRESSING = 2 * MICROS_PER_HOUR
_NEWS = MICROS_PER_HOUR


@dataclass(frozen=True, slots=True)
class _Row:
    """What both kinds of row show."""

    order: Assessment
    promise: str
    promise_relative: str
    promise_soon: bool
    stage: str
    stage_since: str
    decide: str
    decide_soon: bool
    tags: Sequence[tuple[str, str]]
    owner: tuple[str, str]


@dataclass(frozen=True, slots=True)
class RiskRow(_Row):
    """An order at risk."""

    percent: str
    bar: float
    band: str
    loss: str
    value: str
    why: str
    why_more: str


@dataclass(frozen=True, slots=True)
class LateRow(_Row):
    """An order that is late already."""

    overdue: str
    value: str
    expect: str
    expect_more: str


_Tags = Sequence[tuple[str, str]]
_NOBODY = ("", "")


def _common(
    order: Assessment, now: int, zone: str, tags: _Tags, owner: tuple[str, str]
) -> tuple[Assessment, str, str, bool, str, str, str, bool, _Tags, tuple[str, str]]:
    until = None if order.priority is None else order.priority.decide_by
    return (
        order,
        wording.promise_day(order.promised_by, now, zone),
        wording.relative(order.promised_by, now),
        now <= order.promised_by <= now + _SOON,
        wording.stage(order.stage),
        texts.worklist.stage_for(wording.span(now - order.stage_at)),
        "" if until is None else wording.relative(until, now),
        until is not None and until <= now + _PRESSING,
        tags,
        owner,
    )


def owner_cell(state: State, wall: int) -> tuple[str, str]:
    """Return whose an order is, and since when if that is news.

    Args:
        state: how it is handled.
        wall: UTC micros, of the clock on the wall.
    """
    if state.owner is None:
        return _NOBODY
    taken = state.taken
    if taken is None or wall - taken.at > _NEWS:
        return state.owner, ""
    return state.owner, wording.ago(wall - taken.at)


def risk_row(
    item: WorkItem, now: int, zone: str, tags: _Tags = (), owner: tuple[str, str] = _NOBODY
) -> RiskRow:
    """Return the row of an order at risk; `tags` are labels beside its id."""
    order = item.assessment
    reasons = [each for each in order.reasons if each.effect_pp > 0] or order.reasons
    told = [reason.told(formats) for reason in reasons[:2]]
    return RiskRow(
        *_common(order, now, zone, tags, owner),
        percent=wording.percent(order.p_late),
        bar=round(100 * order.p_late, 1),
        band=order.band,
        loss=formats.money(order.expected_loss, order.currency),
        value=formats.money(order.revenue, order.currency),
        why=told[0] if told else texts.worklist.NO_REASON,
        why_more=f"\u2192 {item.plan.detail}" if item.plan else told[1] if len(told) > 1 else "",
    )


def late_row(
    item: WorkItem, now: int, zone: str, tags: _Tags = (), owner: tuple[str, str] = _NOBODY
) -> LateRow:
    """Return the row of an order that is late already; `tags` are labels beside its id."""
    order = item.assessment
    low, _, high = order.delay_days
    return LateRow(
        *_common(order, now, zone, tags, owner),
        overdue=wording.span(now - order.promised_by),
        value=formats.money(order.revenue, order.currency),
        expect=_days(*wording.delivery_days(order.promised_by, low, high, now, zone)),
        expect_more=_expected_days(low, high),
    )


def _days(first: str, last: str) -> str:
    return first if first == last else texts.words.between(first, last)


def _expected_days(low: float, high: float) -> str:
    first, last = round(low), round(high)
    when = texts.words.against_promise(last)
    if first == last:
        return texts.worklist.about(when)
    return texts.words.between(formats.number(first), when)
