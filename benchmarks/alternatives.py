"""Recommended ways against the truth: possible, better than staying, and by how much? One table.

    python -m benchmarks.alternatives [--seeds 11 23] [--orders 20000] [--futures 24] [--cache DIR]

For each seed a distributor is simulated and the product's model trained on what was recorded before
day 300 of 420. Then the scorer is asked at both sessions of each working day, days 300 to 410,
about every open order that has not got its stock. Of each order the first recommendation of another
site, a split, a substitute or a faster service, or of one of the first three with the last ("two at
once"), is judged, half an hour later, against the simulator's truth.

as it came: the way replayed with the order's own luck. Better: what it saves of lateness is more
than its freight and handling; regret: what the best of all ways (or staying), known afterwards,
saves more for the same orders, as a share. by chance (with --futures): the same by the mean over
futures that agree with all that has happened by then: what could be known. Shares with Wilson's
95 % interval, regret with a bootstrap over orders. Beside it, at the same sessions: the rule book
(short of stock with a promise within four days: the nearest other site that has everything).
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.advised_world import Advised, advised
from triage.errors import RequestError
from triage.simulation.calendar import DAY, NEVER
from triage.simulation.chances import worths
from triage.simulation.choices import Choice, Chooser

SINCE, UNTIL = 300, 410
DELAY = 30
"""Minutes from a session until what is decided holds."""
ACTIONS = ("other_site", "split", "substitute", "faster_service")
BOTH = "two at once"
"""Name of the first three with the faster service booked as well."""
_RULE_DAYS = 4
_Z = 1.96
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Given:
    """One recommendation: what, and what was told."""

    choice: Choice
    action: str
    p_late: float
    p_promised: float
    p_credited: float


@dataclass(frozen=True, slots=True)
class Judged:
    """What came of one recommendation. Late shares are 0 or 1 as it came."""

    seed: int
    source: str
    action: str
    told_late: float
    told_this_way: float
    possible: bool
    sooner: bool
    late: float
    late_this_way: float
    net: float
    best: float
    chance_late: float = math.nan
    chance_this_way: float = math.nan
    chance_net: float = math.nan
    chance_error: float = math.nan
    chance_best: float = math.nan


def recommended(world: Advised) -> tuple[list[Given], list[Given]]:
    """Return the first recommendation for each order, of the product and of the rule book."""
    ours: dict[int, Given] = {}
    rules: dict[int, Given] = {}
    chooser = Chooser(world.done)
    for minute, rows in world.sessions(SINCE, UNTIL):
        for row in rows:
            order = world.number(row)
            if order not in ours:
                given = _ours(world, row, minute)
                if given is not None:
                    ours[order] = given
            if order not in rules:
                given = _rule(world, chooser, row, minute)
                if given is not None:
                    rules[order] = given
    return list(ours.values()), list(rules.values())


def _ours(world: Advised, row: int, minute: int) -> Given | None:
    try:
        said = world.assess(row, minute, ways=True)
    except RequestError:
        return None
    best = next((way for way in said.recommendations if way.action in ACTIONS), None)
    if best is None:
        return None
    credited = world.scorer.policy.work.actions[best.action].credited  # type: ignore[index]
    promised = said.p_late + (best.delta_p or 0.0) / credited
    order, when, both = world.number(row), minute + DELAY, best.service is not None
    if best.action == "substitute":
        moves = world.short(row, minute)
        first = int(world.done.orders.first_line[order])
        sku = world.done.orders.own.sku[first + np.array(moves)]
        other = tuple(world.done.world.skus.substitute[sku].tolist())
        choice = Choice(order, when, -1, moves, instead=other, express=both)
    elif best.site is None:
        choice = Choice(order, when, express=True)
    else:
        every = tuple(range(len(world.order(row).lines)))
        moves = world.short(row, minute) if best.action == "split" else every
        site = world.done.world.sites.code.index(best.site)
        choice = Choice(order, when, site, moves, express=both)
    return Given(choice, BOTH if both else best.action, said.p_late, promised, best.p_late)


def _rule(world: Advised, chooser: Chooser, row: int, minute: int) -> Given | None:
    order, simulated = world.number(row), world.done
    left = int(simulated.orders.promised[order]) - minute // DAY
    ready = max(simulated.run.validated[order], simulated.orders.not_before[order])
    if left > _RULE_DAYS or ready > minute or not world.short(row, minute):
        return None
    if simulated.run.first_allocated[order] + 6 < minute:
        return None
    every = tuple(range(len(world.order(row).lines)))
    sites = [simulated.world.sites.code.index(site) for site in world.covered(row, minute)]
    able = set(chooser.stocking(order, every).tolist()) & set(sites)
    if not able:
        return None
    town = simulated.world.customers.town[simulated.orders.customer[order]]
    site = min(able, key=lambda each: (float(simulated.world.miles[each, town]), each))
    choice = Choice(order, minute + DELAY, site, every)
    return Given(choice, "other_site", math.nan, math.nan, math.nan)


def every_way(chooser: Chooser, order: int, minute: int) -> list[Choice]:
    """Return all ways that an order could go from a minute on, whatever is recorded."""
    lines = tuple(range(int(chooser.done.orders.lines[order])))
    short = chooser.short(order, minute)
    found = [Choice(order, minute, site, lines) for site in chooser.stocking(order, lines).tolist()]
    if short and len(short) < len(lines):
        found += [
            Choice(order, minute, site, short) for site in chooser.stocking(order, short).tolist()
        ]
    found += chooser.substituted(order, minute)
    if chooser.may_express(order):
        found.append(Choice(order, minute, express=True))
    return found


def judge(
    world: Advised, given: Sequence[Given], source: str, futures: int
) -> list[Judged]:  # fmt: skip
    """Return what came, and by chance would come, of recommendations."""
    chooser, orders, run = Chooser(world.done), world.done.orders, world.done.run
    kept = [each for each in given if run.cancelled[each.choice.order] >= NEVER]
    if not kept:
        return []
    sets = [[e.choice, *every_way(chooser, e.choice.order, e.choice.minute)] for e in kept]
    ends = np.cumsum([len(each) for each in sets])
    starts = ends - [len(each) for each in sets]
    flat = [choice for each in sets for choice in each]
    came = chooser.came(flat)
    net = np.where(came.possible, came.saved - came.cost, -np.inf)
    best = np.array([max(net[a:b].max(), 0.0) for a, b in zip(starts, ends, strict=True)])
    first = starts.astype(np.int64)
    worth = worths(world.done, flat, futures) if futures else None
    found = []
    for at, (place, each) in enumerate(zip(first.tolist(), kept, strict=True)):
        order = each.choice.order
        possible = bool(came.possible[place])
        judged = Judged(
            world.done.world.seed, source, each.action, each.p_late, each.p_promised, possible,
            possible and bool(came.delivered[place] < run.delivered[order]),
            float(run.delivered[order] >= orders.late_from[order]),
            float(came.delivered[place] >= orders.late_from[order]),
            float(net[place]) if possible else 0.0, float(best[at]),
        )  # fmt: skip
        if worth is not None:
            span = slice(int(starts[at]), int(ends[at]))
            means = worth.saved[span] - worth.cost[span]
            judged = Judged(
                **(
                    asdict(judged)
                    | {
                        "chance_late": float(worth.late_staying[place]),
                        "chance_this_way": float(worth.late_this_way[place]),
                        "chance_net": float(means[0]),
                        "chance_error": float(worth.error[place]),
                        "chance_best": max(float(means.max()), 0.0),
                    }
                )
            )
        found.append(judged)
    return found


def wilson(hits: int, n: int) -> tuple[float, float]:
    """Return the 95 % interval of a share."""
    if not n:
        return math.nan, math.nan
    share, z = hits / n, _Z
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return middle - half, middle + half


def regret(net: Floats, best: Floats) -> tuple[float, float, float]:
    """Return the share of what the best ways save that was missed, and its 95 % interval."""
    if not len(net) or best.sum() <= 0:
        return math.nan, math.nan, math.nan
    rng = np.random.default_rng(0)
    drawn = rng.integers(0, len(net), (2000, len(net)))
    total = best[drawn].sum(axis=1)
    many = 1 - net[drawn].sum(axis=1)[total > 0] / total[total > 0]
    low, high = np.quantile(many, [0.025, 0.975])
    return float(1 - net.sum() / best.sum()), float(low), float(high)


def measure(seeds: Sequence[int], orders: int, futures: int, cache: Path | None) -> list[Judged]:
    """Return what came of each recommendation, of ours and of the rule book's; tells progress."""
    found: list[Judged] = []
    for seed in seeds:
        world = advised(seed, orders, SINCE, cache)
        ours, rules = recommended(world)
        found += judge(world, ours, "ours", futures)
        found += judge(world, rules, "rule book", 0)
        print(
            f"seed {seed}: {len(ours)} recommendations, {len(rules)} by the rule book",
            file=sys.stderr, flush=True,
        )  # fmt: skip
    return found


def show(found: Sequence[Judged], *, futures: int) -> None:
    """Print one table: by seed, by action, pooled, and the rule book."""
    ours = [each for each in found if each.source == "ours"]
    rows = [(f"seed {seed}", [e for e in ours if e.seed == seed]) for seed in _seeds(ours)]
    rows += [(action, [e for e in ours if e.action == action]) for action in (*ACTIONS, BOTH)]
    rows += [("all", ours), ("rule book", [e for e in found if e.source != "ours"])]
    print(
        f"{'':<16}{'given':>6}{'not':>5}{'better':>8}{'95 %':>11}{'sooner':>8}{'late: told':>12}"
        f"{'came':>6}{'this way:':>11}{'came':>6}{'USD net':>9}{'oracle':>8}{'regret':>8}"
        f"{'95 %':>11}"
    )
    for name, own in rows:
        _line(name, own)
    if futures:
        print(f"\nby chance, {futures} futures: what could be known")
        for name, own in rows:
            _chance_line(name, own)


def _seeds(found: Sequence[Judged]) -> list[int]:
    return sorted({each.seed for each in found})


def _line(name: str, own: Sequence[Judged]) -> None:
    if not own:
        print(f"{name:<16}{0:>6}")
        return
    n, better = len(own), sum(each.net > 0 for each in own)
    low, high = wilson(better, n)
    net, best = np.array([e.net for e in own]), np.array([e.best for e in own])
    missed, least, most = regret(net, best)
    told, this = (np.mean([getattr(e, k) for e in own]) for k in ("told_late", "told_this_way"))
    came, so = (np.mean([getattr(e, k) for e in own]) for k in ("late", "late_this_way"))
    print(
        f"{name:<16}{n:>6}{sum(not e.possible for e in own):>5}{better / n:>8.0%}"
        f"{low:>6.0%}-{high:>4.0%}{np.mean([e.sooner for e in own]):>8.0%}{told:>12.2f}"
        f"{came:>6.2f}{this:>11.2f}{so:>6.2f}{net.sum():>9,.0f}{best.sum():>8,.0f}{missed:>8.0%}"
        f"{least:>6.0%}-{most:>4.0%}"
    )


def _chance_line(name: str, own: Sequence[Judged]) -> None:
    own = [each for each in own if not math.isnan(each.chance_net)]
    if not own:
        return
    n, better = len(own), sum(each.chance_net > 0 for each in own)
    low, high = wilson(better, n)
    net, best = np.array([e.chance_net for e in own]), np.array([e.chance_best for e in own])
    missed, least, most = regret(net, best)
    late, so = (np.mean([getattr(e, k) for e in own]) for k in ("chance_late", "chance_this_way"))
    print(
        f"{name:<16}{n:>6}{'':>5}{better / n:>8.0%}{low:>6.0%}-{high:>4.0%}{'':>20}{late:>6.2f}"
        f"{'':>11}{so:>6.2f}{net.sum():>9,.0f}{best.sum():>8,.0f}{missed:>8.0%}"
        f"{least:>6.0%}-{most:>4.0%}"
    )


def show_credit(found: Sequence[Judged]) -> None:
    """Print by action how much of the promised gain came true: numbers for the policy."""
    for action in ACTIONS:
        own = [e for e in found if e.action == action and e.source == "ours" and e.possible]
        promised = sum(each.told_late - each.told_this_way for each in own)
        came = sum(each.late - each.late_this_way for each in own)
        if promised > 0:
            print(
                f"{action}: {came / promised:.2f} of the promised gain came true, {len(own)} ways"
            )


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[11, 23])
    parser.add_argument("--orders", type=int, default=20_000)
    parser.add_argument("--futures", type=int, default=0)
    parser.add_argument("--cache", type=Path, help="keeps worlds and models for the next time")
    parser.add_argument("--credit", action="store_true", help="gains that came true, by action")
    parser.add_argument("--json", type=Path, help="writes each recommendation")
    options = parser.parse_args()
    found = measure(options.seeds, options.orders, options.futures, options.cache)
    if options.json:
        options.json.write_text(json.dumps([asdict(each) for each in found], indent=1))
    show(found, futures=options.futures)
    if options.credit:
        show_credit(found)


if __name__ == "__main__":
    main()
