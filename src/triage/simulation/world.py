"""What a distributor consists of: warehouses, carriers, items, customers, suppliers.

Nothing of it changes during a run. Tables are arrays by number, so that a million orders refer to
them by index. `distributor` draws them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from triage.simulation.calendar import Calendar, Ints
from triage.simulation.draws import Floats

Bools = npt.NDArray[np.bool_]
Names = tuple[str, ...]

CHANNELS = (*("EDI", "eCommerce", "Portal", "Field sales", "Customer service", "Marketplace"),)
SERVICES = ("Ground", "Express", "Freight")
GROUND, EXPRESS, FREIGHT = range(3)
PRIORITIES = ("1 first", "2 standard")
"""What a site takes first, and then; see `demand.Orders.priority`."""
TIERS = ("Key", "Standard", "Small")
TERMS = ("Net 30", "Net 60", "Prepaid")
CATEGORIES = (
    *("Abrasives", "Adhesives", "Batteries", "Electrical", "Fasteners", "Hand tools", "HVAC"),
    *("Janitorial", "Lighting", "Packaging", "Plumbing", "Power tools", "Refrigerants", "Safety"),
)
REGULATED = ("Adhesives", "Batteries", "Refrigerants")
"""Categories in which some items are dangerous goods."""


@dataclass(frozen=True, slots=True)
class Places:
    """Where goods leave or arrive: state, three-digit ZIP area, degrees north and east."""

    state: Names
    area: Names
    latitude: Floats
    longitude: Floats


@dataclass(frozen=True, slots=True)
class Sites:
    """Warehouses. Minutes are of the day.

    Attributes:
        code: name.
        place: where.
        third_party: run by a 3PL, which reports its stock once a day.
        share: relative size.
        cut_off: orders entered later count as the next working day's.
        opens, closes: shift.
        spare: pick capacity over the expected work.
        sync_minute: when its stock reaches the ERP, each night.
        clock_minutes: by how much its clock is off.
    """

    code: Names
    place: Places
    third_party: Bools
    share: Floats
    cut_off: Ints
    opens: Ints
    closes: Ints
    spare: Floats
    sync_minute: Ints
    clock_minutes: Ints


@dataclass(frozen=True, slots=True)
class Carriers:
    """Carriers.

    Attributes:
        code: name.
        services: (carriers, 3) which services it sells.
        states: states that it serves; empty means all.
        pace: time in transit against the nominal.
        noise: spread of the time in transit, on the log scale.
        pickup: minute of the day at which it leaves a warehouse; what misses it goes the next day.
        file_minute: minute of the night at which its delivery file arrives.
        file_late: chance that a delivery is reported days later.
        file_twice: chance that a file is sent twice.
        cost: freight against the nominal.
    """

    code: Names
    services: Bools
    states: tuple[Names, ...]
    pace: Floats
    noise: Floats
    pickup: Ints
    file_minute: Ints
    file_late: Floats
    file_twice: Floats
    cost: Floats


@dataclass(frozen=True, slots=True)
class Skus:
    """Items: prices and costs in USD a piece, kilograms and litres a piece.

    Attributes:
        code, category: name; number in CATEGORIES.
        list_price, unit_cost: USD.
        weight_kg, volume_l: of a piece.
        pack: pieces in a case.
        popularity: share of all lines.
        regulated: dangerous goods, so it may not go by Express and only from sites that hold it.
        substitute: an item that does the same, or -1.
        supplier: number of its supplier.
        stocked: (skus, sites) where it is kept.
    """

    code: Names
    category: Ints
    list_price: Floats
    unit_cost: Floats
    weight_kg: Floats
    volume_l: Floats
    pack: Ints
    popularity: Floats
    regulated: Bools
    substitute: Ints
    supplier: Ints
    stocked: Bools


@dataclass(frozen=True, slots=True)
class Customers:
    """Who orders.

    Attributes:
        code, name: identity.
        tier, terms: numbers in TIERS, TERMS.
        town: number of the place where it is delivered.
        share: share of all orders.
        credit_limit: USD.
        credit_risk: chance that an ordinary order of it is held.
        penalty: share of the order's value owed for each day late; 0 means none was agreed.
        discount: contract price against list.
        contract: whether it has a contract price list.
        buffer: working days added to its promises.
        channel: (customers, channels) habits.
        carriers: (customers, 2) usual and second carrier.
        sloppy: how often its orders need correcting, against the average.
    """

    code: Names
    name: Names
    tier: Ints
    terms: Ints
    town: Ints
    share: Floats
    credit_limit: Floats
    credit_risk: Floats
    penalty: Floats
    discount: Floats
    contract: Bools
    buffer: Ints
    channel: Floats
    carriers: Ints
    sloppy: Floats


@dataclass(frozen=True, slots=True)
class Suppliers:
    """Who delivers to the warehouses: name, mean lead time in days, spread on the log scale."""

    code: Names
    lead_days: Floats
    noise: Floats


@dataclass(frozen=True)
class World:
    """One distributor.

    Attributes:
        seed: everything follows from it.
        calendar: how long it lasts.
        lane_days: (sites, towns, services) nominal working days in transit.
        miles: (sites, towns).
    """

    seed: int
    calendar: Calendar
    sites: Sites
    towns: Places
    carriers: Carriers
    skus: Skus
    customers: Customers
    suppliers: Suppliers
    miles: Floats
    lane_days: Ints

    def serves(self) -> Bools:
        """Return (carriers, towns): which carrier goes where."""
        return np.array(
            [
                [not states or state in states for state in self.towns.state]
                for states in self.carriers.states
            ]
        )
