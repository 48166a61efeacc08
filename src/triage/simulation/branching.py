"""A world that can stop at midnight and go on in another way, under luck drawn anew."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import simpy

from triage.simulation import transit
from triage.simulation.calendar import DAY, NEVER, Ints
from triage.simulation.causes import EVERY
from triage.simulation.demand import Orders
from triage.simulation.draws import Floats
from triage.simulation.entry import enter
from triage.simulation.floor import INBOUND
from triage.simulation.operations import DELIVERIES_AT, Operations, Process
from triage.simulation.result import Result
from triage.simulation.shocks import Shocks
from triage.simulation.sizing import empty_floor
from triage.simulation.world import World

_FOLLOWS = (
    *("gives_up", "changes_at", "change_takes", "repair", "recount", "partial", "phantom"),
    *("first", "lines", "work", "site", "priority"),
)
"""Tables of the floor that follow from the orders and their luck."""
_MOST_TRIES = 200


class Branching(Operations):
    """A run that advances midnight by midnight and can be turned to another future once.

    To try several futures, turn copies of the process (fork).
    """

    def __init__(self, world: World, shocks: Shocks, orders: Orders) -> None:
        super().__init__(world, shocks, orders, EVERY)
        own = {name: getattr(self.floor, name).copy() for name in _FOLLOWS}
        self.floor = self.floor._replace(**own)
        self._ordered: list[tuple[int, int]] = []
        self._office_work = self._begin(0)
        for site in range(len(world.sites.code)):
            self.env.process(self._site(site))

    def until(self, minute: int) -> None:
        """Let the time pass up to a minute, which itself has not begun."""
        if minute > self.now:
            self.env.run(until=minute)

    def turn(
        self, orders: Orders, shocks: Shocks, rng: np.random.Generator, until: int
    ) -> None:  # fmt: skip
        """Go on from this midnight with other luck, other shocks and other times of supply.

        What has happened stays. Deliveries from suppliers that are on their way come on another
        day, given that they have not come so far.

        Args:
            orders: the same up to now, with luck that agrees with what has happened to them.
            shocks: the same up to now.
            rng: where suppliers' luck comes from.
            until: the first minute of the day of which it is not known what suppliers deliver.
        """
        self._delay_supply(rng, (until - 1 - DELIVERIES_AT) // DAY)
        self.orders, self.shocks = orders, shocks
        self.entry = enter(self.world, shocks, orders, EVERY)
        later = self.entry.checked >= self.now
        self.validated = np.where(
            later, np.where(self.entry.held, NEVER, self.entry.checked), self.validated
        )
        fresh = empty_floor(self.world, orders, EVERY, self.target)
        for name in _FOLLOWS:
            getattr(self.floor, name)[:] = getattr(fresh, name)
        self._lead_luck[self.now // DAY :] = rng.standard_normal(
            self._lead_luck[self.now // DAY :].shape
        )
        for process in self._office_work:
            if process.is_alive:
                process.interrupt()
        self._office_work = self._begin(self.now)

    def watch_shelves(self) -> None:
        """Write down from now on what lies on the shelves."""
        floor = self.floor
        cells = np.arange(len(floor.on_hand), dtype=np.int64)
        rows = np.column_stack([cells, floor.on_hand, floor.taken, floor.inbound])
        self._stock, self.watch = [(self.now, rows.astype(np.int64))], True
        floor.touched[:] = False

    def outcome(self) -> Result:
        """Return what has happened until now, with the shelves since they are watched.

        Inbound deliveries are not in it. Nothing goes on after it.
        """
        self.watch = False
        return replace(self.result(), stock=self._stock_table())

    def chance_late(self, chosen: Ints) -> Floats:
        """Return the chance that some orders are late, by when they have left until now.

        Exact as soon as the time up to their promises has passed; an order that was cancelled
        before it could be late is NaN.
        """
        dispatched = transit.pickup(self.world, self.floor.packed[chosen], self.carrier[chosen])
        chance = transit.chance_late(self.world, self.shocks, self.orders, dispatched, chosen)
        gone = self.floor.cancelled[chosen] < self.orders.late_from[chosen]
        return np.where(gone, np.nan, chance)

    def _begin(self, since: int) -> list[simpy.Process]:
        work = (self._intake(since), self._cases(since))
        return [self.env.process(_until_told(process)) for process in work]

    def _order_stock(self, site: int, day: int) -> None:
        self._ordered.append((self._made, day))
        super()._order_stock(site, day)

    def _delay_supply(self, rng: np.random.Generator, last: int) -> None:
        """Let what was not delivered by the end of a day come on another day."""
        for site, inbound in self._inbound():
            times = self.floor.due_time[site, INBOUND, : len(inbound)]
            due = times // DAY
            supplier = self.world.skus.supplier[
                self.floor.po_cell[inbound] % len(self.world.skus.code)
            ]
            first = np.array([made for made, _ in self._ordered])
            day = np.array([day for _, day in self._ordered])
            made_on = day[np.searchsorted(first, inbound, side="right") - 1]
            for when in np.unique(made_on[due > last]).tolist():
                open_ = (made_on == when) & (due > last)
                new = self._later(when, last, np.unique(supplier[open_]), rng)
                moved = np.where(new[supplier[open_]] > 0, new[supplier[open_]], due[open_])
                times[open_] += (moved - due[open_]) * DAY
            by_time = np.lexsort((inbound, times))
            self.floor.due_what[site, INBOUND, : len(inbound)] = inbound[by_time]
            self.floor.due_time[site, INBOUND, : len(inbound)] = times[by_time]

    def _inbound(self) -> Iterator[tuple[int, Ints]]:
        """Yield each site with the numbers of its deliveries on their way."""
        for site in range(len(self.world.sites.code)):
            size = self.floor.due_size[site, INBOUND]
            if size:
                yield site, self.floor.due_what[site, INBOUND, :size].copy()

    def _later(self, made_on: int, last: int, suppliers: Ints, rng: np.random.Generator) -> Ints:
        """Return by supplier a day after the last on which an order comes; 0 if unknown."""
        count = len(self.world.suppliers.code)
        found, left = np.zeros(count, dtype=np.int64), suppliers
        for _ in range(_MOST_TRIES):
            due = self.due_days(made_on, rng.standard_normal(count))
            came = left[due[left] > last]
            found[came] = due[came]
            left = left[due[left] <= last]
            if not len(left):
                break
        return found


def _until_told(process: Process) -> Process:
    try:
        yield from process
    except simpy.Interrupt:
        return
