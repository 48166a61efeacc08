"""The list that `value` calls ours: each order's best way by expected loss prevented per minute.

Ways are judged by the model that judges the order as it stands, with changed inputs, from what a
`Situation` shows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from benchmarks.value_model import Floats, Model, State, View
from benchmarks.value_parts import SITES, completing, parts_cost
from triage.simulation.calendar import DAY, NEVER, Ints
from triage.simulation.demand import FREIGHT_KG
from triage.simulation.economics import (
    MOVE_COST,
    SUBSTITUTE_COST,
    freight,
)
from triage.simulation.policies import Action, Proposal, Situation
from triage.simulation.transit import express_carrier
from triage.simulation.value import TOLD_IN_TIME
from triage.simulation.world import EXPRESS, GROUND

_MORE = 10.0
"""Orders by which queues are made longer to see what one more costs."""


@dataclass(frozen=True, slots=True)
class Offers:
    """Ways that are feasible in one situation, (w,): which order (place), from where, gain."""

    action: Action
    at: Ints
    sites: list[tuple[int, ...]]
    gain: Floats


class Way(NamedTuple):
    """What is best for one order: `sites` from where goods come, one proposal each; gain in USD."""

    order: int
    action: Action
    sites: tuple[int, ...]
    gain: float


@dataclass(slots=True)
class Ours:
    """Expected loss that acting prevents, per minute, of actions that are feasible.

    Attributes:
        model: of lateness.
        takes: minutes by action.
        worth: USD that a minute must bring at least.
        done: actions that people took on for an order before.
        listed: the list of the last session: attempts until then, and action, by order.
    """

    model: Model
    takes: dict[Action, float]
    worth: float = 0.1
    done: set[tuple[int, Action]] = field(default_factory=set)
    listed: dict[int, tuple[int, Action]] = field(default_factory=dict)

    def __call__(self, now: Situation) -> Sequence[Proposal]:
        """Return the list for one session: the best way of each order, most a minute first."""
        self._note_what_was_taken_on(now)
        best: dict[int, Way] = {}
        for offers in self._offers(View(now, self._raised())):
            for at, sites, gain in zip(
                offers.at.tolist(), offers.sites, offers.gain.tolist(), strict=True
            ):
                way = Way(int(now.order[at]), offers.action, sites, gain)
                if gain <= self.worth * self._takes(way) or way[:2] in self.done:
                    continue
                if way.order not in best or gain > best[way.order].gain:
                    best[way.order] = way
        ranked = sorted(best.values(), key=self._rank)
        tried = dict(zip(now.order.tolist(), now.tried.tolist(), strict=True))
        self.listed = {way.order: (tried[way.order], way.action) for way in ranked}
        return [Proposal(way.order, way.action, site) for way in ranked for site in way.sites]

    def _takes(self, way: Way) -> float:
        return self.takes[way.action] * len(way.sites)

    def _rank(self, way: Way) -> tuple[bool, float, int]:
        """Most a minute first; telling the customer, which makes nothing less late, after that."""
        return way.action is Action.TELL_CUSTOMER, -way.gain / self._takes(way), way.order

    def _note_what_was_taken_on(self, now: Situation) -> None:
        for order, tried in zip(now.order.tolist(), now.tried.tolist(), strict=True):
            before, action = self.listed.get(order, (tried, None))
            if action is not None and tried > before:
                self.done.add((order, action))

    def _raised(self) -> set[int]:
        first = (Action.PICK_NEXT, Action.FASTER_SERVICE)
        return {order for order, action in self.done if action in first}

    def _offers(self, view: View) -> list[Offers]:
        now, state = view.now, view.state
        day = now.now // DAY
        hopeful = (now.orders.promised[now.order] >= day) & (now.known["delivered"] >= NEVER)
        inside = np.flatnonzero(hopeful & (state.stage < 4))
        _, loss = self.model.loss(view, state)
        soon = inside[self._begins_soon(now)[inside]]
        return [
            *self._moves(view, soon, loss),
            self._splits(view, inside, loss),
            self._faster(view, soon, loss),
            self._approvals(view, inside, loss),
            self._picks(view, soon, loss),
            self._substitutes(view, soon, loss),
            self._told(view, np.flatnonzero(hopeful), loss),
        ]

    def _begins_soon(self, now: Situation) -> npt.NDArray[np.bool_]:
        """Return which orders are worked on by tomorrow evening; for others it is too early."""
        begins = now.orders.not_before[now.order]
        return np.asarray(begins < (now.now // DAY + 2) * DAY)

    def _loss(self, view: View, state: State) -> Floats:
        return self.model.loss(view, state)[1]

    def _gain(
        self, view: View, chosen: Ints, loss: Floats, action: Action, cost: Floats | float,
        **changed: Ints | Floats | npt.NDArray[np.bool_],
    ) -> Offers:  # fmt: skip
        """Return what an action gains where it changes the state of the orders like this."""
        gain = loss[chosen] - self._loss(view, view.state.at(chosen, **changed)) - cost
        return Offers(action, chosen, [(-1,)] * len(chosen), gain)

    def _freight(self, view: View, chosen: Ints, **changed: Ints) -> Floats:
        """Return USD more of freight."""
        now, state = view.now, view.state
        own = {name: getattr(state, name)[chosen] for name in ("site", "service", "carrier")}
        order = now.order[chosen]
        return freight(now.world, now.orders, order, **(own | changed)) - freight(
            now.world, now.orders, order, **own
        )

    def _moves(self, view: View, inside: Ints, loss: Floats) -> list[Offers]:
        now, state, world = view.now, view.state, view.now.world
        waits = inside[state.stage[inside] < 2]
        able = view.covered[waits] >= 1.0
        able &= ~(world.sites.third_party & now.orders.regulated[now.order[waits], None])
        able[np.arange(len(waits)), state.site[waits]] = False
        town = world.customers.town[now.orders.customer[now.order[waits]]]
        near = np.argsort(np.where(able, world.miles[:, town].T, np.inf), axis=1, kind="stable")
        found = []
        for place in range(SITES):
            site = near[:, place]
            kept = np.flatnonzero(able[np.arange(len(waits)), site])
            found.append(self._moved(view, waits[kept], loss, site[kept]))
        return found

    def _moved(self, view: View, chosen: Ints, loss: Floats, to: Ints) -> Offers:
        cost = self._freight(view, chosen, site=to) + MOVE_COST
        gain = loss[chosen] - self._loss(view, self._filled(view, chosen, site=to)) - cost
        return Offers(Action.OTHER_WAREHOUSE, chosen, [(site,) for site in to.tolist()], gain)

    def _filled(self, view: View, chosen: Ints, **changed: Ints) -> State:
        """Return orders as if they got their stock now; those on hold still wait for the office."""
        state = view.state
        held = state.held[chosen]
        return state.at(
            chosen, short=np.zeros(len(chosen), dtype=bool), due=np.zeros(len(chosen)),
            cover=np.full(len(chosen), 20.0), stage=np.where(held, state.stage[chosen], 2),
            since=np.where(held, state.since[chosen], view.now.now), **changed,
        )  # fmt: skip

    def _splits(self, view: View, inside: Ints, loss: Floats) -> Offers:
        """Missing pieces go from another site, or two; in time only if all parts are."""
        now, state = view.now, view.state
        waits = inside[state.short[inside] & view.in_part[inside]]
        plans = [(at, plan) for at in waits.tolist() for plan in completing(view, at)]
        chosen = np.array([at for at, _ in plans], dtype=np.int64)
        town = now.world.customers.town[now.orders.customer[now.order[chosen]]]
        farthest = np.array(
            [max(plan, key=lambda site: now.world.miles[site, to])
             for (_, plan), to in zip(plans, town.tolist(), strict=True)], dtype=np.int64,
        )  # fmt: skip
        goes = self._filled(view, chosen, site=farthest)
        cost = [parts_cost(view, at, plan) for at, plan in plans]
        other = self._both(view, self._filled(view, chosen), goes)
        sites = [plan for _, plan in plans]
        return Offers(Action.SPLIT, chosen, sites, loss[chosen] - other - np.array(cost))

    def _both(self, view: View, first: State, second: State) -> Floats:
        """Return (k,) USD expected to be lost by orders in two parts, taken as independent."""
        (p, owed), (q, also) = (self.model.outlook(view, part) for part in (first, second))
        both: Floats = (1.0 - (1.0 - p) * (1.0 - q)) * np.maximum(owed, also)
        return both

    def _faster(self, view: View, inside: Ints, loss: Floats) -> Offers:
        now, orders = view.now, view.now.orders
        quick = express_carrier(now.world, orders)[now.order]
        able = (view.state.service == GROUND) & ~orders.regulated[now.order] & (quick >= 0)
        able &= orders.weight_kg[now.order] <= FREIGHT_KG
        chosen = inside[able[inside]]
        express = np.full(len(chosen), EXPRESS)
        cost = self._freight(view, chosen, service=express, carrier=quick[chosen])
        return self._gain(
            view, chosen, loss, Action.FASTER_SERVICE, cost, service=express,
            carrier=quick[chosen], priority=np.zeros(len(chosen), dtype=np.int64),
        )  # fmt: skip

    def _approvals(self, view: View, inside: Ints, loss: Floats) -> Offers:
        chosen = inside[view.state.held[inside]]
        return self._gain(
            view, chosen, loss, Action.EXPEDITE_APPROVAL, 0.0,
            stage=np.ones(len(chosen), dtype=np.int64), since=np.full(len(chosen), view.now.now),
            held=np.zeros(len(chosen), dtype=bool),
        )  # fmt: skip

    def _picks(self, view: View, inside: Ints, loss: Floats) -> Offers:
        """Being picked next costs the others at the site: each waits for one more order."""
        state = view.state
        chosen = inside[(state.stage[inside] >= 1) & (state.priority[inside] > 0)]
        queued = inside[state.stage[inside] >= 1]
        _, later = self.model.loss(view, state.at(queued), _MORE)
        harm = np.bincount(state.site[queued], (later - loss[queued]) / _MORE, len(view.now.free))
        return self._gain(
            view, chosen, loss, Action.PICK_NEXT, np.maximum(harm, 0.0)[state.site[chosen]],
            priority=np.zeros(len(chosen), dtype=np.int64),
        )  # fmt: skip

    def _substitutes(self, view: View, inside: Ints, loss: Floats) -> Offers:
        now, skus = view.now, view.now.world.skus
        own = view.free[now.site[view.owner], view.sku] < view.quantity
        other = skus.substitute[view.sku]
        there = view.free[now.site[view.owner], np.maximum(other, 0)] >= view.quantity
        lost = np.bincount(view.owner, own & ~((other >= 0) & there), len(now.order)) > 0
        chosen = inside[view.state.short[inside] & ~lost[inside]]
        gain = loss[chosen] - self._loss(view, self._filled(view, chosen)) - SUBSTITUTE_COST
        return Offers(Action.SUBSTITUTE, chosen, [(-1,)] * len(chosen), gain)

    def _told(self, view: View, hopeful: Ints, loss: Floats) -> Offers:
        """Telling works until the promise passes, so it is left to the promised day."""
        now = view.now
        chosen = hopeful[now.orders.promised[now.order[hopeful]] == now.now // DAY]
        gain = (1.0 - TOLD_IN_TIME) * loss[chosen]
        return Offers(Action.TELL_CUSTOMER, chosen, [(-1,)] * len(chosen), gain)
