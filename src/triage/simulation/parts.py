"""Orders that ship in two parts: what is missing at their site goes from another one.

The second part is an order of its own on the floor of the other site: one more row behind all
orders, with lines behind all lines. It waits, is picked and travels like any other; the order has
arrived when both have.
"""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from triage.simulation import transit
from triage.simulation.calendar import NEVER, Ints
from triage.simulation.floor import (
    FUTURE,
    NONE,
    PICK_BASE,
    PICK_LINE,
    WAITING,
    Floor,
)
from triage.simulation.operations import Operations
from triage.simulation.queues import push_all
from triage.simulation.result import Result
from triage.simulation.shelves import want

Bools = npt.NDArray[np.bool_]
_BY_LINE = ("cell", "quantity", "phantom")
_NOT_BY_ORDER = (
    *_BY_LINE, *("on_hand", "taken", "wanted", "inbound", "touched", "po_cell", "po_pieces"),
    *("ends", "due_time", "due_what", "due_size", "busy"),
)  # fmt: skip
_MOMENTS = (
    *("ready", "short_since", "first_allocated", "allocated", "released", "queued", "started"),
    *("packed", "cancelled", "change_seen", "short_at"),
)


class Parts:
    """The second parts of the orders of a run.

    Args:
        run: before any order of it was split.

    Attributes:
        of: the order that each part belongs to.
        kg: what each part weighs.
    """

    def __init__(self, run: Operations) -> None:
        self.run = run
        self.orders = len(run.orders)
        self.of: list[int] = []
        self.kg: list[float] = []

    def split(self, order: int, site: int) -> bool:
        """Have pieces that are missing for an order shipped from another site, as many as it has.

        It is possible while the order waits for stock and a part is there, or on its way from a
        third site; dangerous goods do not ship from a 3PL.

        Returns:
            Whether it was possible.
        """
        run, floor, sites = self.run, self.run.floor, self.run.world.sites
        if not 0 <= site < len(sites.code) or site == floor.site[order]:
            return False
        if floor.status[order] != WAITING:
            return False
        if sites.third_party[site] and run.orders.regulated[order]:
            return False
        lines = slice(int(floor.first[order]), int(floor.first[order] + floor.lines[order]))
        there = site * len(run.world.skus.code) + floor.cell[lines] % len(run.world.skus.code)
        given = np.minimum(_missing(floor, lines), _free(floor, there))
        moves = np.flatnonzero(given)
        if not len(moves) or (given == floor.quantity[lines]).all():
            return False
        phantom = floor.phantom[lines][moves]
        want(floor, order, -1)
        floor.quantity[lines] -= given
        floor.phantom[lines] &= floor.quantity[lines] > 0
        want(floor, order, 1)
        self._add(order, site, there[moves], given[moves], phantom)
        return True

    def _add(self, order: int, site: int, cell: Ints, quantity: Ints, phantom: Bools) -> None:
        """Put one more row behind the orders: a copy of the order that has these lines."""
        run, row = self.run, len(self.run.floor.site)
        own = run.floor._asdict()
        by_order: dict[str, Any] = {
            name: _and_again(table, order)
            for name, table in own.items()
            if name not in _NOT_BY_ORDER
        }
        for name in _MOMENTS:
            by_order[name][row] = NEVER
        by_order["first"][row], by_order["lines"][row] = len(run.floor.cell), len(cell)
        by_order["work"][row] = PICK_BASE + PICK_LINE * len(cell)
        by_order["site"][row], by_order["status"][row] = site, FUTURE
        by_order["link"][row], by_order["in_full"][row] = NONE, True
        by_line: dict[str, Any] = {
            name: np.concatenate([own[name], new])
            for name, new in zip(_BY_LINE, (cell, quantity, phantom), strict=True)
        }
        run.floor = run.floor._replace(**by_order, **by_line)
        for name in ("service", "carrier", "validated", "urgent", "asked"):
            setattr(run, name, _and_again(getattr(run, name), order))
        longer: dict[str, Any] = {
            each.name: _and_again(getattr(run.orders, each.name), order)
            for each in fields(run.orders)
            if each.name != "own"
        }
        run.orders = replace(run.orders, **longer)
        self.of.append(order)
        self.kg.append(float(run.world.skus.weight_kg[cell % len(run.world.skus.code)] @ quantity))
        push_all(run.floor, np.array([row]), np.array([run.now]))

    def arrive(self) -> tuple[Ints, Ints, Ints]:
        """Return of (k,) parts: which order's they are, when they leave, when they arrive.

        What the customer called off counts as there.
        """
        run, rows = self.run, np.arange(self.orders, self.orders + len(self.of))
        floor, of = run.floor, np.array(self.of, dtype=np.int64)
        leaves = transit.pickup(run.world, floor.packed[rows], run.carrier[rows])
        arrives = transit.deliver(
            run.world, run.shocks, run.orders, leaves, run.causes, chosen=rows,
            site=floor.site[rows], service=run.service[rows], carrier=run.carrier[rows],
        )  # fmt: skip
        off = floor.cancelled[rows] < NEVER
        return of, np.where(off, 0, leaves), np.where(off, 0, arrives)

    def wait_for(self, low: int, dispatched: Ints, delivered: Ints) -> None:
        """Have orders (from number `low` on, in place) leave and arrive when both parts have."""
        of, leaves, arrives = self.arrive()
        here = (of >= low) & (of < low + len(dispatched))
        np.maximum.at(dispatched, of[here] - low, leaves[here])
        np.maximum.at(delivered, of[here] - low, arrives[here])

    def together(self, result: Result) -> Result:
        """Return what happened to the orders: what was split is there when both parts are."""
        tables = {each.name: getattr(result, each.name) for each in fields(result)}
        own: dict[str, Any] = {
            name: table[: self.orders].copy()
            for name, table in tables.items()
            if isinstance(table, np.ndarray)
        }
        self.wait_for(0, own["dispatched"], own["delivered"])
        whole = result.in_full[self.orders :] & (result.cancelled[self.orders :] >= NEVER)
        np.logical_and.at(own["in_full"], np.array(self.of, dtype=np.int64), whole)
        return replace(result, **own)


def _missing(floor: Floor, lines: slice) -> Ints:
    """Return how many pieces of each line do not lie free at its site."""
    missing: Ints = np.maximum(floor.quantity[lines] - _free(floor, floor.cell[lines]), 0)
    return missing


def _free(floor: Floor, cell: Ints) -> Ints:
    free: Ints = np.maximum(floor.on_hand[cell] - floor.taken[cell], 0)
    return free


def _and_again(table: Ints, row: int) -> Ints:
    """Return a table with one of its rows once more at its end."""
    longer: Ints = np.concatenate([table, table[row : row + 1]])
    return longer
