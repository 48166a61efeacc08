"""The simulated distributor against what is known of real ones, and its truth against itself.

    python -m benchmarks.simulation [--orders 20000] [--seed 7] [--json] [--plot FILE]

Prints realism (tails, lateness by month, transit, exception mix), what made orders late, how well
the replay of single ways agrees with the world run anew, and what policies are worth.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np

from triage.simulation import policies
from triage.simulation.alternatives import Alternatives, alternatives
from triage.simulation.calendar import DAY, NEVER, START
from triage.simulation.causes import EVERY, NAMES
from triage.simulation.exceptions import GROUPS, Occurrences, occurrences
from triage.simulation.interventions import People
from triage.simulation.operations import Operations
from triage.simulation.policies import Action, Proposal, Staff
from triage.simulation.sample import SAMPLE_ORDERS, SAMPLE_SEED, Simulated, simulate
from triage.simulation.truth import blame
from triage.simulation.value import run_policy
from triage.simulation.ways import ACTIONS, EXPEDITE, FASTER, MOVE


def realism(done: Simulated, found: Occurrences) -> dict[str, Any]:
    """Return figures that can be held against published ones."""
    orders, run = done.orders, done.run
    judged = (run.cancelled >= NEVER) & (orders.late_from <= done.world.calendar.days * DAY)
    late = run.delivered >= orders.late_from
    month = months(done)
    value = np.sort(orders.value)
    lead = (run.delivered - np.maximum(orders.created, orders.not_before))[judged] / DAY
    ratio = transit_ratio(done)
    groups = {
        name: round(float(np.isin(found.kind, kinds).mean()), 3) for name, kinds in GROUPS.items()
    }
    by_month = [
        round(float(late[judged & (month == m)].mean()), 3) for m in np.unique(month[judged])
    ]
    return {
        "orders": len(orders),
        "late": round(float(late[judged].mean()), 4),
        "late by month, lowest and highest": [min(by_month[:-1]), max(by_month)],
        "cancelled": round(float((run.cancelled < NEVER).mean()), 4),
        "lines an order": round(float(orders.lines.mean()), 2),
        "value: median, mean, top tenth's share": [
            round(float(np.median(value)), 2), round(float(value.mean()), 2),
            round(float(value[-len(value) // 10 :].sum() / value.sum()), 3),
        ],
        "days to deliver: p50, p90, p99": np.percentile(lead, [50, 90, 99]).round(1).tolist(),
        "transit against nominal: p10, p50, p90, p99": np.percentile(
            ratio, [10, 50, 90, 99]
        ).round(2).tolist(),
        "exceptions an order": round(len(found.order) / len(orders), 3),
        "exception mix": groups,
        "price errors, share of lines": round(float((orders.own.prices.error > 0).mean()), 4),
    }  # fmt: skip


def months(done: Simulated) -> np.ndarray:
    """Return the calendar month in which each order was promised."""
    dates = START + done.orders.promised.astype("timedelta64[D]")
    numbers: np.ndarray = dates.astype("datetime64[M]").astype(np.int64)
    return numbers


def transit_ratio(done: Simulated) -> np.ndarray:
    """Return working days in transit against the lane's nominal, of what was delivered."""
    run, world, orders = done.run, done.world, done.orders
    there = np.flatnonzero(run.delivered < NEVER)
    before = world.calendar.before
    days = before[run.delivered[there] // DAY] - before[run.dispatched[there] // DAY]
    town = world.customers.town[orders.customer[there]]
    ratio: np.ndarray = days / world.lane_days[run.site[there], town, run.service[there]]
    return ratio


def agreement(done: Simulated, ways: Alternatives, each: int) -> dict[str, str]:
    """Return how often a replayed way is delivered on the day on which the world run anew says."""
    rng = np.random.default_rng(0)
    actions = {
        MOVE: Action.OTHER_WAREHOUSE, FASTER: Action.FASTER_SERVICE,
        EXPEDITE: Action.EXPEDITE_APPROVAL,
    }  # fmt: skip
    said = {}
    for way, action in actions.items():
        early = done.orders.created[ways.order] < (done.world.calendar.days - 30) * DAY
        asked = rng.permutation(np.flatnonzero((ways.action == way) & early))[:each]
        same = 0
        for at in asked.tolist():
            order = int(ways.order[at])
            run = Operations(done.world, done.shocks, done.orders, EVERY)
            people = People(run, policies.nobody, Staff())
            when = done.run.asked if way == EXPEDITE else done.run.entry.checked
            people.at(int(when[order]), Proposal(order, action, int(ways.site[at])))
            again = run.run().delivered[order]
            same += int(again // DAY == ways.delivered[at] // DAY)
        said[ACTIONS[way]] = f"{same} of {len(asked)}"
    return said


def rescues(done: Simulated, ways: Alternatives) -> dict[str, list[float]]:
    """Return by action: ways, share of them for late orders, share of those that come in time."""
    late = (done.run.delivered >= done.orders.late_from)[ways.order]
    in_time = ways.delivered < done.orders.late_from[ways.order]
    return {
        name: [
            int((ways.action == at).sum()),
            round(float(late[ways.action == at].mean()), 3),
            round(float(in_time[(ways.action == at) & late].mean()), 3),
        ]
        for at, name in enumerate(ACTIONS)
    }


def run(orders: int, seed: int, each: int) -> dict[str, Any]:
    """Return all figures."""
    started = time.perf_counter()
    done = simulate(seed, orders)
    seconds = {"world": round(time.perf_counter() - started, 1)}
    found = occurrences(done.world, done.shocks, done.orders, done.run)
    figures: dict[str, Any] = {"realism": realism(done, found)}
    started = time.perf_counter()
    ways = alternatives(done.world, done.shocks, done.orders, done.run)
    seconds["alternatives"] = round(time.perf_counter() - started, 1)
    started = time.perf_counter()
    causes = blame(done.world, done.shocks, done.orders, done.run, processes=2)
    seconds["causes, exactly, over 128 worlds"] = round(time.perf_counter() - started, 1)
    shares = causes.shares()[:, causes.late > 0].mean(axis=1)
    figures["what made late orders late"] = {
        name: round(float(share), 3)
        for name, share in zip((*NAMES, "promise"), shares, strict=True)
    }
    figures["alternatives: ways, of late orders, in time"] = rescues(done, ways)
    figures["replay agrees with the world run anew"] = agreement(done, ways, each)
    figures["policies"] = {
        policy.__name__: run_policy(done.world, done.shocks, done.orders, policy)[0].as_dict()
        for policy in (policies.nobody, policies.static_rules)
    }
    figures["seconds"] = seconds
    return figures


def show(figures: dict[str, Any]) -> None:
    """Print figures, part by part."""
    for part, rows in figures.items():
        print(f"\n{part}")
        for name, value in rows.items():
            print(f"  {name:<45} {value}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--orders", type=int, default=SAMPLE_ORDERS)
    parser.add_argument("--seed", type=int, default=SAMPLE_SEED)
    parser.add_argument("--each", type=int, default=15, help="worlds run anew for each action")
    parser.add_argument("--json", action="store_true", help="print JSON only")
    parser.add_argument("--plot", type=Path, help="draw the realism plots into this file and stop")
    options = parser.parse_args()
    if options.plot is not None:
        from benchmarks.simulation_plots import draw

        draw(simulate(options.seed, options.orders), options.plot)
        return
    figures = run(options.orders, options.seed, options.each)
    if options.json:
        print(json.dumps(figures, indent=1))
        return
    show(figures)


if __name__ == "__main__":
    main()
