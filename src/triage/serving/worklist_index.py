"""The worklist, ready to be filtered, sorted, paged and compared with."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, Self

from triage.advice.assessment import Assessment
from triage.advice.groups import Group
from triage.serving.advisor import WorkItem, Worklist

StateFilter = Literal["at_risk", "already_late", "all"]
HandledFilter = Literal["open", "all", "snoozed", "disposed"]
Sort = Literal["priority", "expected_loss", "decide_by", "promise", "risk"]

_SORTS: dict[Sort, Callable[[WorkItem], tuple[float, int]]] = {
    "priority": lambda item: (0.0, item.rank),
    "expected_loss": lambda item: (-item.assessment.expected_loss, item.rank),
    "decide_by": lambda item: (_decide_by(item), item.rank),
    "promise": lambda item: (float(item.assessment.promised_by), item.rank),
    "risk": lambda item: (-item.assessment.p_late, item.rank),
}


@dataclass(frozen=True, slots=True)
class Query:
    """What part of the worklist is asked for; empty text means any.

    By `handled`, `owner` and `mentions` the desk chooses (see `handling_desk`), by the rest the
    index. `group` names what orders share (see `shared_thing`); `by` says how they are shown.
    """

    state: StateFilter = "at_risk"
    band: str = ""
    site: str = ""
    text: str = ""
    sort: Sort = "priority"
    handled: HandledFilter = "open"
    owner: str = ""
    carrier: str = ""
    cause: str = ""
    tier: str = ""
    group: str = ""
    mentions: str = ""
    by: Literal["", "cause"] = ""


@dataclass(frozen=True, slots=True)
class Page:
    """One page of items with the place that it has in the whole (pages count from 1)."""

    items: tuple[WorkItem, ...]
    number: int
    size: int
    total: int

    @property
    def pages(self) -> int:
        """Return how many pages there are; at least one."""
        return max(1, -(-self.total // self.size))

    @property
    def first(self) -> int:
        """Return the place of the first item of this page, counted from 1; 0 if there is none."""
        return (self.number - 1) * self.size + 1 if self.items else 0

    @property
    def last(self) -> int:
        """Return the place of the last item of this page."""
        return self.first + len(self.items) - 1 if self.items else 0


@dataclass(frozen=True, slots=True)
class WorklistIndex:
    """A worklist with what is looked up in it again and again.

    Attributes:
        worklist: what is indexed.
        counts: orders by state.
        by_id: items by order.
        sites: sites with their open orders, busiest first; `carriers`, `causes` and `tiers` alike.
        shared: orders by what they share.
    """

    worklist: Worklist
    counts: dict[str, int]
    by_id: dict[str, WorkItem]
    sites: dict[str, int]
    carriers: dict[str, int]
    causes: dict[str, int]
    tiers: dict[str, int]
    shared: dict[str, frozenset[str]]
    _states: dict[StateFilter, list[WorkItem]]
    _haystacks: dict[str, str]
    _risks: list[float]
    _scores: list[float]

    @classmethod
    def of(cls, worklist: Worklist, before: WorklistIndex | None = None) -> Self:
        """Index a worklist once; the rest is lookups.

        Args:
            worklist: what is indexed.
            before: the index of the worklist before it, of which what did not change is kept.
        """
        items = worklist.items
        states: dict[StateFilter, list[WorkItem]] = {"at_risk": [], "already_late": []}
        for item in items:
            states[item.assessment.state].append(item)
        orders = [item.assessment for item in items]
        return cls(
            worklist=worklist,
            counts={state: len(own) for state, own in states.items()},
            by_id={item.assessment.order_id: item for item in items},
            sites=_counted(order.site for order in orders),
            carriers=_counted(order.carrier for order in orders),
            causes=_counted(main_cause(order) for order in orders),
            tiers=_counted(tier(order) for order in orders),
            shared={shared_thing(each): frozenset(each.order_ids) for each in worklist.groups},
            _states=states | {"all": list(items)},
            _haystacks=_haystacks(items, before),
            _risks=sorted(item.assessment.p_late for item in states["at_risk"]),
            _scores=sorted(-order.priority.score for order in orders if order.priority),
        )

    def percentile(self, p_late: float) -> float | None:
        """Return the percent of at-risk orders with a lower probability; None without orders."""
        if not self._risks:
            return None
        return round(100.0 * bisect_left(self._risks, p_late) / len(self._risks), 1)

    def rank(self, order: Assessment) -> int | None:
        """Return the place that an order has, or would have, among those at risk."""
        own = order.priority
        item = self.by_id.get(order.order_id)
        if own is None:
            return None
        if item is not None and item.assessment.priority == own:
            return item.rank
        return bisect_left(self._scores, -own.score) + 1

    def select(self, query: Query) -> list[WorkItem]:
        """Return the items that a query asks for, in its order."""
        found = self._states[query.state]
        for wanted, told in (
            (query.band, lambda order: order.band),
            (query.site, lambda order: order.site),
            (query.carrier, lambda order: order.carrier),
            (query.cause, main_cause),
            (query.tier, tier),
        ):
            if wanted:
                found = [item for item in found if told(item.assessment) == wanted]
        if query.group:
            own = self.shared.get(query.group, frozenset())
            found = [item for item in found if item.assessment.order_id in own]
        for word in query.text.casefold().split():
            texts = self._haystacks
            found = [item for item in found if word in texts[item.assessment.order_id]]
        if query.sort != "priority":
            return sorted(found, key=_SORTS[query.sort])
        return found


def main_cause(order: Assessment) -> str | None:
    """Return what raises an order's risk most; None if nothing does."""
    return order.causes[0].cause if order.causes else None


def tier(order: Assessment) -> str | None:
    """Return the customer's tier, if it is known."""
    return None if order.exposure is None else order.exposure.tier


def shared_thing(group: Group) -> str:
    """Return what the orders of a group share, without their number."""
    return group.text.partition(" orders ")[2]


def _counted(names: Iterable[str | None]) -> dict[str, int]:
    return dict(Counter(name for name in names if name).most_common())


def _haystacks(items: Sequence[WorkItem], before: WorklistIndex | None) -> dict[str, str]:
    made: dict[str, str] = {}
    for item in items:
        order = item.assessment
        old = None if before is None else before.by_id.get(order.order_id)
        same = before is not None and old is not None and old.assessment is order
        made[order.order_id] = (
            before._haystacks[order.order_id] if same and before else _haystack(item)
        )
    return made


def _decide_by(item: WorkItem) -> float:
    own = item.assessment.priority
    return math.inf if own is None or own.decide_by is None else float(own.decide_by)


def page(items: list[WorkItem], number: int, size: int) -> Page:
    """Return one page; a number beyond the end gives an empty page."""
    start = (number - 1) * size
    return Page(tuple(items[start : start + size]), number, size, len(items))


def _haystack(item: WorkItem) -> str:
    order = item.assessment
    parts = [order.order_id, order.customer, order.site, order.destination]
    return " ".join([p for p in parts if p] + [r.text for r in order.reasons]).casefold()


EMPTY = WorklistIndex.of(Worklist(as_of=0, items=()))
