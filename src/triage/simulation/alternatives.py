"""What would have happened to each order by another way: the truth behind every recommendation.

Moment of choice: when the ERP's automatic checks were through. Each way is replayed against the
real run (see `replay`) with the order's own luck.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from triage.simulation import transit
from triage.simulation.calendar import NEVER, Ints
from triage.simulation.causes import EVERY
from triage.simulation.demand import FREIGHT_KG, Orders
from triage.simulation.draws import Floats
from triage.simulation.economics import (
    MOVE_COST,
    SPLIT_COST,
    SPLIT_FREIGHT,
    SUBSTITUTE_COST,
    freight,
    lateness_cost,
)
from triage.simulation.entry import HURRY
from triage.simulation.replay import Luck, Past, turn_keys
from triage.simulation.result import Result
from triage.simulation.shocks import Shocks
from triage.simulation.sizing import empty_floor
from triage.simulation.ways import (
    EXPEDITE,
    FASTER,
    MOVE,
    SPLIT,
    SUBSTITUTE,
    Baskets,
    replay_all,
)
from triage.simulation.world import EXPRESS, GROUND, World

Whole = npt.NDArray[np.integer]


@dataclass(frozen=True, slots=True)
class Alternatives:
    """Feasible ways of k; several for one order.

    Numbers are kept small (int8, int32): there are millions of ways.

    Attributes:
        order: which order.
        action: number in ACTIONS.
        site: from where it would ship (for a split: its second part).
        service, carrier: how.
        allocated, packed, delivered: minutes.
        cost: USD more than as it was, freight and handling.
        saved: USD of penalty and goodwill less than as it was (negative: more).
    """

    order: Whole
    action: Whole
    site: Whole
    service: Whole
    carrier: Whole
    allocated: Whole
    packed: Whole
    delivered: Whole
    cost: Floats
    saved: Floats

    def __len__(self) -> int:
        return len(self.order)


@dataclass(frozen=True, slots=True)
class _Ways:
    """Ways before they are replayed: how, from where, and from when on."""

    order: Ints
    action: Ints
    site: Ints
    service: Ints
    carrier: Ints
    priority: Ints
    ready: Ints


def alternatives(world: World, shocks: Shocks, orders: Orders, real: Result) -> Alternatives:
    """Return the outcome of every feasible alternative of every order that was not cancelled."""
    past, luck = remember(world, real), befalls(world, orders, real)
    baskets = _baskets(world, orders)
    parts = []
    for ways in _ways(world, orders, real):
        allocated, packed, second = replay_all(
            past, luck, baskets, ways.order, ways.action, ways.site, ways.priority, ways.ready
        )
        parts.append(_outcome(world, shocks, orders, real, ways, allocated, packed, second))
    return Alternatives(
        *(
            np.concatenate([getattr(part, name) for part in parts])
            for name in Alternatives.__slots__
        )
    )


def _baskets(world: World, orders: Orders) -> Baskets:
    return Baskets(
        orders.site, orders.priority, orders.first_line, orders.lines, orders.own.sku,
        orders.own.quantity, world.skus.substitute, world.skus.stocked,
    )  # fmt: skip


def remember(world: World, real: Result) -> Past:
    """Return the real run as lists that can be looked up."""
    sites, shelves = len(world.sites.code), len(world.sites.code) * len(world.skus.code)
    waves = real.waves
    by_site = np.lexsort((waves.minute, waves.site))
    idle = by_site[waves.idle[by_site] < NEVER]
    stock = real.stock
    by_shelf = np.lexsort((stock.minute, stock.cell))
    begun = np.flatnonzero(real.started < NEVER)
    lane = 2 * real.site[begun] + real.priority[begun]
    key = turn_keys(real.queued[begun], real.ready[begun])
    by_lane = np.lexsort((key, lane))
    return Past(
        waves.minute[by_site], _starts(waves.site, sites), waves.held[by_site], waves.pace[by_site],
        waves.closes[by_site], waves.resumes[by_site],
        stock.minute[by_shelf], (stock.on_hand - stock.taken)[by_shelf],
        _starts(stock.cell, shelves), key[by_lane], real.started[begun][by_lane],
        _starts(lane, 2 * sites), waves.idle[idle], _starts(waves.site[idle], sites),
    )  # fmt: skip


def befalls(world: World, orders: Orders, real: Result) -> Luck:
    """Return what happens to each order whichever way it goes."""
    floor = empty_floor(world, orders, EVERY, np.zeros(1, dtype=np.int64))
    hit = np.bincount(orders.own.order, floor.phantom, len(orders)) > 0
    return Luck(
        floor.changes_at, floor.change_takes, floor.repair,
        np.where(hit & ~floor.partial, floor.recount, 0), floor.work, real.allocated,
    )  # fmt: skip


def _starts(group: Ints, groups: int) -> Ints:
    return np.concatenate([[0], np.cumsum(np.bincount(group, minlength=groups))]).astype(np.int64)


def _ways(world: World, orders: Orders, real: Result) -> list[_Ways]:
    """Return the ways that may be taken, by action."""
    open_ = np.flatnonzero((real.cancelled >= NEVER) & (real.packed < NEVER))
    ready = np.maximum(real.validated, orders.not_before)
    found = []

    def ways(chosen: Ints, action: int, **other: Ints) -> None:
        usual = {
            "site": orders.site[chosen], "service": orders.service[chosen],
            "carrier": orders.carrier[chosen], "priority": orders.priority[chosen],
            "ready": ready[chosen],
        }  # fmt: skip
        found.append(_Ways(chosen, np.full(len(chosen), action), **(usual | other)))

    stocked = _stocked_everywhere(world, orders)
    for site in range(len(world.sites.code)):
        able = open_[stocked[open_, site] & (orders.site[open_] != site)]
        if world.sites.third_party[site]:
            able = able[~orders.regulated[able]]
        ways(able, MOVE, site=np.full(len(able), site))
    quick = transit.express_carrier(world, orders)
    able = open_[
        (orders.service[open_] == GROUND) & ~orders.regulated[open_] & (quick[open_] >= 0)
        & (orders.weight_kg[open_] <= FREIGHT_KG)
    ]  # fmt: skip
    ways(
        able, FASTER, service=np.full(len(able), EXPRESS), carrier=quick[able],
        priority=np.zeros(len(able), dtype=np.int64),
    )  # fmt: skip
    short = open_[real.short_since[open_] < NEVER]
    for site in range(len(world.sites.code)):
        ways(
            short[orders.site[short] != site],
            SPLIT,
            site=np.full((orders.site[short] != site).sum(), site),
        )
    ways(short, SUBSTITUTE)
    held = open_[real.asked[open_] < NEVER]
    sooner = world.calendar.after(real.asked[held], real.entry.answer[held] // HURRY)
    ways(
        held,
        EXPEDITE,
        ready=np.maximum(np.minimum(sooner, real.validated[held]), orders.not_before[held]),
    )
    return found


def _stocked_everywhere(world: World, orders: Orders) -> npt.NDArray[np.bool_]:
    """Return (n, sites): which sites keep every item of an order."""
    return np.stack(
        [
            np.bincount(orders.own.order, ~world.skus.stocked[orders.own.sku, site], len(orders))
            == 0
            for site in range(len(world.sites.code))
        ],
        axis=1,
    )


def _outcome(
    world: World, shocks: Shocks, orders: Orders, real: Result, ways: _Ways,
    allocated: Ints, packed: Ints, second: Ints,
) -> Alternatives:  # fmt: skip
    """Return the ways that can be gone, with their delivery and what they cost."""
    able = packed < NEVER
    able &= (ways.action != SPLIT) | (second < NEVER)
    chosen, site = ways.order[able], ways.site[able]
    service, carrier, action = ways.service[able], ways.carrier[able], ways.action[able]
    delivered = transit.deliver(
        world, shocks, orders, transit.pickup(world, packed[able], carrier), EVERY,
        chosen=chosen, site=site, service=service, carrier=carrier,
    )  # fmt: skip
    home = orders.site[chosen]
    usual = freight(world, orders, chosen, home, orders.service[chosen], orders.carrier[chosen])
    cost = freight(world, orders, chosen, site, service, carrier) - usual
    if len(action) and action[0] == SPLIT:
        stays = transit.pickup(world, second[able], orders.carrier[chosen])
        delivered = np.maximum(
            delivered, transit.deliver(world, shocks, orders, stays, EVERY, chosen=chosen)
        )
        cost = np.round(SPLIT_FREIGHT * usual, 2)
    handling = np.array([MOVE_COST, 0.0, SPLIT_COST, SUBSTITUTE_COST, 0.0])[action]
    saved = lateness_cost(orders, chosen, real.delivered[chosen]) - lateness_cost(
        orders, chosen, delivered
    )
    return Alternatives(
        chosen.astype(np.int32), action.astype(np.int8), site.astype(np.int8),
        service.astype(np.int8), carrier.astype(np.int8), allocated[able].astype(np.int32),
        packed[able].astype(np.int32), delivered.astype(np.int32), np.round(cost + handling, 2),
        np.round(saved, 2),
    )  # fmt: skip
