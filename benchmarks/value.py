"""What priorities are worth: one world, the same people, different lists. One command, one table.

    python -m benchmarks.value [--orders 20000] [--seeds 11 23] [--people 1] [--minutes 60]

Until the hold-out begins (day 300 of 420) nobody acts and a light model learns from what was
recorded (`value_model`; not the product's own). Then each policy is followed for the rest of the
world, with the same luck and the same people, whose time binds. Judged are the orders promised in
the hold-out.

weighted: late orders, each counted by what one late day costs (agreed penalty and goodwill, as a
share of its value; `economics`): penalty-weighted late orders. cost: what their lateness costs by
its days, the penalty capped as agreed, whether or not the customer was told; told: the same, half
of it where he was told in time, as the simulator's own accounts have it.

All are compared, at the same adoption and with a 95 % interval by a bootstrap over orders, with the
better rule book: `stock_rules`, which has the same actions as every list (`static_rules` moves
goods without a look at the stock, and never splits). value, promise date and risk first take the
same usual action, looking at the stock too. ours may go several ways at once (another source of
the goods, and picked next or by Express), and splits over as many sites as it takes (`value_list`).
oracle: the best single way of each order (another site, Express, a split, what is missing from
elsewhere, a substitute, an approval asked for again), known afterwards and chosen when the checks
were through, or when pieces were missing, by as many people as that takes: what each order could be
saved by alone, being picked next apart.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from benchmarks.value_lessons import Lessons
from benchmarks.value_list import Ours
from benchmarks.value_model import Floats, Model, View
from triage.simulation import policies
from triage.simulation.alternatives import alternatives
from triage.simulation.calendar import DAY, NEVER, Ints
from triage.simulation.choices import Chooser
from triage.simulation.demand import Orders
from triage.simulation.economics import LOST_GOODWILL, freight, lateness_cost
from triage.simulation.policies import Deed, Policy, Proposal, Situation, Staff
from triage.simulation.result import Result
from triage.simulation.sample import Simulated, simulate
from triage.simulation.value import TOLD_IN_TIME, extra_costs, run_policy, told_in_time

SINCE = 300
"""First day of the hold-out."""
RULES = "rules, stock seen"
"""What everything is compared with."""
ADOPTIONS = (0.25, 0.5, 1.0)


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
    told = told_in_time(orders, run, deeds)
    late = run.delivered[chosen] >= orders.late_from[chosen]
    lost = np.stack([
        late * (orders.penalty[chosen] + LOST_GOODWILL) * orders.value[chosen],
        cost, cost * np.where(told[chosen], TOLD_IN_TIME, 1.0),
    ])  # fmt: skip
    carried = freight(
        done.world, orders, chosen, run.site[chosen], run.service[chosen], run.carrier[chosen]
    )
    return {
        "orders": len(chosen),
        "late": int((run.delivered[chosen] >= orders.late_from[chosen]).sum()),
        "freight and handling": float(carried.sum()) + extra_costs(done.world, orders, run, deeds),
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
        RULES: lambda: policies.stock_rules,
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
    chooser, short = Chooser(done), chosen[done.run.short_since[chosen] < NEVER]
    parts = [
        way
        for order, minute in zip(short.tolist(), done.run.short_since[short].tolist(), strict=True)
        for way in chooser.completing(order, minute)
    ]
    np.minimum.at(delivered, [way.order for way in parts], chooser.came(parts).delivered)
    cost = lateness_cost(orders, chosen, delivered[chosen])
    late = delivered[chosen] >= orders.late_from[chosen]
    weighted = late * (orders.penalty[chosen] + LOST_GOODWILL) * orders.value[chosen]
    lost = np.stack([weighted, cost, cost])
    return idle | {"late": int(late.sum()), "lost": lost}


def measure(
    seeds: Sequence[int], count: int, staff: Staff, adoptions: Sequence[float]
) -> dict[str, Any]:
    """Return the figures of every policy at every adoption, summed over worlds."""
    return pooled([run_world(seed, count, staff, adoptions) for seed in seeds])


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
    """Print one table, against the rules that look at the stock, at the same adoption."""
    nothing = found["nobody"]["0"]
    print(f"{nothing['orders']:,} orders of the hold-out, {nothing['late']:,} late if nobody acts")
    print(
        f"{'policy':<20}{'adopted':>8}{'late':>7}{'hours':>7}{'done':>7}"
        + "".join(f"{name:>10}{'vs rules, 95 %':>22}" for name in ("weighted", "cost", "told"))
    )
    for name, rows in found.items():
        for adoption, row in rows.items():
            rules = found[RULES].get(adoption, found[RULES]["1"])
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
    found = measure(options.seeds, options.orders, staff, options.adoptions)
    if options.json:
        print(json.dumps(found, indent=1, default=lambda lost: lost.sum(axis=1).tolist()))
    else:
        show(found)
        print(f"{time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()
