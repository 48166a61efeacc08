"""How the list and the queue of exceptions stand, as the operations page tells it."""

from __future__ import annotations

import statistics
from dataclasses import dataclass

from triage.domain.clock import MICROS_PER_DAY, NEVER
from triage.serving import formats, texts, wording
from triage.serving.advisor import WorkItem
from triage.serving.handling.desk import HandlingDesk
from triage.serving.pages.exceptions_view import held
from triage.serving.pages.frame import Looking
from triage.serving.service import Service

_HANDLED = frozenset({"dispose", "inform", "escalate"})


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure: its name, the figure, what else to know, and a tone."""

    name: str
    value: str
    more: str = ""
    tone: str = ""


def queue_health(seen: Looking, desk: HandlingDesk | None) -> list[Figure]:
    """Return how the list stands: open, late, nobody's, past the last moment, longest untouched."""
    now = seen.advisor.now()
    items = [item for item in seen.index.worklist.items if _is_open(item, desk, seen.wall)]
    at_risk = [item for item in items if item.assessment.state == "at_risk"]
    nobodys = [item for item in items if _owner(item, desk) is None]
    passed = [item for item in at_risk if _decide_by(item) < now]
    soon = sum(now <= _decide_by(item) < now + MICROS_PER_DAY for item in at_risk)
    oldest = max((now - item.assessment.stage_at for item in nobodys), default=0)
    late = len(items) - len(at_risk)
    return [
        Figure(texts.operations.OPEN, formats.number(len(at_risk))),
        Figure(texts.operations.LATE, formats.number(late), tone="critical" if late else ""),
        Figure(texts.operations.NOBODYS, formats.number(len(nobodys))),
        Figure(
            texts.operations.SOON, formats.number(soon),
            texts.operations.passed_it(len(passed)), "critical" if passed else "",
        ),
        Figure(texts.operations.OLDEST, wording.span(oldest) if nobodys else "\u2014"),
    ]  # fmt: skip


def _is_open(item: WorkItem, desk: HandlingDesk | None, wall: int) -> bool:
    if desk is None:
        return True
    order = item.assessment
    return desk.of_order(order.order_id).state.place(order.p_late, wall) == "open"


def _owner(item: WorkItem, desk: HandlingDesk | None) -> str | None:
    return None if desk is None else desk.of_order(item.assessment.order_id).state.owner


def _decide_by(item: WorkItem) -> int:
    """Return the last moment at which acting helps, UTC micros; `NEVER` if nothing does."""
    first = item.assessment.priority
    return NEVER if first is None or first.decide_by is None else first.decide_by


def exceptions_clock(seen: Looking, service: Service) -> list[Figure]:
    """Return how many open exceptions are past the time that their playbook gives them."""
    if service.queue is None:
        return []
    waiting = [each for each in held(service, seen) if each.place == "open"]
    late = sum(each.due < seen.advisor.now() for each in waiting)
    return [
        Figure(
            texts.operations.EXCEPTIONS_OVERDUE, formats.number(late),
            texts.operations.of_open(len(waiting)), "critical" if late else "",
        )
    ]  # fmt: skip


def capacity(seen: Looking, desk: HandlingDesk | None) -> Figure:
    """Return how much of people's time the last 24 hours took, by what acting on an order takes.

    An order that is off the list by now counts with the median of those that are on it.
    """
    policy = seen.advisor.policy.work.capacity
    if desk is None:
        return Figure(texts.operations.CAPACITY, "\u2014", texts.operations.NOTHING_RECORDED)
    since = seen.wall - MICROS_PER_DAY
    done = [
        order_id
        for order_id, handled in desk.orders.items()
        if any(
            act.action in _HANDLED and act.at > since and act.id not in handled.undone
            for act in handled.acts
        )
    ]
    known = {
        item.assessment.order_id: item.assessment.priority.minutes
        for item in seen.index.worklist.items
        if item.assessment.priority is not None and item.assessment.priority.minutes > 0
    }
    usual = statistics.median(known.values()) if known else 0.0
    minutes = sum(known.get(order_id, usual) for order_id in done)
    share = wording.percent(minutes / policy.session)
    more = texts.operations.capacity_used(len(done), round(minutes), round(policy.session))
    return Figure(texts.operations.CAPACITY, share, more)
