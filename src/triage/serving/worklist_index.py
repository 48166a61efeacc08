"""The worklist, ready to be filtered, sorted, paged and compared with."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import attrgetter
from typing import Final, Generic, Literal, TypeVar

from triage.advice.assessment import Assessment
from triage.advice.groups import Group
from triage.serving.advisor import WorkItem, Worklist

_T = TypeVar("_T")
_Told = Callable[[Assessment], str | None]
StateFilter = Literal["at_risk", "already_late", "all"]
HandledFilter = Literal["open", "all", "snoozed", "disposed", "escalated"]
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

    `handling.choose` looks at `handled`, `owner` and `mentions`, the queue of exceptions at
    `exception` (see `pages.frame.Looking`), the index at the rest. `group` names what orders share
    (see `shared_thing`); `by` and `columns` (names with dots between them) say how they are shown.
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
    channel: str = ""
    exception: str = ""
    group: str = ""
    mentions: str = ""
    by: Literal["", "cause"] = ""
    columns: str = ""


@dataclass(frozen=True, slots=True)
class Page(Generic[_T]):
    """One page of items with the place that it has in the whole (pages count from 1)."""

    items: tuple[_T, ...]
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


class WorklistIndex:
    """A worklist with what is looked up in it again and again, made when it is first asked for.

    Args:
        worklist: what is indexed.
    """

    def __init__(self, worklist: Worklist) -> None:
        self.worklist = worklist
        at_risk: list[WorkItem] = []
        late: list[WorkItem] = []
        for item in worklist.items:
            (at_risk if item.assessment.state == "at_risk" else late).append(item)
        self._states: dict[StateFilter, list[WorkItem]] = {
            "at_risk": at_risk, "already_late": late, "all": list(worklist.items),
        }  # fmt: skip
        self._offered: dict[str, dict[str, int]] = {}
        self._grouped: dict[tuple[str, StateFilter], dict[str, list[WorkItem]]] = {}

    @cached_property
    def counts(self) -> dict[str, int]:
        """Orders by state."""
        return {state: len(self._states[state]) for state in ("at_risk", "already_late")}

    @cached_property
    def by_id(self) -> dict[str, WorkItem]:
        """Items by order."""
        return {item.assessment.order_id: item for item in self.worklist.items}

    def offered(self, name: str) -> dict[str, int]:
        """Return the values of a filter (a field of `Query`) with their open orders, most first."""
        if name not in self._offered:
            counts = Counter(map(FILTERS[name], self._orders)).most_common()
            self._offered[name] = {value: count for value, count in counts if value}
        return self._offered[name]

    @cached_property
    def _orders(self) -> list[Assessment]:
        return [item.assessment for item in self.worklist.items]

    @cached_property
    def shared(self) -> dict[str, frozenset[str]]:
        """Orders by what they share."""
        return {shared_thing(each): frozenset(each.order_ids) for each in self.worklist.groups}

    @cached_property
    def _haystacks(self) -> dict[str, str]:
        return {item.assessment.order_id: _haystack(item) for item in self.worklist.items}

    @cached_property
    def _risks(self) -> list[float]:
        return sorted(item.assessment.p_late for item in self._states["at_risk"])

    @cached_property
    def _scores(self) -> list[float]:
        own = (item.assessment.priority for item in self.worklist.items)
        return sorted(-priority.score for priority in own if priority)

    def _by(self, name: str, state: StateFilter) -> dict[str, list[WorkItem]]:
        """Return the items of a state by what a filter looks at, in rank order."""
        if (name, state) not in self._grouped:
            told, made = FILTERS[name], defaultdict[str, list[WorkItem]](list)
            for item in self._states[state]:
                value = told(item.assessment)
                if value:
                    made[value].append(item)
            self._grouped[name, state] = dict(made)
        return self._grouped[name, state]

    def percentile(self, p_late: float) -> float | None:
        """Return the percent of at-risk orders with a lower probability; None without orders."""
        if not self._risks:
            return None
        return round(100.0 * bisect_left(self._risks, p_late) / len(self._risks), 1)

    def rank(self, order: Assessment) -> int | None:
        """Return the place that an order has, or would have, among those at risk."""
        own = order.priority
        item = self.by_id.get(order.order_id)
        if own is None or not self.worklist.ranked:
            return None
        if item is not None and item.assessment.priority == own:
            return item.rank
        return bisect_left(self._scores, -own.score) + 1

    def select(self, query: Query) -> list[WorkItem]:
        """Return the items that a query asks for, in its order; the list is not to be changed."""
        found = self._states[query.state]
        wanted = {name: value for name in FILTERS if (value := getattr(query, name))}
        for place, (name, value) in enumerate(wanted.items()):
            if place == 0:
                found = self._by(name, query.state).get(value, [])
            else:
                found = [item for item in found if FILTERS[name](item.assessment) == value]
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


FILTERS: Final[dict[str, _Told]] = {
    "band": attrgetter("band"),
    "site": attrgetter("site"),
    "carrier": attrgetter("carrier"),
    "cause": main_cause,
    "tier": tier,
    "channel": attrgetter("channel"),
}
"""What a filter looks at, by its name in `Query`."""


def _decide_by(item: WorkItem) -> float:
    own = item.assessment.priority
    return math.inf if own is None or own.decide_by is None else float(own.decide_by)


def page(items: Sequence[_T], number: int, size: int) -> Page[_T]:
    """Return one page; a number beyond the end gives an empty page."""
    start = (number - 1) * size
    return Page(tuple(items[start : start + size]), number, size, len(items))


def _haystack(item: WorkItem) -> str:
    order = item.assessment
    parts = [order.order_id, order.customer, order.site, order.destination]
    return " ".join([p for p in parts if p] + [r.text for r in order.reasons]).casefold()


EMPTY = WorklistIndex(Worklist(as_of=0, items=(), ranked=False))
