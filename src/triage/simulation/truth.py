"""Why each order was late: exact Shapley values over worlds in which causes do not exist.

For every one of the 128 sets of causes the world runs again, under the same luck (common random
numbers). The minutes past the promise in those runs are a cooperative game; the share of a cause is
its Shapley value (Shapley 1953): what it adds, averaged over every sequence in which the causes
could have come into the world. The values add up to the minutes late, exactly, since everything is
counted in whole numbers; what remains when no cause exists is the promise's own tightness.

Causes on the road act after the last queue, so 32 runs of the warehouses serve all 128 worlds.
"""

from __future__ import annotations

import gc
import multiprocessing
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from math import factorial
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkProcess

import numpy as np
import numpy.typing as npt

from triage.errors import SimulationError
from triage.simulation import transit
from triage.simulation.calendar import DAY, NEVER, Ints
from triage.simulation.causes import INSIDE, NAMES, Cause
from triage.simulation.demand import Orders
from triage.simulation.heap import set_aside
from triage.simulation.operations import LINGERS, Operations
from triage.simulation.result import Result
from triage.simulation.shocks import Shocks
from triage.simulation.world import World

Progress = Callable[[str], None]
_Found = tuple[Cause, list[tuple[Cause, npt.NDArray[np.int32]]]]
"""Causes inside; for each set of causes on the road with them: minutes late by order."""
_COUNT = len(NAMES)
WHOLE = factorial(_COUNT)
"""Shapley weights are whole numbers of this many parts."""


@dataclass(frozen=True, slots=True)
class Blame:
    """Minutes past the promise of n orders, by cause.

    Attributes:
        parts: (causes, n) Shapley values in minutes x WHOLE; negative where a cause kept others
            from being in this order's way.
        unavoidable: (n,) minutes late in a world without any cause.
        late: (n,) minutes late in the real one; `parts.sum(0) / WHOLE + unavoidable`, exactly.
    """

    parts: Ints
    unavoidable: Ints
    late: Ints

    def minutes(self) -> npt.NDArray[np.float64]:
        """Return (causes, n) Shapley values in minutes."""
        return self.parts / WHOLE

    def shares(self) -> npt.NDArray[np.float64]:
        """Return (causes + 1, n) shares of what made an order late; the last row is the promise.

        Causes that helped count 0. Each late order's shares sum to 1; all are 0 for others.
        """
        harm = np.vstack([np.maximum(self.minutes(), 0), np.maximum(self.unavoidable, 0)])
        whole = harm.sum(axis=0)
        shares: npt.NDArray[np.float64] = np.where(
            self.late > 0, harm / np.where(whole > 0, whole, 1.0), 0.0
        )
        return shares


@dataclass(frozen=True)
class _Setting:
    world: World
    shocks: Shocks
    orders: Orders
    real: Result


_setting: _Setting | None = None


@set_aside()
def blame(
    world: World, shocks: Shocks, orders: Orders, real: Result, *, processes: int = 1,
    progress: Progress = lambda _: None,
) -> Blame:  # fmt: skip
    """Return what made each order late.

    Args:
        world: the distributor.
        shocks: its bad weeks.
        orders: what was ordered.
        real: what happened in it with every cause.
        processes: how many runs go side by side; the result does not depend on it.
        progress: told after each run.

    Raises:
        SimulationError: if one of the processes was ended from outside.
    """
    global _setting  # noqa: PLW0603 - handed to forked processes without copying it
    _setting = _Setting(world, shocks, orders, real)
    parts = np.zeros((_COUNT, len(orders)), dtype=np.int64)
    unavoidable = np.zeros(len(orders), dtype=np.int64)
    sets = [Cause(bits) for bits in range(INSIDE.value + 1)]
    try:
        for done, (inside, found) in enumerate(_runs(sets, processes), start=1):
            for outside, minutes in found:
                causes = inside | outside
                if not causes:
                    unavoidable = minutes.astype(np.int64)
                for at, weight in enumerate(_weights(causes)):
                    parts[at] += np.int64(weight) * minutes
            progress(f"worlds without some causes: {done} of {len(sets)} runs")
        late = _late(_setting, real.delivered, real.cancelled).astype(np.int64)
    finally:
        _setting = None
    return Blame(parts, unavoidable, late)


def _runs(sets: list[Cause], processes: int) -> Iterator[_Found]:
    """Yield what is found for each set, in no particular sequence if several go side by side."""
    if processes == 1:
        yield from map(_run, sets)
        return
    context, left = multiprocessing.get_context("fork"), iter(sets)
    workers: dict[Connection, ForkProcess] = {}
    try:
        for first in islice(left, processes):
            here, there = context.Pipe()
            worker = context.Process(target=_serve, args=(there, [*workers, here]), daemon=True)
            worker.start()
            there.close()
            workers[here] = worker
            here.send(first)
        busy = set(workers)
        while busy:
            for pipe in busy & set(wait(busy)):
                yield pipe.recv()
                following = next(left, None)
                if following is None:
                    busy.remove(pipe)
                else:
                    pipe.send(following)
    except (EOFError, ConnectionError) as error:
        raise SimulationError(
            "a process ended before its run did; is there memory for so many (--processes)?"
        ) from error
    finally:
        for worker in workers.values():
            worker.kill()
            worker.join()


def _serve(pipe: Connection, of_others: list[Connection]) -> None:
    """Run what is asked for until the process is ended, by whoever started it or by Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    for other in of_others:
        other.close()
    while True:
        pipe.send(_run(pipe.recv()))


def _run(inside: Cause) -> _Found:
    """Return minutes late under a set of inside causes, for each set of causes on the road."""
    assert _setting is not None  # noqa: S101 - set by `blame` before any run
    world, shocks, orders = _setting.world, _setting.shocks, _setting.orders
    run = _setting.real if inside == INSIDE else Operations(world, shocks, orders, inside).run()
    dispatched, cancelled = run.dispatched, run.cancelled
    del run
    found = []
    for bits in range(4):
        outside = Cause(bits * Cause.CARRIER.value)
        delivered = transit.deliver(world, shocks, orders, dispatched, outside)
        found.append((outside, _late(_setting, delivered, cancelled)))
    gc.collect()  # a run and its processes refer to each other
    return inside, found


def _late(setting: _Setting, delivered: Ints, cancelled: Ints) -> npt.NDArray[np.int32]:
    """Return whole minutes past the promise by the end of the run; 0 for what was cancelled."""
    end = (setting.world.calendar.days + LINGERS) * DAY
    came = np.where(delivered < NEVER, delivered, end)
    past = np.maximum(came - setting.orders.late_from + 1, 0)
    return np.where(cancelled < NEVER, 0, past).astype(np.int32)


def _weights(causes: Cause) -> list[int]:
    """Return, for each cause, the weight in parts of WHOLE that a set of causes has for it."""
    size = causes.bit_count()
    weights = []
    for cause in Cause:
        before = size - 1 if cause & causes else size
        weight = factorial(before) * factorial(_COUNT - before - 1)
        weights.append(weight if cause & causes else -weight)
    return weights
