"""The list that `value` calls ours: each order's best way by expected loss prevented per minute.

A way is from where the goods come (as planned, another site, in parts, a substitute, an approval
first) together with how they are hurried (not, picked next, by Express). Ways are judged by the
model that judges the order as it stands, with changed inputs, from what a `Situation` shows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from benchmarks.value_model import Floats, Model, State, View
from benchmarks.value_parts import given, shipping
from benchmarks.value_sources import Source, elsewhere
from triage.simulation.calendar import DAY, NEVER, Ints
from triage.simulation.demand import FREIGHT_KG
from triage.simulation.policies import Action, Proposal, Situation
from triage.simulation.transit import express_carrier
from triage.simulation.value import HANDLING, TOLD_IN_TIME
from triage.simulation.world import EXPRESS, GROUND

_HURRIES = Action.PICK_NEXT, Action.FASTER_SERVICE
_MORE = 10.0
"""Orders by which queues are made longer to see what one more costs."""


class Way(NamedTuple):
    """What is best for one order: what to do, one after the other; gain in USD."""

    order: int
    deeds: tuple[Proposal, ...]
    gain: float


@dataclass(slots=True)
class Ours:
    """Expected loss that acting prevents, per minute, of actions that are feasible.

    Attributes:
        model: of lateness.
        takes: minutes by action.
        worth: USD that a minute must bring at least.
        done: what people took on before: for which order, what, with which site.
        shipped: pieces of each line of an order that they had shipped from elsewhere.
        listed: the list of the last session: attempts until then, and what was to do, by order.
        view: what the last session showed.
    """

    model: Model
    takes: dict[Action, float]
    worth: float = 0.1
    done: set[Proposal] = field(default_factory=set)
    shipped: dict[int, Ints] = field(default_factory=dict)
    listed: dict[int, tuple[int, tuple[Proposal, ...]]] = field(default_factory=dict)
    view: View | None = None

    def __call__(self, now: Situation) -> Sequence[Proposal]:
        """Return the list for one session: the best way of each order, most a minute first."""
        self._note_what_was_taken_on(now)
        best: dict[int, Way] = {}
        self.view = View(now, self._raised(), self.shipped)
        for way in self._ways(self.view):
            if way.gain <= self.worth * self._takes(way):
                continue
            if any(deed in self.done for deed in way.deeds):
                continue
            if way.order not in best or way.gain > best[way.order].gain:
                best[way.order] = way
        ranked = sorted(best.values(), key=self._rank)
        tried = dict(zip(now.order.tolist(), now.tried.tolist(), strict=True))
        self.listed = {way.order: (tried[way.order], way.deeds) for way in ranked}
        return [deed for way in ranked for deed in way.deeds]

    def _takes(self, way: Way) -> float:
        return sum(self.takes[deed.action] for deed in way.deeds)

    def _rank(self, way: Way) -> tuple[bool, float, int]:
        """Most a minute first; telling the customer, which makes nothing less late, after that."""
        tells = way.deeds[0].action is Action.TELL_CUSTOMER
        return tells, -way.gain / self._takes(way), way.order

    def _note_what_was_taken_on(self, now: Situation) -> None:
        for order, tried in zip(now.order.tolist(), now.tried.tolist(), strict=True):
            before, deeds = self.listed.get(order, (tried, ()))
            done = deeds[: tried - before]
            self.done.update(done)
            plan = tuple(deed.site for deed in done if deed.action is Action.SPLIT)
            if plan and self.view is not None:
                at = int(np.searchsorted(self.view.now.order, order))
                self.shipped[order] = self.shipped.get(order, 0) + given(self.view, at, plan)

    def _raised(self) -> set[int]:
        return {deed.order for deed in self.done if deed.action in _HURRIES}

    def _ways(self, view: View) -> list[Way]:
        now, state = view.now, view.state
        day = now.now // DAY
        hopeful = (now.orders.promised[now.order] >= day) & (now.known["delivered"] >= NEVER)
        inside = np.flatnonzero(hopeful & (state.stage < 4))
        _, loss = self.model.loss(view, state)
        usual = shipping(view, state, [()] * len(state.order))
        begins = now.orders.not_before[now.order]
        soon = inside[begins[inside] < (day + 2) * DAY]  # for others it is too early
        harm = self._harm(view, inside, loss)
        found = []
        for source in elsewhere(view, inside, soon):
            for hurry in _HURRIES if source.action is None else (None, *_HURRIES):
                found += self._judged(view, source, hurry, soon, loss, usual, harm)
        return found + self._told(view, np.flatnonzero(hopeful), loss)

    def _harm(self, view: View, inside: Ints, loss: Floats) -> Floats:
        """Return by site what one more order that is picked before them costs the others."""
        state = view.state
        queued = inside[state.stage[inside] >= 1]
        _, later = self.model.loss(view, state.at(queued), _MORE)
        harm = np.bincount(state.site[queued], (later - loss[queued]) / _MORE, len(view.now.free))
        return np.maximum(harm, 0.0)

    def _judged(
        self, view: View, source: Source, hurry: Action | None, soon: Ints, loss: Floats,
        usual: Floats, harm: Floats,
    ) -> list[Way]:  # fmt: skip
        """Return what a source of goods, hurried in some way, gains."""
        kept = _may(view, source, hurry, soon)
        if not len(kept):
            return []
        at, plans = source.at[kept], [source.sites[each] for each in kept.tolist()]
        parts = [_hurried(view, part.at(kept), hurry) for part in source.parts]
        split = source.action is Action.SPLIT
        cost = shipping(view, parts[0], plans if split else [()] * len(at)) - usual[at]
        cost += HANDLING.get(source.action, 0.0) if source.action and not split else 0.0
        if hurry is not None:
            cost += harm[parts[0].site]
        gain = loss[at] - self._lost(view, parts) - cost
        return [
            Way(order, _deeds(order, source.action, plan, hurry), won)
            for order, plan, won in zip(
                view.now.order[at].tolist(), plans, gain.tolist(), strict=True
            )
        ]

    def _lost(self, view: View, parts: Sequence[State]) -> Floats:
        """Return (k,) USD expected to be lost by orders in parts, taken as independent."""
        late, most = np.zeros(len(parts[0].order)), np.zeros(len(parts[0].order))
        for part in parts:
            p, owed = self.model.outlook(view, part)
            late, most = 1.0 - (1.0 - late) * (1.0 - p), np.maximum(most, owed)
        return late * most

    def _told(self, view: View, hopeful: Ints, loss: Floats) -> list[Way]:
        """Telling works until the promise passes, so it is left to the promised day."""
        now = view.now
        chosen = hopeful[now.orders.promised[now.order[hopeful]] == now.now // DAY]
        return [
            Way(order, (Proposal(order, Action.TELL_CUSTOMER),), (1.0 - TOLD_IN_TIME) * won)
            for order, won in zip(now.order[chosen].tolist(), loss[chosen].tolist(), strict=True)
        ]


def _may(view: View, source: Source, hurry: Action | None, soon: Ints) -> Ints:
    """Return the places within a source whose orders can be hurried so."""
    orders, state = view.now.orders, source.parts[0]
    able = np.ones(len(source.at), dtype=bool)
    if hurry is Action.PICK_NEXT:
        able = (state.stage >= 1) & (state.priority > 0)
    elif hurry is Action.FASTER_SERVICE:
        quick = express_carrier(view.now.world, orders)[state.order]
        able = (state.service == GROUND) & ~orders.regulated[state.order] & (quick >= 0)
        able &= (orders.weight_kg[state.order] <= FREIGHT_KG) & np.isin(source.at, soon)
    return np.flatnonzero(able).astype(np.int64)


def _hurried(view: View, state: State, hurry: Action | None) -> State:
    everyone, first = np.arange(len(state.order)), np.zeros(len(state.order), dtype=np.int64)
    if hurry is None:
        return state
    if hurry is Action.PICK_NEXT:
        return state.at(everyone, priority=first)
    quick = express_carrier(view.now.world, view.now.orders)[state.order]
    return state.at(everyone, priority=first, service=first + EXPRESS, carrier=quick)


def _deeds(
    order: int, action: Action | None, plan: tuple[int, ...], hurry: Action | None
) -> tuple[Proposal, ...]:
    """Return what to do: hurry first, so that second parts are hurried, too."""
    first = (Proposal(order, hurry),) if hurry else ()
    if action is None:
        return first
    return (*first, *(Proposal(order, action, site) for site in plan or (-1,)))
