"""Other ways for an order, scored by the same engine and model with changed inputs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cached_property, partial
from math import isnan

from triage.advice.alternatives import (
    INSTEAD,
    Free,
    Scored,
    Way,
    needs,
    possible,
    recommended,
    replaced,
    short_lines,
    taken,
    together,
)
from triage.advice.assessment import Assessment, Recommendation
from triage.advice.deadlines import Deadlines, Lane
from triage.advice.sharing import Claim
from triage.advice.work_policy import ActionPolicy, WorkPolicy
from triage.domain.clock import UNKNOWN_TIME
from triage.domain.records import Order, OrderLine
from triage.features.book import OrderBook, OrderRow
from triage.features.facts import DUE_BY, NUMBERS, READY_AT, SHIP_BY, STARTS_AT, TIME
from triage.serving.lane_length import LaneLengths
from triage.serving.stock import StockBook
from triage.serving.stored import Network, only
from triage.serving.supply import Leads, SupplyBook

_READY, _STARTS = TIME[READY_AT], TIME[STARTS_AT]
_WEIGHT = NUMBERS.index("weight_kg")
_PLANNED = (TIME[SHIP_BY], TIME[DUE_BY])
_NO_SUPPLY = "Deliveries on their way: none are recorded, so the goods may come by themselves"
Ask = Callable[[Order, OrderRow, int], Scored]
"""Asks the model of an order, with what is known of it, as of a moment."""


class OtherWays:
    """Finds other ways, and asks the model about them.

    Args:
        policy: which actions exist.
        book: makes rows of changed orders.
        stock: positions.
        supply: what is on its way.
        learned: until when it is learned how long deliveries take, UTC micros.
        network: sites, services, carriers.
        lengths: how much longer the road is from another site.
        deadlines: last moments.
        ask: the model.
    """

    def __init__(
        self, policy: WorkPolicy, book: OrderBook, stock: StockBook, supply: SupplyBook,
        learned: int, network: Network, lengths: LaneLengths, deadlines: Deadlines, ask: Ask,
    ) -> None:  # fmt: skip
        self._policy, self._book = policy, book
        self._stock, self._supply, self._learned = stock, supply, learned
        self._network, self._ask = network, ask
        self._lengths, self._deadlines = lengths, deadlines

    @cached_property
    def _leads(self) -> Leads:
        """Return how long deliveries take; nobody needs it before an order is short."""
        return self._supply.leads(self._learned)

    def possible(self, order: Order, said: Assessment, *, regulated: bool) -> list[Way]:
        """Return what stage, stock, goods and services allow for an order."""
        return possible(
            self._policy, order, said.stage, self._free(said.as_of), self._network.sites(order),
            regulated=regulated, services=self._network.services(order),
            waits=partial(self._waits, order, said),
        )  # fmt: skip

    def _waits(self, order: Order, said: Assessment, short: frozenset[int]) -> bool:
        """Return whether lines that are short get their goods too late for the promise.

        That is by usual steps and roads from then on, and with working days to spare: some
        deliveries come sooner than expected, some orders pass faster than usual.
        """
        usual = self._deadlines.usual("allocation_confirmed", _lane(order, said))
        last = self._deadlines.latest(said.promised_by, usual)
        late = self._policy.recommend.too_late_days
        return any(
            self._deadlines.left(last, self._comes(line, said.as_of)) > late
            for line in order.lines
            if line.line_no in short
        )

    def _comes(self, line: OrderLine, as_of: int) -> int:
        site = line.site or ""
        there = max(self._stock.at(site, line.sku, as_of), 0.0)
        return self._supply.comes(site, line.sku, line.quantity - there, as_of, self._leads)

    def scarce(self, order: Order, as_of: int) -> str | None:
        """Return the most valuable product of which the site has less than is asked for."""
        short = short_lines(order, self._free(as_of))
        lines = [line for line in order.lines if line.line_no in short]
        if not lines:
            return None
        return max(lines, key=lambda x: (x.quantity * (x.unit_price or 0.0), -x.line_no)).sku

    def recommended(
        self, order: Order, row: OrderRow, said: Assessment, ways: list[Way]
    ) -> tuple[Recommendation, ...]:
        """Return what is worth doing for an order, each way scored as of the same moment.

        What a faster service adds to a way is told by that way without it, be it in time or not.
        """
        until = {way: self._until(order, said, way) for way in ways}
        until = {
            way: moment for way, moment in until.items() if self._in_time(row, said, way, moment)
        }
        asked = dict.fromkeys((*until, *(way.plain for way in until)))
        scored = [(way, self._scored(order, row, said, way)) for way in asked]
        weight = float(row.numbers[_WEIGHT])
        return recommended(self._policy, said, scored, until, 0.0 if isnan(weight) else weight)

    def _until(self, order: Order, said: Assessment, way: Way) -> int:
        """Return the last moment of a way: another site's road is as long as that one is.

        By a faster service it is that one's road, no less longer than by the order's own; nothing
        takes effect before both actions do, one after the other.
        """
        *before, last = taken(self._policy, way)
        needed = self._needed(order, said, last) + sum(each.lead_days for each in before)
        return self._deadlines.latest(said.promised_by, needed + self._longer(order, way))

    def _needed(self, order: Order, said: Assessment, action: ActionPolicy) -> float:
        return self._deadlines.needed(action, said.stage, _lane(order, said))

    def _in_time(self, row: OrderRow, said: Assessment, way: Way, moment: int) -> bool:
        """Return whether a last moment is to come.

        Goods in place of those that are short need time to spare; those of an order for later wait
        for its day.
        """
        if way.action not in INSTEAD:
            return moment > said.as_of
        begins = max(said.as_of, int(row.event[_STARTS]))
        return self._deadlines.left(begins, moment) >= self._policy.recommend.spare_days

    def _longer(self, order: Order, way: Way) -> float:
        """Return working days that the road is longer this way; 0 where nothing moves."""
        return 0.0 if way.site is None else self._lengths.more_days(order, way.site, way.moves)

    def claim(self, order: Order, said: Recommendation, as_of: int) -> Claim:
        """Return what a recommendation wants of the stock that others want too."""
        wants: dict[tuple[str, str], float] = {}
        if said.site is not None:
            short = short_lines(order, self._free(as_of)) if said.action == "split" else None
            wants = {(said.site, sku): n for sku, n in needs(order, short).items()}
        elif said.action == "substitute":
            short = short_lines(order, self._free(as_of))
            new = [line for line in replaced(order, short).lines if line.line_no in short]
            wants = {(line.site or "", line.sku): line.quantity for line in new}
        minutes = sum(each.minutes for each in taken(self._policy, said))
        return Claim(order.order_id, said.saves, minutes, wants)

    def stock_of(self, claims: list[Claim], as_of: int) -> dict[tuple[str, str], float]:
        """Return free stock as last recorded of everything that is wanted."""
        return {cell: self._stock.at(*cell, as_of) for claim in claims for cell in claim.wants}

    def _free(self, as_of: int) -> Free:
        return partial(self._at, as_of)

    def _at(self, as_of: int, site: str, sku: str) -> float:
        return self._stock.at(site, sku, as_of)

    def _scored(self, order: Order, row: OrderRow, said: Assessment, way: Way) -> Scored | None:
        action, booked = self._policy.actions[way.action], self._booked(order, way)
        if way.action == "other_site" and way.site:
            return self._moved(order, row, said.as_of, way)
        if way.action == "split" and way.site:
            rest = frozenset(line.line_no for line in order.lines) - way.moves
            return together(
                self._moved(order, row, said.as_of, way),
                self._of(only(booked, rest), row, said.as_of),
            )
        if way.action == "substitute":
            return self._of(replaced(booked, way.moves), row, said.as_of)
        if way.action == "faster_service":
            return self._of(self._network.booked(order, action.service), row, said.as_of)
        if action.stands_in_for is not None:
            return self._as_if(order, row, said.as_of, action.stands_in_for)
        return None

    def _booked(self, order: Order, way: Way) -> Order:
        """Return the order by the service that is booked as well, if one is."""
        return order if way.service is None else self._network.booked(order, way.service)

    def _moved(self, order: Order, row: OrderRow, as_of: int, way: Way) -> Scored:
        """Return what the model says of the lines that move.

        The plan moves with them: they have to leave earlier by what the road is longer.
        """
        there = self._network.moved(self._booked(order, way), way.site or "", way.moves)
        part = only(there, way.moves)
        longer = self._longer(order, way)
        event = row.event.copy()
        for column in _PLANNED:
            if longer > 0 and row.known[column] != UNKNOWN_TIME:
                event[column] = self._deadlines.latest(int(event[column]), longer)
        moved = OrderRow(event, row.known, row.numbers, row.keys, row.lines)
        said = self._of(part, moved, as_of)
        known = () if self._supply.kept else (_NO_SUPPLY,)
        return replace(said, unfamiliar=(*said.unfamiliar, *known))

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


def _lane(order: Order, said: Assessment) -> Lane:
    return said.site, said.destination, order.service
