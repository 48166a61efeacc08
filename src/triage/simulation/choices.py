"""What would have come of other ways chosen at any moment: the truth behind advice given later.

`alternatives` asks at the moment when the checks were through. People decide in sessions, when an
order has stood for a while; each way is replayed from then on against the real run (see `replay`)
with the order's own luck, as far as it had not shown by then.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from triage.simulation import transit
from triage.simulation.alternatives import befalls, remember
from triage.simulation.calendar import NEVER, Ints
from triage.simulation.causes import EVERY
from triage.simulation.demand import FREIGHT_KG
from triage.simulation.draws import Floats
from triage.simulation.economics import (
    MOVE_COST,
    SPLIT_COST,
    SPLIT_FREIGHT,
    SUBSTITUTE_COST,
    freight,
    freight_of,
    lateness_cost,
)
from triage.simulation.replay import Luck, packed_at
from triage.simulation.sample import Simulated
from triage.simulation.world import EXPRESS, GROUND


@dataclass(frozen=True, slots=True)
class Choice:
    """One other way for one order.

    Attributes:
        order: its number.
        minute: from when on the change holds.
        site: from where the lines in `moves` ship then; -1: nothing moves.
        moves: places of lines within the order, from 0.
        pieces: how many of each line in `moves` ship from there; the rest stays. Empty: all.
        express: whether it goes by Express.
        instead: items that ship from its own site in place of those of the lines in `moves`.
    """

    order: int
    minute: int
    site: int = -1
    moves: tuple[int, ...] = ()
    pieces: tuple[int, ...] = ()
    express: bool = False
    instead: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Came:
    """What came of k choices.

    Attributes:
        possible: (k,) whether it could still be done.
        delivered: (k,) minutes; NEVER where it was not possible or does not arrive within the run.
        cost: (k,) USD more of freight and handling than by staying; 0 where it was not possible.
        saved: (k,) USD of lateness less than by staying (negative: more); 0 likewise.
    """

    possible: npt.NDArray[np.bool_]
    delivered: Ints
    cost: Floats
    saved: Floats


class Chooser:
    """Replays choices in a world after its days have passed.

    Args:
        done: that world, its shelves watched.
    """

    def __init__(self, done: Simulated) -> None:
        self.done = done
        self._past = remember(done.world, done.run)
        self._luck = befalls(done.world, done.orders, done.run)
        self._quick = transit.express_carrier(done.world, done.orders)
        self._skus = len(done.world.skus.code)

    def able(self, choice: Choice) -> bool:
        """Return whether it can still be done: goods move before they are allocated.

        What has its stock can go by another service until it is packed. Orders that are called off
        later do not count.
        """
        run, order = self.done.run, choice.order
        ends = run.first_allocated if choice.moves else run.packed
        return bool(ends[order] > choice.minute and run.cancelled[order] >= NEVER)

    def stocking(self, order: int, moves: tuple[int, ...]) -> Ints:
        """Return the other sites that keep all of some lines and may ship them."""
        done = self.done
        sku = done.orders.own.sku[int(done.orders.first_line[order]) + np.array(moves)]
        kept = done.world.skus.stocked[sku].all(axis=0)
        if done.orders.regulated[order]:
            kept &= ~done.world.sites.third_party
        kept[done.orders.site[order]] = False
        return np.flatnonzero(kept).astype(np.int64)

    def may_express(self, order: int) -> bool:
        """Return whether an order can go by Express."""
        orders = self.done.orders
        return bool(
            orders.service[order] == GROUND and not orders.regulated[order]
            and self._quick[order] >= 0 and orders.weight_kg[order] <= FREIGHT_KG
        )  # fmt: skip

    def short(self, order: int, minute: int, site: int = -1) -> tuple[int, ...]:
        """Return the lines whose stock does not lie free at a minute: at a site, or its own."""
        return tuple(np.flatnonzero(self._missing(order, minute, site)).tolist())

    def completing(self, order: int, minute: int) -> list[Choice]:
        """Return the ways to ship what is missing at a minute from one other site that has it."""
        lines, missing = self._lines(order), self._missing(order, minute)
        moves = np.flatnonzero(missing)
        if not len(moves) or (missing == self.done.orders.own.quantity[lines]).all():
            return []
        places = tuple(moves.tolist())
        return [
            Choice(order, minute, site, places, tuple(missing[moves].tolist()))
            for site in self.stocking(order, places).tolist()
            if (self._free(order, minute, site)[moves] >= missing[moves]).all()
        ]

    def substituted(self, order: int, minute: int) -> list[Choice]:
        """Return the way to ship substitutes of all that is short at a minute, if there is one."""
        done, lines = self.done, self._lines(order)
        short = list(self.short(order, minute))
        sku, pieces = done.orders.own.sku[lines], done.orders.own.quantity[lines]
        other = done.world.skus.substitute[sku[short]]
        if (
            not short
            or (other < 0).any()
            or len({*sku.tolist(), *other.tolist()}) < len(set(sku.tolist())) + len(short)
        ):
            return []
        home = int(done.orders.site[order])
        there = [self._at(home, int(each), minute) for each in other]
        if (np.array(there) < pieces[short]).any():
            return []
        return [Choice(order, minute, -1, tuple(short), instead=tuple(other.tolist()))]

    def _missing(self, order: int, minute: int, site: int = -1) -> Ints:
        """Return pieces by line that do not lie free at a minute: at a site, or its own."""
        quantity = self.done.orders.own.quantity[self._lines(order)]
        place = int(self.done.orders.site[order]) if site < 0 else site
        missing: Ints = np.maximum(quantity - self._free(order, minute, place), 0)
        return missing

    def _free(self, order: int, minute: int, site: int) -> Ints:
        """Return pieces free by line at a site at a minute."""
        skus = self.done.orders.own.sku[self._lines(order)].tolist()
        return np.array([self._at(site, sku, minute) for sku in skus], dtype=np.int64)

    def _at(self, site: int, sku: int, minute: int) -> int:
        past, shelf = self._past, site * self._skus + sku
        low, high = past.shelf_from[shelf], past.shelf_from[shelf + 1]
        place = low + np.searchsorted(past.shelf_minute[low:high], minute, side="right") - 1
        return max(int(past.shelf_free[place]), 0) if place >= low else 0

    def came(self, choices: Sequence[Choice]) -> Came:
        """Return what would have come of choices, each alone in a world that stays as it was."""
        orders, run, world = self.done.orders, self.done.run, self.done.world
        order = np.array([each.order for each in choices], dtype=np.int64)
        express = np.array([each.express for each in choices], dtype=bool)
        service = np.where(express, EXPRESS, orders.service[order])
        carrier = np.where(express, self._quick[order], orders.carrier[order])
        sites = np.array([(self._home(e), self._there(e)) for e in choices], dtype=np.int64)
        delivered = np.zeros(len(order), dtype=np.int64)
        for part in range(2):
            packed = np.array([self._packed(e, part) for e in choices], dtype=np.int64)
            come = transit.deliver(
                world, self.done.shocks, orders, transit.pickup(world, packed, carrier), EVERY,
                chosen=order, site=sites[:, part], service=service, carrier=carrier,
            )  # fmt: skip
            delivered = np.maximum(delivered, np.where(packed < 0, 0, come))
        possible = np.array([self.able(e) for e in choices], dtype=bool)
        delivered = np.where(possible, delivered, NEVER)
        saved = lateness_cost(orders, order, run.delivered[order]) - lateness_cost(
            orders, order, delivered
        )
        cost = self._cost(choices, order, service, carrier)
        return Came(
            possible, delivered, np.where(possible, cost, 0.0), np.where(possible, saved, 0.0)
        )

    def _cost(self, choices: Sequence[Choice], order: Ints, service: Ints, carrier: Ints) -> Floats:
        """Return (k,) USD more of freight and handling than by staying."""
        orders, world = self.done.orders, self.done.world
        home = orders.site[order]
        usual = freight(world, orders, order, home, orders.service[order], orders.carrier[order])
        whole = np.array([self._is_whole(each) for each in choices], dtype=bool)
        other = np.array([bool(each.instead) for each in choices], dtype=bool)
        split = np.array([bool(e.moves) for e in choices], dtype=bool) & ~whole & ~other
        there = np.array([self._there(each) for each in choices], dtype=np.int64)
        this_way = freight(world, orders, order, np.where(whole, there, home), service, carrier)
        cost = this_way - usual + np.where(whole, MOVE_COST, 0.0)
        cost += np.where(other, SUBSTITUTE_COST, 0.0)
        kg = np.array([self._part_kg(each) for each in choices])
        part = freight_of(world, orders, order, kg, there, service, carrier)
        part = np.where(kg > 0, part, SPLIT_FREIGHT * this_way)
        return (cost + np.where(split, part + SPLIT_COST, 0.0)).astype(np.float64).round(2)

    def _is_whole(self, choice: Choice) -> bool:
        return (
            choice.site >= 0
            and not choice.pieces
            and len(choice.moves) == self.done.orders.lines[choice.order]
        )

    def _part_kg(self, choice: Choice) -> float:
        """Return what pieces that move weigh; 0 where whole lines do."""
        if not choice.pieces:
            return 0.0
        sku = self.done.orders.own.sku[self._lines(choice.order)][list(choice.moves)]
        return float(self.done.world.skus.weight_kg[sku] @ np.array(choice.pieces))

    def _home(self, choice: Choice) -> int:
        return int(self.done.orders.site[choice.order])

    def _there(self, choice: Choice) -> int:
        return choice.site if choice.site >= 0 else self._home(choice)

    def _lines(self, order: int) -> slice:
        first = int(self.done.orders.first_line[order])
        return slice(first, first + int(self.done.orders.lines[order]))

    def _packed(self, choice: Choice, part: int) -> int:
        """Return when the lines that stay (0) or move (1) are packed; -1 if there are none."""
        orders, lines = self.done.orders, self._lines(choice.order)
        pieces = orders.own.quantity[lines].copy()
        moved = np.zeros_like(pieces)
        places, sku = list(choice.moves), orders.own.sku[lines].copy()
        if choice.instead:
            sku[places] = choice.instead
        else:
            moved[places] = choice.pieces or pieces[places]
        pieces = moved if part else pieces - moved
        chosen = pieces > 0
        if not chosen.any():
            return -1
        if not choice.moves and self.done.run.first_allocated[choice.order] <= choice.minute:
            return int(self.done.run.packed[choice.order])
        site = choice.site if part else self._home(choice)
        priority = 0 if choice.express else int(orders.priority[choice.order])
        shelves = site * self._skus + sku[chosen]
        luck, ready = self._as_of(choice.order, choice.minute)
        _, packed = packed_at(
            self._past, luck, choice.order, site, priority, ready, shelves,
            pieces[chosen], not part and not choice.moves,
        )  # fmt: skip
        return int(packed)

    def _as_of(self, order: int, minute: int) -> tuple[Luck, int]:
        """Return the luck that is still to come after a minute, and from when it may go on."""
        run, luck = self.done.run, self._luck
        ready = max(minute, int(run.validated[order]), int(self.done.orders.not_before[order]))
        if run.change_seen[order] <= minute:
            changed = luck.changes_at.copy()
            changed[order] = NEVER
            luck = luck._replace(changes_at=changed)
            ready = max(ready, int(run.change_seen[order] + self._luck.change_takes[order]))
        return luck, ready
