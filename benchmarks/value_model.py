"""A light model of lateness on what a `Situation` shows: the same for every ranking in `value`.

Learns from a run in which nobody acted, up to one day: which open orders were late, by how many
days. Other ways are judged by the same model with changed inputs, as the product does it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import lightgbm as lgb
import numpy as np
import numpy.typing as npt

from triage.simulation.calendar import DAY, HOUR, NEVER, Ints
from triage.simulation.economics import LONGEST_DAYS, LOST_GOODWILL, PENALTY_CAP
from triage.simulation.policies import Situation

Floats = npt.NDArray[np.float64]
STEPS = ("order_validated", "allocation_confirmed", "pick_released", "shipment_dispatched")
_NOT_DUE = 30.0
"""Days that stand for what is not on its way."""


@dataclass(frozen=True, slots=True)
class State:
    """Where k orders stand, by what is recorded; another way is another state of the same orders.

    Attributes:
        order: (k,) numbers.
        site, service, carrier, stage: (k,) stage counts finished steps, 0 to 4.
        since: (k,) minute of the last step.
        priority: (k,) 0 is picked first.
        held, short: (k,).
        cover: (k,) least free stock, after what older orders want, for a piece asked for.
        due: (k,) days until everything that is short is expected, and 4: overdue ones count from 1;
            0 where nothing is short.
    """

    order: Ints
    site: Ints
    service: Ints
    carrier: Ints
    stage: Ints
    since: Ints
    priority: Ints
    held: npt.NDArray[np.bool_]
    short: npt.NDArray[np.bool_]
    cover: Floats
    due: Floats

    def at(self, chosen: Ints, **changed: Ints | Floats | npt.NDArray[np.bool_]) -> State:
        """Return the states of some orders, with something changed."""
        own = {name: getattr(self, name)[chosen] for name in State.__slots__}
        return State(**(own | changed))


class View:
    """One situation with what is counted in it once.

    Args:
        now: the situation.
        raised: orders that people have put into the first queue since.
        shipped: by order, pieces of each of its lines that people have shipped from elsewhere.
    """

    def __init__(
        self, now: Situation, raised: Collection[int] = (),
        shipped: Mapping[int, Ints] | None = None,
    ) -> None:  # fmt: skip
        self.now = now
        orders, known = now.orders, now.known
        stage = np.zeros(len(now.order), dtype=np.int64)
        since = np.maximum(known["order_created"], 0)
        for number, name in enumerate(STEPS, start=1):
            reached = known[name] < NEVER
            stage[reached] = number
            since = np.where(reached, known[name], since)
        self.counts = orders.lines[now.order]
        self.line = np.repeat(orders.first_line[now.order], self.counts) + _within(self.counts)
        self.owner = np.repeat(np.arange(len(now.order)), self.counts)
        self.sku, self.quantity = orders.own.sku[self.line], orders.own.quantity[self.line].copy()
        self.starts = np.cumsum(self.counts) - self.counts
        for order, pieces in (shipped or {}).items():
            at = int(np.searchsorted(now.order, order))
            if at < len(now.order) and now.order[at] == order:
                self.quantity[self.starts[at] : self.starts[at] + len(pieces)] -= pieces
        self._waits = stage < 2
        self.free = self._free_by_now()
        self._ahead = self._wanted_ahead(now.site[self.owner])
        own = self.free[now.site[self.owner], self.sku] - self._ahead
        self.state = State(
            now.order, now.site, now.service, now.carrier, stage, since,
            np.where(np.isin(now.order, list(raised)), 0, orders.priority[now.order]),
            now.held, now.short, self._least(own), self._expected(own),
        )  # fmt: skip
        self.covered = np.stack(
            [self._least(self.free[site, self.sku]) for site in range(len(now.free))], axis=1
        )
        """(k, sites): least free stock at each site for a piece asked for."""
        lies = self.free[now.site[self.owner], self.sku]
        self.missing = self.quantity - np.clip(lies, 0, self.quantity)
        """(m,): pieces of each line that its site has not got."""
        kg = now.world.skus.weight_kg[self.sku]
        self.missing_kg = np.bincount(self.owner, self.missing * kg, len(now.order))
        """(k,): what they weigh, by order."""
        some = np.bincount(self.owner, self.missing, len(now.order))
        self.in_part = (some > 0) & (some < np.bincount(self.owner, self.quantity, len(now.order)))
        """(k,): whether its own site has a part of what is asked for."""
        self._queue = np.zeros((len(now.free), 5, 2))
        np.add.at(self._queue, (now.site, stage, self.state.priority), 1.0)
        self._desk = float(now.held.sum())
        self._slow = self._overdue()

    def _free_by_now(self) -> Ints:
        """Return (sites, skus) free stock: last midnight's without what was allocated since."""
        now = self.now
        allocated = now.known["allocation_confirmed"]
        since = (allocated < NEVER) & (allocated >= now.now // DAY * DAY)
        free = now.free.copy()
        taken = np.where(since[self.owner], self.quantity, 0)
        np.subtract.at(free, (now.site[self.owner], self.sku), taken)
        return np.maximum(free, 0)

    def _wanted_ahead(self, site: Ints) -> Floats:
        """Return pieces that older orders, which wait too, want of each line's cell."""
        cell = site * self.now.free.shape[1] + self.sku
        wanted = np.where(self._waits[self.owner], self.quantity, 0).astype(float)
        by_cell = np.argsort(cell, kind="stable")
        total = np.cumsum(wanted[by_cell]) - wanted[by_cell]
        first = np.diff(cell[by_cell], prepend=-1) != 0
        base = np.maximum.accumulate(np.where(first, total, 0.0))
        found = np.empty(len(cell))
        found[by_cell] = total - base
        return found

    def _least(self, free: Floats | Ints) -> Floats:
        share = np.clip(free / np.maximum(self.quantity, 1), -3.0, 20.0)
        least = np.full(len(self.counts), 20.0)
        np.minimum.at(least, self.owner, share)
        return least

    def _expected(self, free: Floats | Ints) -> Floats:
        """Return (k,) days until the last of the lines that are short is expected."""
        minute = self.now.due[self.now.site[self.owner], self.sku]
        days = np.clip((minute - self.now.now) / DAY, -3.0, _NOT_DUE)
        latest = np.zeros(len(self.counts))
        short = free < self.quantity
        np.maximum.at(latest, self.owner[short], days[short] + 4.0)
        return latest

    def _overdue(self) -> Floats:
        """Return by carrier the share of its shipments that are longer on the road than usual."""
        now, carriers = self.now, len(self.now.world.carriers.code)
        gone = np.flatnonzero(self.state.stage == 4)
        before = now.world.calendar.before
        days = before[now.now // DAY] - before[self.state.since[gone] // DAY]
        town = now.world.customers.town[now.orders.customer[now.order[gone]]]
        over = days > now.world.lane_days[now.site[gone], town, now.service[gone]]
        n = np.bincount(now.carrier[gone], minlength=carriers)
        return (np.bincount(now.carrier[gone], over, carriers) + 0.5) / (n + 5.0)

    def features(self, state: State, more_ahead: float = 0.0) -> Floats:
        """Return the inputs of the model, (k, inputs), for orders in some state.

        Args:
            state: of the orders.
            more_ahead: orders that come before each in the queue besides those that do.
        """
        now, orders, world = self.now, self.now.orders, self.now.world
        before, order = world.calendar.before, state.order
        today = before[now.now // DAY] + (now.now % DAY) / DAY
        lane = world.lane_days[state.site, world.customers.town[orders.customer[order]], :]
        road = lane[np.arange(len(order)), state.service]
        left = before[orders.promised[order] + 1] - today
        to_ship = before[orders.ship_by[order] + 1] - today
        starts = before[orders.not_before[order] // DAY] - today
        waited = np.maximum(today - before[state.since // DAY] - (state.since % DAY) / DAY, 0.0)
        queue = self._queue[state.site]
        ahead = np.where(state.priority == 0, queue[:, 2:4, 0].sum(1), queue[:, 2:4].sum((1, 2)))
        customer = orders.customer[order]
        return np.column_stack([
            state.site, state.service, state.carrier, orders.channel[order],
            world.customers.tier[customer], state.stage,
            left, to_ship, left - road, road, np.maximum(starts, 0.0), waited,
            np.where(state.stage == 4, left - road + waited, left - road),
            state.held, state.short, np.where(state.stage < 2, state.cover, 20.0), state.priority,
            ahead + more_ahead, queue[:, 0].sum(1), queue[:, 1].sum(1),
            np.full(len(order), self._desk),
            state.due, np.where(state.due > 0, left - road - state.due, 20.0),
            self._slow[state.carrier], orders.lines[order], np.log1p(orders.weight_kg[order]),
            orders.regulated[order], np.full(len(order), now.now % DAY / HOUR),
            np.full(len(order), now.now // DAY % 7),
        ]).astype(np.float64)  # fmt: skip


INPUTS = [
    "site", "service", "carrier", "channel", "tier", "stage", "left", "to_ship", "slack", "road",
    "starts", "waited", "road_left", "held", "short", "cover", "priority", "ahead", "unchecked",
    "waiting", "desk", "due", "due_left", "slow", "lines", "weight", "regulated", "hour", "weekday",
]  # fmt: skip


def _within(counts: Ints) -> Ints:
    ends = np.cumsum(counts)
    return np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - counts, counts)


@dataclass(frozen=True, slots=True)
class Model:
    """Probability of lateness, and days late if late."""

    late: lgb.Booster
    days: lgb.Booster

    def p_late(self, view: View, state: State) -> Floats:
        """Return (k,) probabilities."""
        if not len(state.order):
            return np.empty(0)
        return np.asarray(self.late.predict(view.features(state), num_threads=1), dtype=np.float64)

    def loss(self, view: View, state: State, more_ahead: float = 0.0) -> tuple[Floats, Floats]:
        """Return (k,) probabilities and expected USD lost by being late."""
        p, owed = self.outlook(view, state, more_ahead)
        return p, p * owed

    def outlook(self, view: View, state: State, more_ahead: float = 0.0) -> tuple[Floats, Floats]:
        """Return (k,) probabilities and USD that are lost if late."""
        if not len(state.order):
            return np.empty(0), np.empty(0)
        x, orders = view.features(state, more_ahead), view.now.orders
        p = np.asarray(self.late.predict(x, num_threads=1), dtype=np.float64)
        days = np.clip(
            np.asarray(self.days.predict(x, num_threads=1), dtype=np.float64), 1.0, LONGEST_DAYS
        )
        owed = np.minimum(orders.penalty[state.order] * days, PENALTY_CAP) + LOST_GOODWILL * days
        return p, owed * orders.value[state.order]
