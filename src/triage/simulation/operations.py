"""One run of a world: simpy processes for office, sites and supply; waves move the orders.

The office takes cases one by one, in a queue with priority. Each site works in waves, four a
working day. Stock is ordered every working morning. What happens to an order depends on the others
through these queues only; its luck is its own and the same in every run.
"""

from __future__ import annotations

from collections.abc import Generator
from itertools import pairwise
from typing import Any

import numpy as np
import simpy

from triage.simulation import transit
from triage.simulation.calendar import DAY, HOUR, NEVER, Ints
from triage.simulation.causes import EVERY, Cause
from triage.simulation.demand import Orders
from triage.simulation.draws import Floats, stream
from triage.simulation.entry import CATCHES_UP, HURRY, enter, standstills
from triage.simulation.queues import push_all
from triage.simulation.result import Result, Stock, Supply, Waves
from triage.simulation.shelves import changed_cells, reorder
from triage.simulation.shocks import Shocks
from triage.simulation.sizing import clerks, empty_floor, pickers, stock_levels
from triage.simulation.waves import wave
from triage.simulation.world import World

Process = Generator[simpy.Event, Any, None]

WAVES = (0, 3 * HOUR + 30, 7 * HOUR, 9 * HOUR + 30)
"""Minutes after a site opens at which its waves begin."""
DELIVERIES_AT = 5 * HOUR
LINGERS = 60
"""Days that a run goes on after its last one, so that open orders come to their end."""
_LONGEST_LEAD = 400
"""Days; no supplier takes longer, whatever comes together."""


class Operations:
    """A run in progress.

    Args:
        world, shocks, orders: what there is.
        causes: which causes exist in this run.
        watch: whether shelves and inbound deliveries are written down.
    """

    def __init__(
        self, world: World, shocks: Shocks, orders: Orders, causes: Cause = EVERY, *,
        watch: bool = False,
    ) -> None:  # fmt: skip
        self.world, self.shocks, self.orders = world, shocks, orders
        self.causes, self.watch = causes, watch
        self.env = simpy.Environment()
        self.entry = enter(world, shocks, orders, causes)
        self.validated = np.where(self.entry.held, NEVER, self.entry.checked)
        self.service = orders.service.copy()
        self.carrier = orders.carrier.copy()
        self.urgent = np.zeros(len(orders), dtype=bool)
        self.asked = np.full(len(orders), NEVER, dtype=np.int64)
        self.answering: dict[int, simpy.Process] = {}
        self.point, self.target = stock_levels(world, orders)
        self._pace = pickers(world, orders)
        self.floor = empty_floor(world, orders, causes, self.target)
        self._lead_luck = stream(world.seed, "lead times").standard_normal(
            (world.calendar.days + 1, len(world.sites.code), len(world.suppliers.code))
        )
        self._supply: list[tuple[int, int, Ints]] = []
        self._made = 0
        self._made_on: list[tuple[int, int]] = []
        self._stock: list[tuple[int, Ints]] = []
        self._waves: list[tuple[int, int, int, float, int, int, int]] = []
        self.desk = simpy.PriorityResource(self.env, clerks(world, self.entry))

    @property
    def now(self) -> int:
        """Return the minute that it is."""
        return int(self.env.now)

    def run(self) -> Result:
        """Let the days pass and return what happened."""
        calendar = self.world.calendar
        self.env.process(self._intake())
        self.env.process(self._cases())
        for site in range(len(self.world.sites.code)):
            self.env.process(self._site(site))
        self.env.run(until=(calendar.days + LINGERS) * DAY)
        result = self.result()
        self.env = simpy.Environment()  # lets go of what still waits
        return result

    # --- the office ---------------------------------------------------------------------------

    def _intake(self, since: int = 0) -> Process:
        """Hand the orders that the automatic checks pass to their sites, day by day."""
        free = np.flatnonzero(~self.entry.held & (self.entry.checked >= since))
        free = free[np.argsort(self.entry.checked[free], kind="stable")]
        day = self.entry.checked[free] // DAY
        for today in range(since // DAY, self.world.calendar.days + 30):
            low, high = np.searchsorted(day, [today, today + 1])
            self.send(free[low:high], self.entry.checked[free[low:high]])
            yield self.env.timeout(DAY)

    def send(self, orders: Ints, validated: Ints) -> None:
        """Send orders to their sites, each from its approval and its earliest day on."""
        starts = np.maximum(validated, self.orders.not_before[orders])
        push_all(self.floor, orders, starts)

    def _cases(self, since: int = 0) -> Process:
        held = np.flatnonzero(self.entry.held & (self.entry.checked >= since))
        held = held[np.argsort(self.entry.checked[held], kind="stable")]
        for order in held.tolist():
            wait = int(self.entry.checked[order]) - self.env.now
            if wait > 0:
                yield self.env.timeout(wait)
            self.env.process(self._case(order))

    def _case(self, order: int) -> Process:
        """Work on one order that is held, then wait for the answer of whoever was asked."""
        env = self.env
        tier = int(self.world.customers.tier[self.orders.customer[order]])
        with self.desk.request(priority=-1 if self.urgent[order] else tier) as turn:
            yield turn
            pace = self.shocks.desk[self.now // DAY]
            yield env.timeout(self._office(int(self.entry.work[order] / pace)) - env.now)
        answer = int(self.entry.answer[order])
        until = self._office(answer // HURRY if self.urgent[order] else answer)
        self.asked[order] = env.now
        process = env.active_process
        assert process is not None  # noqa: S101 - we are in it
        self.answering[order] = process
        try:
            yield env.timeout(until - env.now)
            del self.answering[order]
        except simpy.Interrupt:
            left = until - env.now
            yield env.timeout(min(left, max(30, left // HURRY)))
        self.validated[order] = env.now
        self.send(np.array([order]), np.array([env.now]))

    def _office(self, minutes: int) -> int:
        """Return the minute at which so many minutes of office time from now have passed."""
        return self.world.calendar.after_one(self.now, minutes) if minutes else self.now

    # --- the sites ----------------------------------------------------------------------------

    def _site(self, site: int) -> Process:
        env, sites = self.env, self.world.sites
        opens, closes = int(sites.opens[site]), int(sites.closes[site])
        starts = [opens + after for after in WAVES]
        windows = list(zip(starts, [*starts[1:], closes], strict=True))
        endless = not self.causes & Cause.STOCK
        hands = bool(self.causes & Cause.CAPACITY)
        workdays = self.world.calendar.workdays.tolist()
        for day, next_day in pairwise(workdays):
            shift = (day * DAY + closes, next_day * DAY + opens)
            if not endless:
                yield env.timeout(day * DAY + DELIVERIES_AT - env.now)
                self._order_stock(site, day)
            pace = float(self._pace[site] * (self.shocks.labour[day, site] if hands else 1.0))
            pace *= float(self.shocks.demand[day]) ** 0.6
            for start, end in windows:
                now = day * DAY + start
                yield env.timeout(now - env.now)
                held = self._held(now)
                wave(self.floor, site, now, day * DAY + end, shift, pace, held, endless, hands)
                busy = int(self.floor.busy[site])
                idle = max(now, busy) if busy < day * DAY + end else NEVER
                self._waves.append((site, now, held, pace, *shift, idle))
                if self.watch:
                    cells = changed_cells(self.floor, site, len(self.world.skus.code))
                    self._stock.append((now, cells))

    def _held(self, now: int) -> int:
        if not self.causes & Cause.INTEGRATION:
            return 0
        ends = [until for begins, until in standstills(self.shocks, 1) if begins <= now < until]
        return ends[-1] + CATCHES_UP if ends else 0

    def _order_stock(self, site: int, day: int) -> None:
        due = self.due_days(day, self._lead_luck[min(day, self.world.calendar.days), site])
        skus = self.world.skus
        before = self._made
        self._made = reorder(
            self.floor, site, len(skus.code), self.point, self.target,
            (due * DAY + DELIVERIES_AT)[skus.supplier], before,
        )  # fmt: skip
        if self._made > before:
            self._made_on.append((before, day))
        if self.watch and self._made > before:
            self._supply.append((before, day, due))

    def expected(self, deliveries: Ints) -> Ints:
        """Return minutes at which deliveries, by number, are expected by usual lead times."""
        if not len(deliveries):
            return deliveries.astype(np.int64)
        first = np.array([made for made, _ in self._made_on])
        day = np.array([day for _, day in self._made_on])
        made_on = day[np.searchsorted(first, deliveries, side="right") - 1]
        supplier = self.world.skus.supplier[
            self.floor.po_cell[deliveries] % len(self.world.skus.code)
        ]
        lead = np.ceil(self.world.suppliers.lead_days[supplier]).astype(np.int64)
        return self.world.calendar.ahead(made_on + lead, 0) * DAY + DELIVERIES_AT

    def due_days(self, day: int, drift: Floats) -> Ints:
        """Return the day on which what is ordered on a day arrives, for each supplier.

        Args:
            day: of the order.
            drift: (suppliers,) standard normal.
        """
        suppliers = self.world.suppliers
        slow = self.shocks.lead[min(day, len(self.shocks.lead) - 1)]
        lead = suppliers.lead_days * slow * np.exp(suppliers.noise * drift)
        whole = np.clip(np.round(lead), 2, _LONGEST_LEAD).astype(np.int64)
        return self.world.calendar.ahead(day + whole, 0)

    # --- the outcome --------------------------------------------------------------------------

    def result(self) -> Result:
        """Return what has happened, and what will become of what has left."""
        floor, orders = self.floor, self.orders
        dispatched = transit.pickup(self.world, floor.packed, self.carrier)
        delivered = transit.deliver(
            self.world, self.shocks, orders, dispatched, self.causes, site=floor.site,
            service=self.service, carrier=self.carrier,
        )  # fmt: skip
        waited = np.where(floor.released < NEVER, floor.released - floor.first_allocated, 0)
        return Result(
            self.entry, floor.site, self.service, self.carrier, floor.priority, self.asked,
            floor.ready, self.validated, floor.first_allocated, floor.allocated,
            floor.released, floor.queued, floor.started, floor.packed, dispatched, delivered,
            floor.cancelled, floor.short_since, floor.short_at, floor.change_seen, waited > 0,
            floor.in_full, self._stock_table(), self._supply_table(),
            Waves(*(np.array(column) for column in zip(*self._waves, strict=True))),
        )  # fmt: skip

    def _stock_table(self) -> Stock:
        rows = np.concatenate([cells for _, cells in self._stock]) if self._stock else _NO_ROWS
        minute = np.repeat(
            np.array([now for now, _ in self._stock], dtype=np.int64),
            np.array([len(cells) for _, cells in self._stock], dtype=np.int64),
        )
        return Stock(rows[:, 0], minute, rows[:, 1], rows[:, 2], rows[:, 3])

    def _supply_table(self) -> Supply:
        made, skus = self._made if self.watch else 0, self.world.skus
        cell, pieces = self.floor.po_cell[:made], self.floor.po_pieces[:made]
        ordered = np.zeros(made, dtype=np.int64)
        arrives = np.zeros(made, dtype=np.int64)
        ends = [*(first for first, _, _ in self._supply[1:]), made][: len(self._supply)]
        supplier = skus.supplier[cell % len(skus.code)]
        for (first, day, due), last in zip(self._supply, ends, strict=True):
            ordered[first:last] = day * DAY + DELIVERIES_AT
            arrives[first:last] = due[supplier[first:last]] * DAY + DELIVERIES_AT
        lead = np.ceil(self.world.suppliers.lead_days[supplier]).astype(np.int64)
        expected = self.world.calendar.ahead(ordered // DAY + lead, 0) * DAY + DELIVERIES_AT
        return Supply(cell, pieces, ordered, expected, arrives)


_NO_ROWS = np.zeros((0, 4), dtype=np.int64)
