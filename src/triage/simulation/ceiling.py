"""How well anybody could predict lateness: the Bayes ceiling of each stage, by Monte Carlo.

Nobody can rank better than the true conditional probability P(late | all that has happened by the
moment of the score), the regression function of Bayes' rule (Devroye, Gyorfi & Lugosi 1996, ch. 2;
by the Neyman-Pearson lemma it has the best ROC curve, and so the best precision at every recall).
The simulator can compute it: the world is stopped at the midnight before the moment and goes on
many times under luck drawn anew.

- Moment: when the ERP hears of the milestone, or the earliest day of an order for a later day, as
  the landmarks of training. What has shown of the order's own luck by then stays; futures in which
  its own milestones up to then come at other minutes do not count (rejection).
- Of everything else, what has happened by midnight stays; orders, deliveries of suppliers and
  shocks stay up to the latest moment within the same three hours. Drawn anew are later luck of all
  orders, who orders what afterwards, when suppliers deliver, shocks that begin later, and how long
  those go on that have begun.
- The road after dispatch is integrated exactly in every future (`transit.chance_late`), so p is a
  mean of probabilities, not of outcomes; at dispatch it is exact.

On the safe side, hence a little too high: the ceiling knows the distributor's parameters, shocks
and outages from their beginning, how many orders will be placed when, and how cases that the office
has begun end; and it knows at once what systems report late or never, such as the state of every
queue. Only the luck of other orders between midnight and the moment is drawn anew, which is a
little too low.
"""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkProcess

import numpy as np
import numpy.typing as npt

from triage.errors import SimulationError
from triage.simulation import shocks as weeks
from triage.simulation import transit
from triage.simulation.branching import Branching
from triage.simulation.calendar import DAY, HOUR, NEVER, Ints
from triage.simulation.draws import Floats, stream
from triage.simulation.futures import happened_alike, redraw, reshuffle, shown
from triage.simulation.heap import set_aside
from triage.simulation.sample import Simulated
from triage.simulation.systems import happened, milestones

Progress = Callable[[str], None]
DISPATCHED = "shipment_dispatched"
STAGES = ("order_created", "order_validated", "allocation_confirmed", "pick_released", DISPATCHED)
"""Stages at which there is a ceiling, named as landmarks are."""
_TOGETHER = 3 * HOUR
"""Orders scored within so long share their futures, and what is known of the day."""


@dataclass(frozen=True, slots=True)
class Ceiling:
    """The best possible predictions of k orders at one stage.

    Attributes:
        stage: one of STAGES.
        order: (k,) numbers.
        moment: (k,) minute at which each is scored.
        p: (k,) chance of being late, given the past; NaN if no future agreed with it.
        halves: (2, k) the same from every other future, to measure the noise of p.
        futures: (k,) how many of them agreed with the order's own past; 0 means p is exact.
        tried: how many futures were tried (0: exact).
    """

    stage: str
    order: Ints
    moment: Ints
    p: Floats
    halves: Floats
    futures: Ints
    tried: int


def moments(done: Simulated, stage: str) -> Ints:
    """Return (n,) when orders are scored at a stage; NEVER for those that are not.

    An order has a moment if the stage is heard of before its promise passes and before a delivery
    or cancellation is heard of.
    """
    told = milestones(done.world, happened(done.orders, done.run))
    when = np.maximum(told[stage].record, done.orders.not_before)
    ends = np.minimum(told["delivered"].record, told["order_cancelled"].record)
    return np.where(when < np.minimum(ends, done.orders.late_from), when, NEVER)


def ceiling(
    done: Simulated, stage: str, days: Iterable[int], futures: int, *, known_shocks: bool = False,
    processes: int = 1, progress: Progress = lambda _: None,
) -> Ceiling:  # fmt: skip
    """Return the ceiling for the orders that reach a stage on some days.

    Args:
        done: a world after its days have passed.
        stage: one of STAGES.
        days: day numbers.
        futures: how many futures of each day.
        known_shocks: whether the shocks to come are known too: a looser bound.
        processes: how many futures go side by side; the result does not depend on it.
        progress: told after each day.

    Raises:
        SimulationError: if there are fewer than two futures, a stage is unknown, or a process was
            ended from outside.
    """
    if stage not in STAGES:
        raise SimulationError(f"{stage} is no stage; there are {', '.join(STAGES)}")
    when = moments(done, stage)
    chosen = np.flatnonzero(np.isin(when // DAY, list(days)) & (when < NEVER))
    chosen = chosen[np.argsort(when[chosen], kind="stable")]
    if stage == DISPATCHED:
        p = transit.chance_late(
            done.world, done.shocks, done.orders, done.run.dispatched[chosen], chosen
        )
        none = np.zeros(len(chosen), dtype=np.int64)
        return Ceiling(stage, chosen, when[chosen], p, np.stack([p, p]), none, 0)
    if futures < 2:
        raise SimulationError("at least two futures are needed to tell the noise of a chance")
    total = np.zeros((2, len(chosen)))
    counted = np.zeros((2, len(chosen)), dtype=np.int64)
    task = _Task(done, stage, chosen, when[chosen], known_shocks)
    for at, half, chance in _futures(task, futures, processes, progress):
        total[half, at] += np.nan_to_num(chance)
        counted[half, at] += ~np.isnan(chance)
    with np.errstate(invalid="ignore"):
        p, halves = total.sum(axis=0) / counted.sum(axis=0), total / counted
    return Ceiling(stage, chosen, when[chosen], p, halves, counted.sum(axis=0), futures)


@dataclass(frozen=True, slots=True)
class _Task:
    done: Simulated
    stage: str
    chosen: Ints
    moments: Ints
    known_shocks: bool

    def future(self, run: Branching, at: Ints, number: int) -> Floats:
        """Turn a run that stands at midnight into one future; return each order's chance."""
        done = self.done
        orders, when = self.chosen[at], self.moments[at]
        rng = stream(done.world.seed, f"future {number} of {self.stage} at {when[0] // _TOGETHER}")
        until = int(when.max())
        known = shown(done.orders, done.run, run.now, orders, when)
        shocks = done.shocks
        if not self.known_shocks:
            shocks = weeks.redraw(done.world, shocks, until, rng)
        later = reshuffle(done.world, done.orders, until + 1, rng)
        run.turn(redraw(later, known, rng), shocks, rng, until)
        run.until(int(done.orders.late_from[orders].max()))
        came = {
            "first_allocated": run.floor.first_allocated,
            "released": run.floor.released,
            "dispatched": transit.pickup(done.world, run.floor.packed, run.carrier),
        }
        alike = happened_alike(done.run, orders, when, came)
        return np.where(alike, run.chance_late(orders), np.nan)


_Answer = tuple[Ints, int, npt.NDArray[np.float64]]
"""Which of the chosen orders, which half of the futures, chances."""


def _futures(
    task: _Task, futures: int, processes: int, progress: Progress
) -> Iterable[_Answer]:  # fmt: skip
    """Yield what becomes of the orders of each part of a day in each future.

    One process lets the real days pass; every future is a fork of it.
    """
    done, context = task.done, multiprocessing.get_context("fork")
    run = Branching(done.world, done.shocks, done.orders)
    part_of = task.moments // _TOGETHER
    parts = np.unique(part_of).tolist()
    busy: dict[Connection, tuple[ForkProcess, Ints, int]] = {}
    with set_aside():
        try:
            for passed, part in enumerate(parts, start=1):
                run.until(part * _TOGETHER // DAY * DAY)
                at = np.flatnonzero(part_of == part)
                for number in range(futures):
                    if len(busy) == processes:
                        yield from _answers(busy)
                    here, there = context.Pipe(duplex=False)
                    worker = context.Process(
                        target=_answer, args=(there, task, run, at, number), daemon=True
                    )
                    worker.start()
                    there.close()
                    busy[here] = (worker, at, number % 2)
                progress(f"ceiling at {task.stage}: {passed} of {len(parts)} parts of days")
            while busy:
                yield from _answers(busy)
        except EOFError as error:
            raise SimulationError(
                "a process ended before its future did; is there memory for so many?"
            ) from error
        finally:
            for worker, _, _ in busy.values():
                worker.kill()
                worker.join()


def _answers(busy: dict[Connection, tuple[ForkProcess, Ints, int]]) -> Iterable[_Answer]:
    for pipe in wait(list(busy)):
        assert isinstance(pipe, Connection)  # noqa: S101 - only connections are waited for
        chance = pipe.recv()
        worker, at, half = busy.pop(pipe)
        worker.join()
        pipe.close()
        yield at, half, chance


def _answer(pipe: Connection, task: _Task, run: Branching, at: Ints, number: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    pipe.send(task.future(run, at, number))
