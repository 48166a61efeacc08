"""Other ways for an order, scored by the same engine and model with changed inputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from triage.advice.alternatives import (
    Free,
    Scored,
    Way,
    needs,
    possible,
    recommended,
    short_lines,
    together,
)
from triage.advice.assessment import Assessment, Recommendation
from triage.advice.sharing import Claim
from triage.advice.work_policy import ActionName, WorkPolicy
from triage.domain.clock import UNKNOWN_TIME
from triage.domain.records import Order
from triage.features.book import OrderBook, OrderRow
from triage.features.facts import READY_AT, STARTS_AT, TIME
from triage.serving.stock import StockBook
from triage.serving.stored import Network, only

_READY, _STARTS = TIME[READY_AT], TIME[STARTS_AT]
Ask = Callable[[Order, OrderRow, int], Scored]
"""Asks the model of an order, with what is known of it, as of a moment."""


class OtherWays:
    """Finds other ways, and asks the model about them.

    Args:
        policy: which actions exist.
        book: makes rows of changed orders.
        stock: positions.
        network: sites, services, carriers.
        ask: the model.
    """

    def __init__(
        self, policy: WorkPolicy, book: OrderBook, stock: StockBook, network: Network, ask: Ask
    ) -> None:
        self._policy, self._book = policy, book
        self._stock, self._network, self._ask = stock, network, ask

    def possible(self, order: Order, said: Assessment, *, regulated: bool) -> list[Way]:
        """Return what stage, stock, goods and services allow for an order."""
        return possible(
            self._policy, order, said.stage, self._free(said.as_of), self._network.sites(order),
            regulated=regulated, services=self._network.services(order),
        )  # fmt: skip

    def scarce(self, order: Order, as_of: int) -> str | None:
        """Return the most valuable product of which the site has less than is asked for."""
        short = short_lines(order, self._free(as_of))
        lines = [line for line in order.lines if line.line_no in short]
        if not lines:
            return None
        return max(lines, key=lambda x: (x.quantity * (x.unit_price or 0.0), -x.line_no)).sku

    def recommended(
        self, order: Order, row: OrderRow, said: Assessment, ways: list[Way],
        until: Mapping[ActionName, int],
    ) -> tuple[Recommendation, ...]:  # fmt: skip
        """Return what is worth doing for an order, each way scored as of the same moment."""
        scored = [(way, self._scored(order, row, said, way)) for way in ways if way.action in until]
        return recommended(self._policy, said, scored, until)

    def claim(self, order: Order, said: Recommendation, as_of: int) -> Claim:
        """Return what a recommendation wants of the stock that others want too."""
        wants: dict[tuple[str, str], float] = {}
        if said.site is not None:
            short = short_lines(order, self._free(as_of)) if said.action == "split" else None
            wants = {(said.site, sku): n for sku, n in needs(order, short).items()}
        action = self._policy.actions[said.action]  # type: ignore[index]
        return Claim(order.order_id, said.saves, action.minutes, wants)

    def stock_of(self, claims: list[Claim], as_of: int) -> dict[tuple[str, str], float]:
        """Return free stock as last recorded of everything that is wanted."""
        return {cell: self._stock.at(*cell, as_of) for claim in claims for cell in claim.wants}

    def _free(self, as_of: int) -> Free:
        return partial(self._at, as_of)

    def _at(self, as_of: int, site: str, sku: str) -> float:
        return self._stock.at(site, sku, as_of)

    def _scored(self, order: Order, row: OrderRow, said: Assessment, way: Way) -> Scored | None:
        action = self._policy.actions[way.action]
        if way.action == "other_site" and way.site:
            return self._of(self._network.moved(order, way.site, way.moves), row, said.as_of)
        if way.action == "split" and way.site:
            rest = frozenset(line.line_no for line in order.lines) - way.moves
            moved = self._network.moved(order, way.site, way.moves)
            return together(
                self._of(only(moved, way.moves), row, said.as_of),
                self._of(only(order, rest), row, said.as_of),
            )
        if way.action == "faster_service":
            return self._of(self._network.booked(order, action.service), row, said.as_of)
        if action.stands_in_for is not None:
            return self._as_if(order, row, said.as_of, action.stands_in_for)
        return None

    def _of(self, order: Order, row: OrderRow, as_of: int) -> Scored:
        changed = self._book.draft(order)
        changed.event, changed.known = row.event, row.known
        return self._ask(order, changed, as_of)

    def _as_if(self, order: Order, row: OrderRow, as_of: int, milestone: str) -> Scored:
        """Return what the model says as if a milestone, and all before it, were reached by now."""
        event, known = row.event.copy(), row.known.copy()
        reached = TIME[milestone]
        for column in range(1, reached + 1):
            if known[column] == UNKNOWN_TIME or known[column] > as_of:
                event[column] = known[column] = as_of
        if known[_READY] == UNKNOWN_TIME or known[_READY] > as_of:
            event[_READY], known[_READY] = max(as_of, int(event[_STARTS])), as_of
        return self._ask(order, OrderRow(event, known, row.numbers, row.keys, row.lines), as_of)
