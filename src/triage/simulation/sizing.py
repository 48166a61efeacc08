"""How large a distributor is for its demand: stock levels, pickers, clerks, and an empty floor."""

from __future__ import annotations

import numpy as np

from triage.simulation.calendar import HOUR, NEVER, OFFICE_CLOSES, OFFICE_OPENS, Ints
from triage.simulation.causes import Cause
from triage.simulation.demand import Luck, Orders
from triage.simulation.draws import Floats
from triage.simulation.entry import Entry
from triage.simulation.floor import PICK_BASE, PICK_LINE, Floor
from triage.simulation.world import World

_PHANTOM = 0.010
_LOST = 0.012


def cells(world: World, orders: Orders) -> Ints:
    """Return the shelf of each line: site x skus + sku."""
    return orders.site[orders.own.order] * len(world.skus.code) + orders.own.sku


def stock_levels(world: World, orders: Orders) -> tuple[Ints, Ints]:
    """Return, by cell, the level at which is ordered and up to which (continuous review)."""
    sites, skus = len(world.sites.code), len(world.skus.code)
    cell, quantity = cells(world, orders), orders.own.quantity
    days = world.calendar.days
    mean = np.bincount(cell, quantity, sites * skus) / days
    spread = np.bincount(cell, quantity.astype(np.float64) ** 2, sites * skus) / days
    lead = np.tile(world.suppliers.lead_days[world.skus.supplier], sites) + 2
    usual = np.bincount(cell, quantity, sites * skus) / np.maximum(
        np.bincount(cell, minlength=sites * skus), 1
    )
    point = np.ceil(mean * lead + 3.0 * np.sqrt(spread * lead) + usual)
    target = point + np.ceil(np.maximum(mean * 16, 2 * usual))
    kept = world.skus.stocked.T.reshape(-1)
    point, target = np.where(mean > 0, point, 4), np.where(mean > 0, target, 14)
    return (point * kept).astype(np.int64), (target * kept).astype(np.int64)


def pickers(world: World, orders: Orders) -> Floats:
    """Return how many pickers each site has: its mean work, and some to spare."""
    sites, workdays = world.sites, int(world.calendar.before[world.calendar.days])
    work = np.bincount(orders.site, PICK_BASE + PICK_LINE * orders.lines, len(sites.code))
    shift = (sites.closes - sites.opens) * workdays
    return np.maximum(work / shift * sites.spare, 0.08)


def clerks(world: World, entry: Entry) -> int:
    """Return how many people the office has: busy for four fifths of an ordinary day."""
    workdays = int(world.calendar.before[world.calendar.days])
    return max(
        1, round(float(entry.work.sum()) / (workdays * (OFFICE_CLOSES - OFFICE_OPENS)) / 0.8)
    )


def empty_floor(world: World, orders: Orders, causes: Cause, target: Ints) -> Floor:
    """Return the state of all sites before the first day: shelves full, nothing to do."""
    n, sites, skus = len(orders), len(world.sites.code), len(world.skus.code)
    luck = orders.luck
    lost = luck[:, Luck.RELEASE_FAILS] < (_LOST if causes & Cause.INTEGRATION else 0.0)
    hours = 1.5 * np.exp(3.2 * luck[:, Luck.RELEASE_REPAIR].astype(np.float64))
    recount = 3 * HOUR + (20 * HOUR * luck[:, Luck.RECOUNT]).astype(np.int64)
    phantom = (
        orders.own.phantom < _PHANTOM * (1 + world.sites.third_party[orders.site])[orders.own.order]
    )
    room = n // 3 + 4_096
    return Floor(
        first=orders.first_line,
        lines=orders.lines,
        work=(PICK_BASE + PICK_LINE * orders.lines).astype(np.float64),
        cell=cells(world, orders),
        quantity=orders.own.quantity.copy(),
        phantom=phantom if causes & Cause.STOCK else np.zeros(len(phantom), dtype=bool),
        gives_up=orders.gives_up,
        changes_at=orders.changes_at if causes & Cause.CHANGE else _never(n),
        change_takes=orders.change_takes,
        repair=np.where(lost, hours * HOUR, 0).astype(np.int64),
        recount=recount,
        partial=luck[:, Luck.PARTIAL] < 0.3,
        site=orders.site.copy(),
        priority=orders.priority.copy(),
        status=np.zeros(n, dtype=np.int64),
        changed=np.zeros(n, dtype=np.int64),
        shorted=np.zeros(n, dtype=np.int64),
        ready=_never(n),
        short_since=_never(n),
        first_allocated=_never(n),
        allocated=_never(n),
        released=_never(n),
        queued=_never(n),
        started=_never(n),
        packed=_never(n),
        cancelled=_never(n),
        change_seen=_never(n),
        short_at=_never(n),
        in_full=np.ones(n, dtype=bool),
        on_hand=target.copy(),
        taken=np.zeros(sites * skus, dtype=np.int64),
        wanted=np.zeros(sites * skus, dtype=np.int64),
        inbound=np.zeros(sites * skus, dtype=np.int64),
        link=np.full(n, -1, dtype=np.int64),
        ends=np.full((sites, 2, 2, 2), -1, dtype=np.int64),
        due_time=np.zeros((sites, 3, room), dtype=np.int64),
        due_what=np.zeros((sites, 3, room), dtype=np.int64),
        due_size=np.zeros((sites, 3), dtype=np.int64),
        po_cell=np.zeros(len(orders.own.sku) + sites * skus, dtype=np.int64),
        po_pieces=np.zeros(len(orders.own.sku) + sites * skus, dtype=np.int64),
        busy=np.zeros(sites),
        touched=target > 0,
    )


def _never(n: int) -> Ints:
    return np.full(n, NEVER, dtype=np.int64)
