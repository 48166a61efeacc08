"""What priorities are worth: one world, the same people, different lists. One command, one table.

    python -m benchmarks.value [--orders 20000] [--seeds 11 23] [--people 1] [--minutes 60]

Until the hold-out begins (day 300 of 420) nobody acts and a light model learns from what was
recorded (`value_model`; not the product's own). Then each policy is followed for the rest of the
world, with the same luck and the same people, whose time binds. Judged are the orders promised in
the hold-out.

weighted: late orders, each counted by what one late day costs (agreed penalty and goodwill,
`economics`); cost: what their lateness costs by its days, whether or not the customer was told;
told: the same, half of it where he was told in time, as the simulator's own accounts have it. All
are compared with the static rules at the same adoption, with a 95 % interval by a bootstrap over
orders. oracle: the best way of each order (another site, Express, a split, a substitute, an
approval asked for again), known afterwards and chosen when the checks were through, by as many
people as that takes: what could be prevented at all, being picked next apart.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.value_model import Floats, Lessons, Model, View
from triage.simulation import policies
from triage.simulation.alternatives import alternatives
from triage.simulation.calendar import DAY, NEVER, Ints
from triage.simulation.demand import FREIGHT_KG, Orders
from triage.simulation.economics import (
    LOST_GOODWILL,
    MOVE_COST,
    SUBSTITUTE_COST,
    freight,
    lateness_cost,
)
from triage.simulation.policies import Action, Deed, Policy, Proposal, Situation, Staff
from triage.simulation.result import Result
from triage.simulation.sample import Simulated, simulate
from triage.simulation.transit import express_carrier
from triage.simulation.value import TOLD_IN_TIME, run_policy
from triage.simulation.world import EXPRESS, GROUND

SINCE = 300
"""First day of the hold-out."""
ADOPTIONS = (0.25, 0.5, 1.0)
_SITES = 3
"""Other sites that are scored for an order, nearest first."""
_MORE = 10.0
"""Orders by which queues are made longer to see what one more costs."""
_HANDLING = {Action.OTHER_WAREHOUSE: MOVE_COST, Action.SUBSTITUTE: SUBSTITUTE_COST}


@dataclass(frozen=True, slots=True)
class Offers:
    """Ways that are feasible in one situation, (w,): which order (place), action, site, gain."""

    at: Ints
    action: list[Action]
    site: Ints
    gain: Floats


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
        best: dict[int, tuple[float, Proposal]] = {}
        for offers in self._offers(View(now, self._raised())):
            for at, action, site, gain in zip(
                offers.at.tolist(), offers.action, offers.site.tolist(), offers.gain.tolist(),
                strict=True,
            ):  # fmt: skip
                order = int(now.order[at])
                if gain <= self.worth * self.takes[action] or (order, action) in self.done:
                    continue
                if order not in best or gain > best[order][0]:
                    best[order] = (gain, Proposal(order, action, site))
        ranked = sorted(best.values(), key=self._rank)
        tried = dict(zip(now.order.tolist(), now.tried.tolist(), strict=True))
        self.listed = {each.order: (tried[each.order], each.action) for _, each in ranked}
        return [proposal for _, proposal in ranked]

    def _rank(self, each: tuple[float, Proposal]) -> tuple[bool, float, int]:
        """Most a minute first; telling the customer, which makes nothing less late, after that."""
        gain, (order, action, _) = each
        return action is Action.TELL_CUSTOMER, -gain / self.takes[action], order

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
        return [
            *self._moves(view, inside, loss),
            self._faster(view, inside, loss),
            self._approvals(view, inside, loss),
            self._picks(view, inside, loss),
            self._substitutes(view, inside, loss),
            self._told(view, np.flatnonzero(hopeful), loss),
        ]

    def _gain(
        self, view: View, chosen: Ints, loss: Floats, action: Action, cost: Floats | float,
        to: Ints | None = None, **changed: Ints | Floats | npt.NDArray[np.bool_],
    ) -> Offers:  # fmt: skip
        """Return what an action gains where it changes the state of the orders like this."""
        _, other = self.model.loss(view, view.state.at(chosen, **changed))
        gain = loss[chosen] - other - cost
        return Offers(
            chosen, [action] * len(chosen), np.full(len(chosen), -1) if to is None else to, gain
        )

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
        for place in range(_SITES):
            site = near[:, place]
            kept = np.flatnonzero(able[np.arange(len(waits)), site])
            chosen, to = waits[kept], site[kept]
            cost = self._freight(view, chosen, site=to) + MOVE_COST
            found.append(self._moved(view, chosen, loss, cost, to))
        return found

    def _moved(self, view: View, chosen: Ints, loss: Floats, cost: Floats, to: Ints) -> Offers:
        state, now = view.state, view.now.now
        return self._gain(
            view, chosen, loss, Action.OTHER_WAREHOUSE, cost, to, site=to,
            short=np.zeros(len(chosen), dtype=bool), cover=view.covered[chosen, to],
            due=np.zeros(len(chosen)),
            since=np.where(state.short[chosen], now, state.since[chosen]),
        )  # fmt: skip

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
        own = now.free[now.site[view.owner], view.sku] < view.quantity
        other = skus.substitute[view.sku]
        there = now.free[now.site[view.owner], np.maximum(other, 0)] >= view.quantity
        lost = np.bincount(view.owner, own & ~((other >= 0) & there), len(now.order)) > 0
        chosen = inside[view.state.short[inside] & ~lost[inside]]
        return self._gain(
            view, chosen, loss, Action.SUBSTITUTE, SUBSTITUTE_COST,
            short=np.zeros(len(chosen), dtype=bool), cover=np.ones(len(chosen)),
            due=np.zeros(len(chosen)),
            since=np.full(len(chosen), now.now),
        )  # fmt: skip

    def _told(self, view: View, hopeful: Ints, loss: Floats) -> Offers:
        """Telling works until the promise passes, so it is left to the promised day."""
        now = view.now
        chosen = hopeful[now.orders.promised[now.order[hopeful]] == now.now // DAY]
        gain = (1.0 - TOLD_IN_TIME) * loss[chosen]
        return Offers(chosen, [Action.TELL_CUSTOMER] * len(chosen), np.full(len(chosen), -1), gain)


def by_risk(model: Model, now: Situation) -> Sequence[Proposal]:
    """Propose the usual action for every open order, the likeliest late first."""
    view = View(now)
    p = model.p_late(view, view.state)
    found = (policies.usual_action(now, at) for at in np.argsort(-p, kind="stable").tolist())
    return [each for each in found if each is not None]


def from_day(policy: Policy, since: int, now: Situation) -> Sequence[Proposal]:
    """Follow a policy from one day on."""
    return policy(now) if now.now >= since * DAY else ()


def judged(done: Simulated) -> Ints:
    """Return the orders that are judged: promised in the hold-out, never called off."""
    orders, run = done.orders, done.run
    ends = done.world.calendar.days * DAY
    return np.flatnonzero(
        (run.cancelled >= NEVER) & (orders.promised >= SINCE) & (orders.late_from <= ends)
    ).astype(np.int64)


def figures(orders: Orders, done: Simulated, run: Result, deeds: list[Deed]) -> dict[str, Any]:
    """Return what came of the orders that are judged; `lost` is (3, orders): see the module."""
    chosen = judged(done)
    cost = lateness_cost(orders, chosen, run.delivered[chosen])
    told = np.zeros(len(orders), dtype=bool)
    for deed in deeds:
        order = deed.proposal.order
        if deed.done and deed.proposal.action is Action.TELL_CUSTOMER:
            told[order] |= deed.minute < min(run.delivered[order], orders.late_from[order])
    late = run.delivered[chosen] >= orders.late_from[chosen]
    lost = np.stack([
        late * (orders.penalty[chosen] + LOST_GOODWILL) * orders.value[chosen],
        cost, cost * np.where(told[chosen], TOLD_IN_TIME, 1.0),
    ])  # fmt: skip
    carried = freight(
        done.world, orders, chosen, run.site[chosen], run.service[chosen], run.carrier[chosen]
    )
    handled = sum(_HANDLING.get(deed.proposal.action, 0.0) for deed in deeds if deed.done)
    return {
        "orders": len(chosen),
        "late": int((run.delivered[chosen] >= orders.late_from[chosen]).sum()),
        "freight and handling": float(carried.sum()) + handled,
        "proposals": len(deeds),
        "worked": sum(deed.done for deed in deeds),
        "lost": lost,
    }


def run_world(seed: int, count: int, staff: Staff, adoptions: Sequence[float]) -> dict[str, Any]:
    """Return the figures of every policy at every adoption, in one world."""
    done = simulate(seed, count)
    world, shocks, orders = done.world, done.shocks, done.orders
    lessons = Lessons([], [], SINCE)
    _, idle, _ = run_policy(world, shocks, orders, lessons.watch, staff)
    model = lessons.learn(orders.promised, idle.delivered)
    makers: dict[str, Callable[[], Policy]] = {
        "static rules": lambda: policies.static_rules,
        "value first": lambda: policies.by_value,
        "promise date first": lambda: policies.by_promise,
        "risk first": lambda: partial(by_risk, model),
        "ours": lambda: Ours(model, staff.takes),
    }
    found = {"nobody": {"0": figures(orders, done, idle, [])}}
    found["oracle"] = {"1": oracle(done, found["nobody"]["0"])}
    for name, make in makers.items():
        found[name] = {}
        for adoption in adoptions:
            _, run, deeds = run_policy(
                world, shocks, orders, partial(from_day, make(), SINCE),
                replace(staff, adoption=adoption),
            )  # fmt: skip
            own = figures(orders, done, run, deeds)
            own["minutes"] = sum(staff.takes[deed.proposal.action] for deed in deeds)
            found[name][f"{adoption:g}"] = own
    return found


def oracle(done: Simulated, idle: dict[str, Any]) -> dict[str, Any]:
    """Return the figures if each judged order had gone the way that makes it least late."""
    orders, chosen = done.orders, judged(done)
    ways = alternatives(done.world, done.shocks, orders, done.run)
    delivered = done.run.delivered.copy()
    np.minimum.at(delivered, ways.order, ways.delivered.astype(np.int64))
    cost = lateness_cost(orders, chosen, delivered[chosen])
    late = delivered[chosen] >= orders.late_from[chosen]
    weighted = late * (orders.penalty[chosen] + LOST_GOODWILL) * orders.value[chosen]
    lost = np.stack([weighted, cost, cost])
    return idle | {"late": int(late.sum()), "lost": lost}


def pooled(worlds: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the sums over worlds; `lost` side by side."""

    def together(name: str, adoption: str, key: str) -> Any:  # noqa: ANN401 - number or array
        parts = [world[name][adoption][key] for world in worlds]
        return np.concatenate(parts, axis=1) if key == "lost" else sum(parts)

    return {
        name: {
            adoption: {key: together(name, adoption, key) for key in row}
            for adoption, row in rows.items()
        }
        for name, rows in worlds[0].items()
    }


def against(own: Floats, rules: Floats) -> tuple[float, float, float]:
    """Return how much more is lost than under the rules, as a share, and its 95 % interval.

    Args:
        own: (n,) lost by order.
        rules: (n,) lost by the same orders under the rules.
    """
    rng = np.random.default_rng(0)
    many = np.empty(1000)
    for at in range(len(many)):
        times = np.bincount(rng.integers(0, len(own), len(own)), minlength=len(own))
        many[at] = (times @ own) / (times @ rules) - 1
    low, high = np.quantile(many, [0.025, 0.975])
    return float(own.sum() / rules.sum() - 1), float(low), float(high)


def show(found: dict[str, Any]) -> None:
    """Print one table, against the static rules at the same adoption."""
    nothing = found["nobody"]["0"]
    print(f"{nothing['orders']:,} orders of the hold-out, {nothing['late']:,} late if nobody acts")
    print(
        f"{'policy':<20}{'adopted':>8}{'late':>7}{'hours':>7}{'done':>7}"
        + "".join(f"{name:>10}{'vs rules, 95 %':>22}" for name in ("weighted", "cost", "told"))
    )
    for name, rows in found.items():
        for adoption, row in rows.items():
            rules = found["static rules"].get(adoption, found["static rules"]["1"])
            line = f"{name:<20}{float(adoption):>8.0%}{row['late']:>7,}"
            line += f"{row.get('minutes', 0) / 60:>7,.0f}{row['worked']:>7,}"
            for own, base in zip(row["lost"], rules["lost"], strict=True):
                share, low, high = against(own, base)
                line += f"{own.sum():>10,.0f}{share:>+8.0%} ({low:>+4.0%}, {high:>+4.0%})"
            print(line)


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--orders", type=int, default=20_000)
    parser.add_argument("--seeds", type=int, nargs="+", default=[11, 23])
    parser.add_argument("--people", type=float, default=1.0)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--adoptions", type=float, nargs="+", default=list(ADOPTIONS))
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    staff = Staff(people=options.people, minutes=options.minutes)
    started = time.perf_counter()
    worlds = [run_world(seed, options.orders, staff, options.adoptions) for seed in options.seeds]
    found = pooled(worlds)
    if options.json:
        print(json.dumps(found, indent=1, default=lambda lost: lost.sum(axis=1).tolist()))
    else:
        show(found)
        print(f"{time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()
