"""The invented distributor of a seed: who it is, what it keeps, whom it serves. Nobody real."""

from __future__ import annotations

from itertools import product

import numpy as np
import numpy.typing as npt

from triage.simulation.calendar import Calendar, Ints
from triage.simulation.draws import Floats, stream
from triage.simulation.world import (
    CATEGORIES,
    CHANNELS,
    GROUND,
    REGULATED,
    Bools,
    Carriers,
    Customers,
    Names,
    Places,
    Sites,
    Skus,
    Suppliers,
    World,
)  # fmt: skip

_FIRST = (
    *("Alder", "Bayview", "Cardinal", "Delmar", "Everly", "Foxglen", "Granite", "Hollis"),
    *("Ironwood", "Juniper", "Kestrel", "Larkspur", "Millbrook", "Northgate", "Orchard"),
    *("Pinecrest", "Quarry", "Redstone", "Silverton", "Tamarack", "Upland", "Vantage"),
    *("Westerly", "Yarrow", "Zephyr"),
)
_TRADE = (
    *("Mechanical", "Electric", "Hardware", "Builders Supply", "Facilities", "Fabrication"),
    *("Plumbing", "Controls", "Industries", "Contractors", "Tooling", "Medical"),
    *("Foods", "Hospitality", "Marine", "Automotive", "Optics", "Labs", "Energy", "Schools"),
    *("Dental", "Dairy", "Printing", "Logistics", "Rentals"),
)


def build(seed: int, days: int, *, customers: int = 600, skus: int = 2_400) -> World:
    """Draw the distributor of a seed.

    Args:
        seed: another one gives another distributor.
        days: how long the world lasts.
        customers: number of customers, at most 625.
        skus: number of items.
    """
    sites, towns, carriers = _sites(), _towns(), _carriers()
    suppliers = _suppliers(seed)
    items = _skus(seed, skus, len(suppliers.code), sites)
    miles = _miles(sites.place, towns)
    return World(
        seed, Calendar(days), sites, towns, carriers, items,
        _customers(seed, customers, towns, carriers), suppliers, miles, _lane_days(miles),
    )  # fmt: skip


def _places(rows: list[tuple[str, str, float, float]]) -> Places:
    states, areas, north, east = zip(*rows, strict=True)
    return Places(states, areas, np.array(north), np.array(east))


def _sites() -> Sites:
    place = _places(
        [
            ("CA", "917", 34.06, -117.65), ("TX", "752", 32.78, -96.80),
            ("GA", "303", 33.75, -84.39), ("IN", "462", 39.77, -86.16),
            ("NJ", "071", 40.74, -74.17), ("NV", "894", 39.53, -119.81),
        ]
    )  # fmt: skip
    return Sites(
        code=("ONT", "DAL", "ATL", "IND", "EWR", "RNO-3PL"),
        place=place,
        third_party=np.array([False, False, False, False, False, True]),
        share=np.array([0.22, 0.20, 0.19, 0.18, 0.14, 0.07]),
        cut_off=np.array([15, 16, 15, 16, 14, 13]) * 60,
        opens=np.array([6, 6, 7, 6, 6, 7]) * 60,
        closes=np.array([19, 19, 18, 19, 18, 17]) * 60,
        spare=np.array([1.46, 1.43, 1.48, 1.42, 1.40, 1.48]),
        sync_minute=np.array([1410, 1410, 1425, 1410, 1395, 315]),
        clock_minutes=np.array([0, 0, -7, 0, 3, 11]),
    )


def _towns() -> Places:
    return _places(
        [
            ("CA", "900", 34.05, -118.24), ("CA", "941", 37.77, -122.42),
            ("CA", "921", 32.72, -117.16), ("WA", "981", 47.61, -122.33),
            ("OR", "972", 45.52, -122.68), ("CO", "802", 39.74, -104.99),
            ("AZ", "850", 33.45, -112.07), ("UT", "841", 40.76, -111.89),
            ("TX", "770", 29.76, -95.37), ("TX", "787", 30.27, -97.74),
            ("TX", "782", 29.42, -98.49), ("MO", "631", 38.63, -90.20),
            ("IL", "606", 41.88, -87.63), ("MI", "482", 42.33, -83.05),
            ("OH", "432", 39.96, -83.00), ("MN", "554", 44.98, -93.27),
            ("PA", "191", 39.95, -75.17), ("NY", "100", 40.71, -74.01),
            ("NY", "142", 42.89, -78.88), ("MA", "021", 42.36, -71.06),
            ("NC", "282", 35.23, -80.84), ("GA", "314", 32.08, -81.09),
            ("FL", "331", 25.76, -80.19), ("FL", "322", 30.33, -81.66),
            ("TN", "372", 36.16, -86.78), ("LA", "701", 29.95, -90.07),
        ]
    )  # fmt: skip


def _carriers() -> Carriers:
    west, south = ("CA", "WA", "OR", "AZ", "UT", "CO"), ("TX", "LA", "GA", "FL", "NC", "TN")
    rows: list[
        tuple[str, tuple[bool, bool, bool], Names, float, float, int, int, float, float, float]
    ]
    rows = [
        ("Blue Mesa Freight", (True, False, True), (), 0.99, 0.15, 1020, 165, 0.02, 0.02, 0.94),
        ("Harborline", (True, True, True), (), 1.00, 0.13, 1050, 150, 0.02, 0.01, 1.02),
        ("Northarrow", (True, True, False), (), 0.95, 0.11, 1035, 135, 0.01, 0.01, 1.10),
        ("Redwing Parcel", (True, True, False), (), 1.03, 0.14, 1080, 180, 0.03, 0.04, 0.90),
        ("Summit Haul", (True, False, True), (), 1.06, 0.17, 960, 210, 0.04, 0.02, 0.84),
        ("Pacific Crate", (True, True, False), west, 0.93, 0.10, 1020, 120, 0.01, 0.01, 0.97),
        ("Delta Runner", (True, True, False), south, 0.96, 0.12, 1005, 195, 0.02, 0.03, 0.92),
        ("Keystone LTL", (False, False, True), (), 1.02, 0.16, 930, 240, 0.03, 0.01, 1.00),
        ("Swiftwater Air", (False, True, False), (), 0.90, 0.10, 1110, 105, 0.01, 0.01, 1.45),
    ]
    code, services, states, pace, noise, pickup, file_minute, late, twice, cost = zip(
        *rows, strict=True
    )
    return Carriers(
        code, np.array(services), states, np.array(pace), np.array(noise), np.array(pickup),
        np.array(file_minute), np.array(late), np.array(twice), np.array(cost),
    )  # fmt: skip


def _rounded(values: npt.NDArray[np.floating], digits: int) -> Floats:
    return np.asarray(np.round(values, digits), dtype=np.float64)


def _suppliers(seed: int, count: int = 48) -> Suppliers:
    rng = stream(seed, "suppliers")
    return Suppliers(
        tuple(f"V{301 + n}" for n in range(count)),
        _rounded(np.clip(rng.lognormal(1.8, 0.4, count), 3, 25), 1),
        np.round(rng.uniform(0.15, 0.45, count), 2),
    )


def _skus(seed: int, count: int, suppliers: int, sites: Sites) -> Skus:
    rng = stream(seed, "skus")
    category = rng.permutation(np.arange(count) % len(CATEGORIES))
    price = _rounded(np.clip(rng.lognormal(3.0, 1.15, count), 0.4, 4_000), 2)
    weight = _rounded(np.clip(rng.lognormal(0.0, 1.0, count), 0.02, 120), 2)
    share = 1.0 / (np.arange(count) + 12.0) ** 0.95
    dangerous = np.isin(category, [CATEGORIES.index(name) for name in REGULATED])
    regulated = dangerous & (rng.random(count) < 0.15)
    reach = np.where(
        np.arange(count) < count // 6, 0.95, np.where(rng.random(count) < 0.5, 0.6, 0.35)
    )
    stocked = rng.random((count, len(sites.code))) < reach[:, None]
    home = rng.choice(len(sites.code), size=count, p=sites.share / sites.share.sum())
    stocked[np.arange(count), home] = True
    stocked[regulated, np.flatnonzero(sites.third_party)[0]] = False
    stocked[np.flatnonzero(regulated), np.where(home == 5, 0, home)[regulated]] = True
    code = tuple(
        f"{CATEGORIES[kind][:2].upper()}-{10_000 + 7 * n}" for n, kind in enumerate(category)
    )
    return Skus(
        code, category, price, np.round(price * rng.uniform(0.52, 0.82, count), 2), weight,
        np.round(weight * rng.uniform(1.0, 4.0, count), 2),
        rng.choice(np.array([6, 10, 12, 24, 50]), count), share / share.sum(), regulated,
        _substitutes(category, price, regulated, rng.random(count)),
        (category * 3 + rng.integers(0, 5, count)) % suppliers, stocked,
    )  # fmt: skip


def _substitutes(category: Ints, price: Floats, regulated: Bools, luck: Floats) -> Ints:
    """Return, for six items in ten, the item of its category that is nearest in price."""
    found = np.full(len(category), -1, dtype=np.int64)
    for kind in range(len(CATEGORIES)):
        members = np.flatnonzero((category == kind) & ~regulated)
        by_price = members[np.argsort(price[members], kind="stable")]
        beside = np.roll(by_price, -1)
        beside[-1] = by_price[-2]
        found[by_price] = beside
    found[luck >= 0.6] = -1
    return found


def _miles(here: Places, there: Places) -> Floats:
    north = here.latitude[:, None] - there.latitude[None, :]
    east = here.longitude[:, None] - there.longitude[None, :]
    miles: Floats = 69.0 * np.hypot(north, east * np.cos(np.radians(here.latitude))[:, None])
    return miles


def _lane_days(miles: Floats) -> Ints:
    """Return nominal working days in transit by site, town and service."""
    ground, express, freight = 1 + miles // 420, 1 + miles // 1500, 2 + miles // 380
    return np.stack([ground, express, freight], axis=-1).astype(np.int64)


def _customers(seed: int, count: int, towns: Places, carriers: Carriers) -> Customers:
    rng = stream(seed, "customers")
    names = rng.permutation([f"{first} {kind}" for first, kind in product(_FIRST, _TRADE)])
    rank = np.arange(count)
    tier = np.where(rank < count // 10, 0, np.where(rank < count // 2, 1, 2))
    share = 1.0 / (rank + 15.0) ** 0.85
    habits = np.array(
        [
            [0.55, 0.12, 0.10, 0.13, 0.08, 0.02],
            [0.28, 0.26, 0.20, 0.12, 0.09, 0.05],
            [0.05, 0.38, 0.18, 0.07, 0.14, 0.18],
        ]
    )[tier]
    own = rng.dirichlet(np.full(len(CHANNELS), 0.8), size=count)
    town = rng.integers(0, len(towns.state), count)
    usual = np.array(
        [_two_carriers(rng.random(2), towns.state[t], carriers) for t in town], dtype=np.int64
    )
    risk = np.array([0.006, 0.02, 0.045])[tier] * rng.lognormal(0, 0.6, count)
    owed = rng.choice(np.array([0.01, 0.02, 0.03]), count)
    return Customers(
        tuple(f"C{10_001 + 3 * n}" for n in range(count)),
        tuple(str(name) for name in names[:count]),
        tier,
        np.where(
            rng.random(count) < np.array([0.02, 0.04, 0.2])[tier], 2, rng.integers(0, 2, count)
        ),
        town,
        share / share.sum(),
        np.round(np.array([250_000, 60_000, 12_000])[tier] * rng.lognormal(0, 0.5, count), -2),
        np.clip(risk, 0, 0.3),
        np.where(rng.random(count) < np.array([0.85, 0.3, 0.0])[tier], owed, 0.0),
        np.round(np.array([0.80, 0.90, 1.0])[tier] * rng.uniform(0.94, 1.03, count), 3),
        rng.random(count) < np.array([0.95, 0.6, 0.1])[tier],
        rng.choice(np.array([0, 1, 2]), count, p=[0.55, 0.35, 0.10]),
        0.5 * habits + 0.5 * own,
        usual,
        np.clip(rng.lognormal(0, 0.5, count), 0.3, 4),
    )


def _two_carriers(luck: Floats, state: str, carriers: Carriers) -> list[int]:
    """Return the two carriers that a customer in a state uses for Ground."""
    able = [
        n
        for n, states in enumerate(carriers.states)
        if carriers.services[n, GROUND] and (not states or state in states)
    ]
    first = able.pop(int(luck[0] * len(able)))
    return [first, able[int(luck[1] * len(able))]]
