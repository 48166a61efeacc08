"""The worklist, ready to be filtered, sorted, paged and compared with."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Self

from triage.advice.assessment import Assessment
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

    By `handled` and `owner` the desk chooses (see `handling_desk`), by the rest the index.
    """

    state: StateFilter = "at_risk"
    band: str = ""
    site: str = ""
    text: str = ""
    sort: Sort = "priority"
    handled: HandledFilter = "open"
    owner: str = ""


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
    """A worklist with what is looked up in it again and again; sites by number of open orders."""

    worklist: Worklist
    counts: dict[str, int]
    by_id: dict[str, WorkItem]
    sites: dict[str, int]
    _haystacks: dict[str, str]
    _risks: list[float]
    _scores: list[float]

    @classmethod
    def of(cls, worklist: Worklist) -> Self:
        """Index a worklist once; the rest is lookups."""
        counts = {"at_risk": 0, "already_late": 0}
        for item in worklist.items:
            counts[item.assessment.state] += 1
        return cls(
            worklist=worklist,
            counts=counts,
            by_id={item.assessment.order_id: item for item in worklist.items},
            sites=dict(
                Counter(
                    i.assessment.site for i in worklist.items if i.assessment.site
                ).most_common()
            ),
            _haystacks={item.assessment.order_id: _haystack(item) for item in worklist.items},
            _risks=sorted(
                i.assessment.p_late for i in worklist.items if i.assessment.state == "at_risk"
            ),
            _scores=sorted(
                -i.assessment.priority.score for i in worklist.items if i.assessment.priority
            ),
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
        words = query.text.casefold().split()
        found = [item for item in self.worklist.items if self._fits(item, query, words)]
        if query.sort != "priority":
            found.sort(key=_SORTS[query.sort])
        return found

    def _fits(self, item: WorkItem, query: Query, words: list[str]) -> bool:
        order = item.assessment
        if query.state not in ("all", order.state):
            return False
        if (query.band and order.band != query.band) or (query.site and order.site != query.site):
            return False
        return not words or all(word in self._haystacks[order.order_id] for word in words)


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
