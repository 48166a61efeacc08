"""What choices are truly worth: the mean over futures, given all that has happened by the moment.

As it came, a good choice may turn out badly and the other way round: what was to be known was a
chance. As in `ceiling`, the world is stopped at the midnight before the moment and goes on many
times under luck drawn anew; in each future every way is replayed (see `choices`), under one luck
for staying and for the way. Futures in which an order has got its stock by the moment, or is called
off, do not count for it.
"""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection

import numpy as np

from triage.errors import SimulationError
from triage.simulation import shocks as weeks
from triage.simulation.branching import Branching
from triage.simulation.calendar import DAY, Ints
from triage.simulation.choices import Choice, Chooser
from triage.simulation.demand import Luck, Orders
from triage.simulation.draws import Floats, stream
from triage.simulation.economics import LONGEST_DAYS
from triage.simulation.futures import redraw, reshuffle, shown
from triage.simulation.heap import set_aside
from triage.simulation.sample import Simulated

Progress = Callable[[str], None]
_ROAD = (Luck.TAIL, Luck.TAIL_SIZE, Luck.DAMAGE, Luck.DAMAGE_TAKES, Luck.ARRIVES)
_SUMS = 6
"""Counted, late by staying, late this way, cost, saved, square of what is saved net."""


@dataclass(frozen=True, slots=True)
class Worth:
    """What k choices are worth.

    Attributes:
        futures: (k,) how many counted.
        late_staying, late_this_way: (k,) chances.
        cost: (k,) USD more of freight and handling.
        saved: (k,) USD of lateness less than by staying, in the mean.
        error: (k,) standard error of saved - cost, USD.
    """

    futures: Ints
    late_staying: Floats
    late_this_way: Floats
    cost: Floats
    saved: Floats
    error: Floats


def worths(
    done: Simulated, choices: Sequence[Choice], futures: int, *,
    progress: Progress = lambda _: None,
) -> Worth:  # fmt: skip
    """Return what choices are worth, each at the moment when it would be made.

    Args:
        done: a world after its days have passed.
        choices: ways; those of one order on one day hold from one minute on.
        futures: how many futures of each day.
        progress: told after each day.

    Raises:
        SimulationError: if a process was ended from outside.
    """
    total = np.zeros((_SUMS, len(choices)))
    day_of = np.array([each.minute // DAY for each in choices], dtype=np.int64)
    run = Branching(done.world, done.shocks, done.orders)
    days = np.unique(day_of).tolist()
    with set_aside():
        for passed, day in enumerate(days, start=1):
            run.until(day * DAY)
            at = np.flatnonzero(day_of == day)
            own = [choices[place] for place in at.tolist()]
            for number in range(futures):
                total[:, at] += _forked(done, run, own, number)
            progress(f"worth of other ways: {passed} of {len(days)} days")
    counted, late, late_so, cost, saved, square = total
    n = np.maximum(counted, 1.0)
    net = (saved - cost) / n
    spread = np.sqrt(np.maximum(square / n - net**2, 0.0) / n)
    return Worth(counted.astype(np.int64), late / n, late_so / n, cost / n, saved / n, spread)


def _forked(done: Simulated, run: Branching, choices: list[Choice], number: int) -> Floats:
    """Return what comes of choices in one future, which a fork of this process lives through."""
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe(duplex=False)
    worker = context.Process(target=_answer, args=(there, done, run, choices, number), daemon=True)
    worker.start()
    there.close()
    try:
        found: Floats = here.recv()
    except EOFError as error:
        raise SimulationError("a process ended before its future did") from error
    finally:
        here.close()
        worker.join()
    return found


def _answer(
    pipe: Connection, done: Simulated, run: Branching, choices: list[Choice], number: int
) -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    pipe.send(_future(done, run, choices, number))


def _future(done: Simulated, run: Branching, choices: list[Choice], number: int) -> Floats:
    """Turn a run that stands at midnight into one future; return what comes of choices in it."""
    day = run.now // DAY
    rng = stream(done.world.seed, f"future {number} of other ways on {day}")
    moments = {each.order: each.minute for each in choices}
    chosen = np.array(sorted(moments), dtype=np.int64)
    minutes = np.array([moments[order] for order in chosen.tolist()], dtype=np.int64)
    known = shown(done.orders, done.run, run.now, chosen, minutes)
    until = (day + 1) * DAY
    shocks = weeks.redraw(done.world, done.shocks, until, rng)
    later = _other_roads(reshuffle(done.world, done.orders, until, rng), chosen, rng)
    orders = redraw(later, known, rng)
    run.watch_shelves()
    run.turn(orders, shocks, rng, until)
    run.until(int(orders.late_from[chosen].max()) + LONGEST_DAYS * DAY)
    chooser = Chooser(Simulated(done.world, shocks, orders, run.outcome()))
    came = chooser.came(choices)
    order = np.array([each.order for each in choices], dtype=np.int64)
    stayed = chooser.done.run.delivered[order]
    net = came.saved - came.cost
    counts = came.possible.astype(np.float64)
    late, late_so = stayed >= orders.late_from[order], came.delivered >= orders.late_from[order]
    return np.stack([counts, counts * late, counts * late_so, came.cost, came.saved, net**2])


def _other_roads(orders: Orders, chosen: Ints, rng: np.random.Generator) -> Orders:
    """Return orders with other luck on the road for those that have not left yet."""
    luck, drift = orders.luck.copy(), orders.drift.copy()
    fresh = rng.random((len(chosen), len(_ROAD)), dtype=np.float32)
    luck[chosen[:, None], np.array(_ROAD)] = fresh
    drift[chosen] = rng.standard_normal(len(chosen), dtype=np.float32)
    return replace(orders, luck=luck, drift=drift)
