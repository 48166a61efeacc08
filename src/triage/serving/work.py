"""From an assessed order to its place: exposure, priority, recommendations, the list as a whole."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from triage.advice import groups, priority
from triage.advice.alternatives import STOCKS, Way
from triage.advice.assessment import Assessment, Exposure, Priority, Recommendation
from triage.advice.deadlines import Deadlines
from triage.advice.sharing import shared_out
from triage.advice.work_policy import ActionName, WorkPolicy
from triage.domain.records import InboundSupply, InventoryPosition, Order
from triage.features.book import OrderBook, OrderRow
from triage.history.tables import History
from triage.serving.advisor import WorkItem, Worklist
from triage.serving.lane_length import LaneLengths
from triage.serving.other_ways import Ask, OtherWays
from triage.serving.shown import ShownOrder
from triage.serving.stock import StockBook
from triage.serving.stored import Network
from triage.serving.supply import SupplyBook

_PLANNED = 100
"""Orders from the top of the list for which other ways are solved together."""


class Work:
    """What the policy makes of assessed orders.

    Args:
        policy: exposure, actions, capacity, escalations.
        history: the log.
        book: makes rows of changed orders.
        deadlines: last moments.
        learned: until when what is usual is learned, UTC micros.
        time_zone: in which moments are told.
        ask: the model, for orders as changed.
    """

    def __init__(
        self, policy: WorkPolicy, history: History, book: OrderBook, deadlines: Deadlines,
        learned: int, time_zone: str, ask: Ask,
    ) -> None:  # fmt: skip
        self._policy, self._zone = policy, time_zone
        self._history, self._book, self._ask = history, book, ask
        self._stock, self._supply = StockBook.of(history), SupplyBook.of(history)
        self._network, self._learned = Network(history), learned
        self.settle(deadlines)

    def settle(self, deadlines: Deadlines) -> None:
        """Go by these last moments from now on, and by how long deliveries take."""
        self._deadlines = deadlines
        self._ways = OtherWays(
            self._policy, self._book, self._stock, self._supply, self._learned, self._network,
            LaneLengths.of(self._history.imported, deadlines.roads), deadlines, self._ask,
        )  # fmt: skip

    def add_order(self, order: Order) -> None:
        """Take in one more order."""
        self._network.add(order)

    def add_supply(self, supply: InboundSupply) -> None:
        """Take in one more record of what is on its way."""
        self._supply.add(supply)

    def add_position(self, position: InventoryPosition) -> None:
        """Take in one more position of stock."""
        self._stock.add(position)

    def exposure(
        self, revenue: float, p_late: float, delay_days: tuple[float, float, float],
        shown: ShownOrder,
    ) -> Exposure:  # fmt: skip
        """Return what is at stake with an order."""
        days = priority.days_if_late(p_late, delay_days)
        return priority.exposure(
            self._policy.exposure, revenue, shown.tier, days, regulated=shown.regulated
        )

    def placed(self, said: Assessment, shown: ShownOrder, order: Callable[[], Order]) -> Assessment:
        """Return the assessment, which has its exposure, with priority and what is scarce."""
        policy = self._policy
        if said.state == "already_late":
            return said
        feasible: set[ActionName] = set(policy.actions) - STOCKS
        scarce = None
        if said.p_late >= policy.recommend.p_late_from:
            whole = order()
            feasible = {way.action for way in self._possible(whole, said)}
            if said.stage in {"order_created", "order_validated"}:
                scarce = self._ways.scarce(whole, said.as_of)
        ways = priority.options(policy, said, self._deadlines, shown.lane, feasible)
        first = priority.priority(policy, said, ways, self._zone)
        return replace(said, scarce=scarce, priority=first)

    def with_recommendations(
        self, said: Assessment, row: OrderRow, order: Callable[[], Order]
    ) -> Assessment:
        """Return the assessment with what else could be done, best first, and why told by that."""
        if said.state == "already_late" or said.p_late < self._policy.recommend.p_late_from:
            return said
        whole = order()
        ways = self._possible(whole, said)
        found = self._ways.recommended(whole, row, said, ways)
        return replace(said, recommendations=found, priority=self._agreed(said, whole, found))

    def _agreed(
        self, said: Assessment, order: Order, found: Sequence[Recommendation]
    ) -> Priority | None:
        """Return the priority, at the place that it has, with what helps most of what was found."""
        lane = (said.site, said.destination, order.service)
        recommended = {each.action for each in found}
        named = {name for name in self._policy.actions if name in recommended}
        ways = priority.options(self._policy, said, self._deadlines, lane, named)
        if said.priority is None or not ways:
            return said.priority
        return replace(
            priority.priority(self._policy, said, ways, self._zone), score=said.priority.score
        )

    def ranked(
        self, now: int, assessed: Mapping[str, Assessment], order: Callable[[str], Order]
    ) -> Worklist:
        """Return the list of all open orders as of now: at risk first, then already late."""
        at_risk = sorted(
            (each for each in assessed.values() if each.state == "at_risk"), key=priority.rank_key
        )
        late = sorted(
            (each for each in assessed.values() if each.state == "already_late"),
            key=lambda each: (-each.expected_loss, each.promised_by, each.order_id),
        )
        fit = priority.fitting(at_risk, self._policy.capacity)
        plans = self._plans(at_risk[:_PLANNED], order)
        items = [
            WorkItem(rank, each, each.order_id in fit, plans.get(each.order_id))
            for own in (at_risk, late)
            for rank, each in enumerate(own, start=1)
        ]
        shared = groups.shared(
            at_risk, self._policy.shared_from, self._policy.recommend.p_late_from
        )
        return Worklist(now, tuple(items), shared)

    def _plans(
        self, top: Sequence[Assessment], order: Callable[[str], Order]
    ) -> dict[str, Recommendation]:
        """Return what to do for the first of the list, none given stock that another gets."""
        pairs = []
        for said in top:
            whole = order(said.order_id)
            row = self._book.row(self._book.row_of[said.order_id])
            full = self.with_recommendations(said, row, partial(order, said.order_id))
            pairs += [
                (self._ways.claim(whole, each, said.as_of), each)
                for each in full.recommendations
                if each.saves > 0
            ]
        if not pairs:
            return {}
        claims = [claim for claim, _ in pairs]
        stock = self._ways.stock_of(claims, top[0].as_of)
        granted = shared_out(claims, stock, self._policy.capacity.session)
        return {
            claim.order_id: each
            for (claim, each), given in zip(pairs, granted, strict=True)
            if given
        }

    def _possible(self, order: Order, said: Assessment) -> list[Way]:
        regulated = said.exposure is not None and said.exposure.regulated
        return self._ways.possible(order, said, regulated=regulated)
