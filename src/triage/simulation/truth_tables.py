"""What nobody in the company knows: causes, other ways, true classes, right prices."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from triage.simulation.alternatives import Alternatives
from triage.simulation.calendar import DAY, NEVER
from triage.simulation.causes import NAMES
from triage.simulation.columns import dates, moments, names, numbered, order_no, table
from triage.simulation.demand import Orders
from triage.simulation.economics import lateness_cost
from triage.simulation.exception_causes import CAUSES
from triage.simulation.exceptions import KINDS, Occurrences
from triage.simulation.prices import BASES, ERRORS, OUTLIERS, PROMOTION
from triage.simulation.result import Result
from triage.simulation.shocks import Shocks
from triage.simulation.truth import Blame
from triage.simulation.ways import ACTIONS
from triage.simulation.world import SERVICES, World


def truth_tables(
    world: World, shocks: Shocks, orders: Orders, run: Result, found: Occurrences
) -> Iterator[tuple[str, pa.Table]]:
    """Yield the tables of what came to pass, by name."""
    yield "orders", _outcomes(orders, run)
    yield (
        "exceptions",
        table(
            exc_no=numbered("EX", np.arange(len(found.order)) + 10_001),
            order_no=order_no(found.order),
            line_no=np.where(found.line >= 0, found.line - orders.first_line[found.order] + 1, 0),
            exception_class=names(found.kind, KINDS),
            cause=names(found.cause, CAUSES),
        ),
    )
    prices = orders.own.prices
    odd = np.flatnonzero((prices.error > 0) | np.isin(prices.basis, (PROMOTION, *OUTLIERS)))
    order = orders.own.order[odd]
    yield (
        "prices",
        table(
            order_no=order_no(order),
            line_no=odd - orders.first_line[order] + 1,
            right_price=prices.right[odd],
            basis=names(prices.basis[odd].astype(np.int64), BASES),
            error=names(prices.error[odd].astype(np.int64), ERRORS),
        ),
    )
    yield "shocks", _shocks(world, shocks)


def _outcomes(orders: Orders, run: Result) -> pa.Table:
    every = np.arange(len(orders))
    gone = run.cancelled < NEVER
    late = ~gone & (run.delivered >= orders.late_from)
    days = np.where(gone | (run.delivered >= NEVER), 0, run.delivered // DAY - orders.promised)
    return table(
        order_no=order_no(every),
        delivered_at=moments(run.delivered),
        cancelled_at=moments(run.cancelled),
        late=np.where(late, 1, 0),
        days_against_promise=days,
        in_full=np.where(run.in_full & ~gone, 1, 0),
        late_cost=np.where(gone, 0.0, lateness_cost(orders, every, run.delivered)),
    )


def causes_table(blame: Blame) -> pa.Table:
    """Return what made each late order late, in minutes and shares."""
    late = np.flatnonzero(blame.late > 0)
    minutes, shares = blame.minutes()[:, late], blame.shares()[:, late]
    return table(
        order_no=order_no(late),
        late_minutes=blame.late[late],
        **{f"minutes_{name}": np.round(minutes[at], 1) for at, name in enumerate(NAMES)},
        minutes_promise=blame.unavoidable[late],
        **{f"share_{name}": np.round(shares[at], 4) for at, name in enumerate((*NAMES, "promise"))},
    )


def alternatives_table(world: World, orders: Orders, ways: Alternatives) -> pa.Table:
    """Return what would have become of each order by every other way."""
    by_order = np.lexsort((ways.site, ways.action, ways.order))
    order, delivered = ways.order[by_order], ways.delivered[by_order]
    return table(
        order_no=order_no(order),
        action=names(ways.action[by_order], ACTIONS),
        ship_from=names(ways.site[by_order], world.sites.code),
        service_level=names(ways.service[by_order], SERVICES),
        carrier=names(ways.carrier[by_order], world.carriers.code),
        delivered_at=moments(delivered),
        late=np.where(delivered >= orders.late_from[order], 1, 0),
        extra_cost=ways.cost[by_order],
        saved=ways.saved[by_order],
    )


def _shocks(world: World, shocks: Shocks) -> pa.Table:
    states = sorted(set(world.towns.state))
    of = {
        "labour": world.sites.code, "carrier": world.carriers.code, "weather": states,
        "supplier": world.suppliers.code, "outage": ("order entry", "warehouse messages"),
    }  # fmt: skip
    listed = [s for s in shocks.listed if s.first < world.calendar.days]
    return table(
        kind=pa.array([s.kind for s in listed]),
        whom=pa.array([of[s.kind][s.whom] if s.kind in of else "all" for s in listed]),
        first_dt=dates(np.array([s.first for s in listed])),
        last_dt=dates(np.array([s.last for s in listed])),
        factor=np.array([s.factor for s in listed], dtype=np.float64),
    )
