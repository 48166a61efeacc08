"""Chooses the orders of a list by what people did with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from triage.serving.advisor import WorkItem
from triage.serving.handling.desk import LEVELS, HandlingDesk
from triage.serving.handling.mentions import names_of
from triage.serving.handling.state import State
from triage.serving.worklist_index import Query


def select(
    desk: HandlingDesk | None, found: Sequence[WorkItem], query: Query, now: int
) -> list[WorkItem]:
    """Return of some items those that a query wants by what people did with them.

    In order of work, what was put first or last by hand stands there.

    Args:
        desk: knows what was done; None where nothing is recorded.
        found: items in the query's order.
        query: `handled`, `owner`, `mentions` and `sort` count here.
        now: UTC micros, of the clock on the wall.
    """
    known = {} if desk is None else desk.orders
    if query.handled in ("open", "all") and not (query.owner or query.mentions):
        away = {} if desk is None or query.handled == "all" else desk.standing().away
        kept = list(found) if not away else [
            item
            for item in found
            if (state := away.get(item.assessment.order_id)) is None
            or state.place(item.assessment.p_late, now) == "open"
        ]  # fmt: skip
    else:
        kept = [
            item
            for item in found
            if (handled := known.get(item.assessment.order_id)) is not None
            and _fits(handled.state, item, query, now)
        ]
    if query.sort != "priority":
        return kept
    levels = {} if desk is None else desk.standing().levels
    return _by_hand(kept, levels) if levels else kept


def _by_hand(items: list[WorkItem], levels: Mapping[str, int]) -> list[WorkItem]:
    """Return items with those that were put first or last by hand there, within their state."""
    usual = LEVELS[None]
    parts: tuple[list[WorkItem], ...] = ([], [], [], [], [], [])
    for item in items:
        order = item.assessment
        level = levels.get(order.order_id, usual)
        parts[level + 3 if order.state == "already_late" else level].append(item)
    return [item for part in parts for item in part]


def _fits(state: State, item: WorkItem, query: Query, now: int) -> bool:
    if query.owner and state.owner != query.owner:
        return False
    if query.mentions and not state.mentions & names_of(query.mentions):
        return False
    if query.handled == "escalated":
        return state.escalated is not None and state.disposed is None
    return query.handled in ("all", state.place(item.assessment.p_late, now))
