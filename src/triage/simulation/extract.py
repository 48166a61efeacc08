"""What the distributor's systems would export at the end of the last day: tables with their names.

Rows that no system has heard of by then are not there. Milestones stand in the sequence in which
they were heard, some twice; everything else in the sequence of its numbers.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from triage.simulation import price_tables
from triage.simulation.calendar import DAY, HOUR, NEVER, Ints
from triage.simulation.columns import (
    dates,
    moments,
    moments_if_other,
    names,
    numbered,
    order_no,
    table,
)
from triage.simulation.demand import Luck, Orders
from triage.simulation.dialect_sources import MAIL, SOURCES, THIRD_PARTY
from triage.simulation.dialects import Messages
from triage.simulation.draws import stream
from triage.simulation.exceptions import KINDS, Occurrences
from triage.simulation.price_lists import CURRENCIES
from triage.simulation.result import Result
from triage.simulation.systems import Told, happened, milestones
from triage.simulation.world import CATEGORIES, CHANNELS, PRIORITIES, SERVICES, TERMS, TIERS, World

CODES = {
    "order_validated": "CREDIT_OK",
    "allocation_confirmed": "ALLOC",
    "pick_released": "PICK_REL",
    "shipment_dispatched": "SHIP_CONF",
    "delivered": "POD",
    "invoice_posted": "INV",
    "order_cancelled": "CANCEL",
}
"""What the ERP calls the milestones."""


_TALLY = 25
"""Minutes from the beginning of a shift until the time clocks tell how many came."""


def extract_tables(
    world: World, orders: Orders, run: Result, found: Occurrences, messages: Messages
) -> Iterator[tuple[str, pa.Table]]:
    """Yield the tables of the extract, by name."""
    end = world.calendar.days * DAY
    told = milestones(world, happened(orders, run))
    entered = np.flatnonzero(told["order_created"].record < end)
    yield "orders", _orders(world, orders, run, entered)
    yield "order_lines", _lines(world, orders, entered)
    yield "milestones", _milestones(world, orders, run, told, end)
    yield "inventory", _inventory(world, run, end)
    yield "purchase_orders", _purchases(world, run, end)
    yield "staffing", _staffing(world, run, end)
    yield "exceptions", _exceptions(found, messages, end)
    yield from _masters(world)
    yield from _price_lists(world)
    yield "extract", table(taken_at=moments(np.array([end])))


def _orders(world: World, orders: Orders, run: Result, entered: Ints) -> pa.Table:
    chosen, customers = orders.customer[entered], world.customers
    created = orders.created[entered]
    return table(
        order_no=order_no(entered),
        cust_no=names(chosen, customers.code),
        order_ts=moments(created),
        recorded_at=moments_if_other(run.entry.entered[entered], created),
        promise_dt=dates(orders.promised[entered]),
        ship_by_dt=dates(orders.ship_by[entered]),
        order_channel=names(orders.channel[entered], CHANNELS),
        carrier=names(orders.carrier[entered], world.carriers.code),
        service_level=names(orders.service[entered], SERVICES),
        delivery_prio=names(orders.priority[entered], PRIORITIES),
        route_days=world.lane_days[
            orders.site[entered], customers.town[chosen], orders.service[entered]
        ],
        earliest_dt=_dates_or_null(orders.not_before[entered]),
    )


def _dates_or_null(minute: Ints) -> pa.Array:
    return pa.array(np.asarray(dates(minute // DAY)), mask=minute == 0)


def _lines(world: World, orders: Orders, entered: Ints) -> pa.Table:
    there = np.zeros(len(orders), dtype=bool)
    there[entered] = True
    kept = np.flatnonzero(there[orders.own.order])
    order, sku = orders.own.order[kept], orders.own.sku[kept]
    return table(
        order_no=order_no(order),
        line_no=kept - orders.first_line[order] + 1,
        item_no=names(sku, world.skus.code),
        qty=orders.own.quantity[kept],
        unit_price=orders.own.prices.entered[kept],
        ship_from=names(orders.site[order], world.sites.code),
    )


def _milestones(
    world: World, orders: Orders, run: Result, told: dict[str, Told], end: int
) -> pa.Table:
    """Return milestones as heard; a carrier that sends its file again repeats its deliveries."""
    parts = []
    for code, name in enumerate(CODES):
        event, record = told[name]
        heard = np.flatnonzero(record < end)
        parts.append((heard, np.full(len(heard), code), event[heard], record[heard]))
        if name == "delivered":
            twice = orders.luck[:, Luck.TWICE] < world.carriers.file_twice[run.carrier]
            again = heard[twice[heard] & (record[heard] + DAY < end)]
            parts.append((again, np.full(len(again), code), event[again], record[again] + DAY))
    order, kind, event, record = (np.concatenate(column) for column in zip(*parts, strict=True))
    heard_in = np.lexsort((kind, order, record))
    order, kind, event, record = (c[heard_in] for c in (order, kind, event, record))
    return table(
        order_no=order_no(order),
        event_code=names(kind, tuple(CODES.values())),
        event_ts=moments(event),
        recorded_at=moments_if_other(record, event),
    )


def _inventory(world: World, run: Result, end: int) -> pa.Table:
    """Return stock as each site reported it in its nightly batch, where something had changed."""
    stock, skus = run.stock, len(world.skus.code)
    day = stock.minute // DAY
    by_cell = np.lexsort((stock.minute, stock.cell))
    cell, day = stock.cell[by_cell], day[by_cell]
    last = np.flatnonzero(np.append((cell[1:] != cell[:-1]) | (day[1:] != day[:-1]), True))
    rows = by_cell[last]
    site, sku = stock.cell[rows] // skus, stock.cell[rows] % skus
    counted = stock.minute[rows]
    minute = world.sites.sync_minute[site]
    morning = minute < 12 * 60
    record = (stock.minute[rows] // DAY + morning) * DAY + minute
    known = np.flatnonzero(record < end)
    heard_in = known[np.lexsort((stock.cell[rows][known], record[known]))]
    return table(
        item_no=names(sku[heard_in], world.skus.code),
        whse=names(site[heard_in], world.sites.code),
        counted_at=moments(counted[heard_in]),
        recorded_at=moments(record[heard_in]),
        on_hand_qty=stock.on_hand[rows][heard_in],
        allocated_qty=stock.taken[rows][heard_in],
        inbound_qty=stock.inbound[rows][heard_in],
    )


def _purchases(world: World, run: Result, end: int) -> pa.Table:
    """Return inbound deliveries. A receipt is booked within the hour, by a 3PL in its batch."""
    supply, skus, sites = run.supply, len(world.skus.code), world.sites
    made = np.flatnonzero(supply.ordered < end)
    site, sku = supply.cell[made] // skus, supply.cell[made] % skus
    arrives = supply.arrives[made]
    minutes = (15 + 45 * stream(world.seed, "receipts").random(len(supply.cell))).astype(np.int64)
    batch = (arrives // DAY + 1) * DAY + sites.sync_minute[site]
    booked = np.where(sites.third_party[site], batch, arrives + minutes[made])
    known = (arrives < NEVER) & (booked < end)
    return table(
        po_no=numbered("PO", made + 70_001),
        vendor_no=names(world.skus.supplier[sku], world.suppliers.code),
        item_no=names(sku, world.skus.code),
        whse=names(site, sites.code),
        qty=supply.pieces[made],
        ordered_at=moments(supply.ordered[made]),
        expected_dt=dates(supply.expected[made] // DAY),
        received_at=moments(np.where(known, arrives, NEVER)),
        booked_at=moments(np.where(known, booked, NEVER)),
    )


def _staffing(world: World, run: Result, end: int) -> pa.Table:
    """Return hours of work on the floor as the time clocks of each site tell them, by day.

    A 3PL does not tell its hours. The tally is a few per cent off, as some come and go.
    """
    waves, sites = run.waves, world.sites
    first = np.flatnonzero(
        (waves.minute % DAY == sites.opens[waves.site])
        & ~sites.third_party[waves.site]
        & (waves.minute + _TALLY < end)
    )
    site, begins = waves.site[first], waves.minute[first]
    off = stream(world.seed, "staffing").standard_normal(len(first))
    hours = waves.pace[first] * (sites.closes - sites.opens)[site] / HOUR * (1 + 0.02 * off)
    return table(
        whse=names(site, sites.code),
        shift_start=moments(begins),
        recorded_at=moments(begins + _TALLY),
        floor_hours=np.round(hours, 2),
    )


def _exceptions(found: Occurrences, messages: Messages, end: int) -> pa.Table:
    """Return exceptions as the sources wrote them; the order is told only where the text tells.

    What the desk that closed one says it was is its true class.
    """
    known = np.flatnonzero(found.recorded < end)
    heard_in = known[np.lexsort((found.order[known], found.recorded[known]))]
    closed = np.where(found.resolved_recorded < end, found.resolved, NEVER)
    return table(
        exc_no=numbered("EX", heard_in + 10_001),
        order_no=order_no(np.where(_named(found, messages), found.order, -1)[heard_in]),
        source_system=names(messages.source[heard_in], SOURCES),
        code=pa.array(messages.code).take(pa.array(heard_in)),
        raised_at=moments(found.raised[heard_in]),
        recorded_at=moments_if_other(found.recorded[heard_in], found.raised[heard_in]),
        closed_at=moments(closed[heard_in]),
        closed_as=names(np.where(closed < NEVER, found.kind, -1)[heard_in], KINDS),
        message=pa.array(messages.text).take(pa.array(heard_in)),
    )


def _named(found: Occurrences, messages: Messages) -> npt.NDArray[np.bool_]:
    """Return which are filed under their order: all but notes that do not name it."""
    by_people = np.isin(messages.source, (MAIL, THIRD_PARTY))
    in_text = [
        str(400_001 + order) in text
        for order, text in zip(found.order.tolist(), messages.text, strict=True)
    ]
    return ~by_people | np.array(in_text, dtype=bool)


def _masters(world: World) -> Iterator[tuple[str, pa.Table]]:
    customers, skus, sites, carriers = world.customers, world.skus, world.sites, world.carriers
    town, towns = customers.town, world.towns
    yield (
        "customers",
        table(
            cust_no=pa.array(customers.code),
            cust_name=pa.array(customers.name),
            cust_class=names(customers.tier, TIERS),
            ship_to_state=names(town, towns.state),
            ship_to_zip3=names(town, towns.area),
            ship_to_lat=towns.latitude[town],
            ship_to_lon=towns.longitude[town],
            terms=names(customers.terms, TERMS),
            credit_limit=customers.credit_limit,
            penalty_per_day=customers.penalty,
        ),
    )
    yield (
        "items",
        table(
            item_no=pa.array(skus.code),
            item_group=names(skus.category, CATEGORIES),
            list_price=skus.list_price,
            unit_cost=skus.unit_cost,
            unit_kg=skus.weight_kg,
            unit_litres=skus.volume_l,
            case_qty=skus.pack,
            hazmat=np.where(skus.regulated, 1, 0),
            vendor_no=names(skus.supplier, world.suppliers.code),
            substitute_item=names(skus.substitute, skus.code),
        ),
    )
    yield (
        "sites",
        table(
            whse=pa.array(sites.code),
            state=pa.array(sites.place.state),
            zip3=pa.array(sites.place.area),
            lat=sites.place.latitude,
            lon=sites.place.longitude,
            operated_by=pa.array(["3PL" if other else "own" for other in sites.third_party]),
            cut_off=pa.array([f"{m // 60:02d}:{m % 60:02d}" for m in sites.cut_off.tolist()]),
        ),
    )
    yield (
        "carriers",
        table(
            carrier=pa.array(carriers.code),
            services=pa.array(
                [
                    "|".join(s for s, sold in zip(SERVICES, row, strict=True) if sold)
                    for row in carriers.services
                ]
            ),
            states=pa.array(["|".join(states) for states in carriers.states]),
            pickup=pa.array([f"{m // 60:02d}:{m % 60:02d}" for m in carriers.pickup.tolist()]),
            price_level=carriers.cost,
        ),
    )
    yield (
        "vendors",
        table(vendor_no=pa.array(world.suppliers.code), lead_days=world.suppliers.lead_days),
    )


def _price_lists(world: World) -> Iterator[tuple[str, pa.Table]]:
    lists = price_tables.tables(world)
    name = {
        "customer": world.customers.code, "category": CATEGORIES, "sku": world.skus.code,
        "channel": CHANNELS, "tier": TIERS, "currency": CURRENCIES,
    }  # fmt: skip
    for file in ("contracts", "list_prices", "promotions", "volume_breaks", "exchange_rates"):
        columns = getattr(lists, file)
        yield file, table(
            **{
                column: names(values, name[column]) if column in name
                else dates(values) if column in ("valid_from", "valid_to")
                else values
                for column, values in columns.items()
            }
        )  # fmt: skip
