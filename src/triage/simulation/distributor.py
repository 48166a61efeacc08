"""The invented distributor behind the sample: its calendar, sites, customers, items and bad weeks.

Times inside the simulation are whole minutes of local clock time since `START`; days are counted
from `START` too. The bad weeks are written down in `EPISODES`, so the causes of lateness are known.
"""

from __future__ import annotations

from datetime import date
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.random import Generator

START = np.datetime64("2025-04-28", "D")
"""The first day (a Monday)."""
DAYS = 308
"""The sample ends when this many days have passed: 2026-03-02 00:00."""
DAY = 24 * 60
HOLIDAYS = ("2025-05-26", "2025-07-04", "2025-09-01", "2025-11-27", "2025-12-25", "2026-01-01")
_WORKDAYS = np.flatnonzero(np.is_busday(START + np.arange(DAYS + 200), holidays=list(HOLIDAYS)))

SERVICES = ("Ground", "Express")
CHANNELS = ("EDI", "eCommerce", "Portal", "Field sales", "Customer service")
CARRIERS = {
    "Blue Mesa Freight": 0.97,
    "Harborline": 1.00,
    "Northarrow": 0.93,
    "Redwing Parcel": 1.02,
    "Summit Haul": 1.08,
}
"""Carrier -> how long it takes compared with the others in an ordinary week."""
CATEGORIES = (
    *("Abrasives", "Adhesives", "Electrical", "Fasteners", "Hand tools", "HVAC"),
    *("Janitorial", "Lighting", "Packaging", "Plumbing", "Power tools", "Safety"),
)

FOUNDERS = (
    *("Alder", "Bayview", "Cardinal", "Delmar", "Everly"),
    *("Foxglen", "Granite", "Hollis", "Ironwood", "Juniper"),
)
TRADES = ("Mechanical", "Electric", "Hardware", "Builders Supply", "Facilities", "Fabrication")
"""Customers are named by one of each; the companies are invented."""


class Place(NamedTuple):
    """Where goods leave or arrive: state, three-digit ZIP area, degrees north and east."""

    state: str
    area: str
    latitude: float
    longitude: float


SITES = {
    "ONT": Place("CA", "917", 34.06, -117.65),
    "DAL": Place("TX", "752", 32.78, -96.80),
    "ATL": Place("GA", "303", 33.75, -84.39),
    "IND": Place("IN", "462", 39.77, -86.16),
}
TOWNS = (
    *(Place("CA", "900", 34.05, -118.24), Place("CA", "941", 37.77, -122.42)),
    *(Place("WA", "981", 47.61, -122.33), Place("CO", "802", 39.74, -104.99)),
    *(Place("AZ", "850", 33.45, -112.07), Place("TX", "770", 29.76, -95.37)),
    *(Place("TX", "787", 30.27, -97.74), Place("IL", "606", 41.88, -87.63)),
    *(Place("MI", "482", 42.33, -83.05), Place("OH", "432", 39.96, -83.00)),
    *(Place("PA", "191", 39.95, -75.17), Place("NY", "100", 40.71, -74.01)),
    *(Place("NY", "142", 42.89, -78.88), Place("NC", "282", 35.23, -80.84)),
    *(Place("GA", "314", 32.08, -81.09), Place("FL", "331", 25.76, -80.19)),
    *(Place("FL", "322", 30.33, -81.66),),
)


class Episode(NamedTuple):
    """Some bad weeks: what is hit, whom, the first and last day, and the factor on its pace."""

    kind: str
    whom: tuple[str, ...]
    first: str
    last: str
    factor: float


EPISODES = (
    Episode("labour", ("DAL",), "2025-06-02", "2025-06-13", 0.48),
    Episode("labour", ("ONT",), "2025-08-04", "2025-08-15", 0.55),
    Episode("labour", ("ATL",), "2025-10-06", "2025-10-17", 0.52),
    Episode("labour", ("DAL",), "2025-12-15", "2025-12-31", 0.80),
    Episode("labour", ("ONT",), "2026-01-12", "2026-01-23", 0.62),
    Episode("labour", ("IND", "DAL"), "2026-02-12", "2026-03-01", 0.55),
    Episode("carrier", ("Harborline", "Northarrow"), "2025-05-05", "2025-05-25", 1.65),
    Episode("carrier", ("Redwing Parcel",), "2025-07-07", "2025-07-27", 1.75),
    Episode("carrier", ("Summit Haul",), "2025-09-08", "2025-09-28", 1.60),
    Episode("carrier", ("Harborline",), "2025-11-17", "2025-12-21", 1.55),
    Episode("carrier", ("Blue Mesa Freight",), "2026-01-05", "2026-01-25", 1.70),
    Episode("carrier", ("Redwing Parcel",), "2026-02-02", "2026-03-01", 1.65),
    Episode("weather", ("FL", "GA", "NC"), "2025-09-15", "2025-09-21", 1.60),
    Episode("weather", ("NY", "PA", "OH", "MI"), "2026-01-19", "2026-01-30", 1.45),
    Episode("weather", ("TX", "CO"), "2026-02-16", "2026-02-20", 1.50),
    Episode("supplier", ("Electrical", "Lighting"), "2025-06-16", "2025-07-20", 2.6),
    Episode("supplier", ("Power tools", "HVAC"), "2025-10-20", "2025-11-30", 2.4),
    Episode("supplier", ("Safety", "Fasteners"), "2026-01-12", "2026-02-15", 2.4),
    Episode("credit", ("desk",), "2025-07-28", "2025-08-08", 0.45),
    Episode("credit", ("desk",), "2025-12-22", "2026-01-04", 0.40),
)
PEAKS = (("2025-09-08", "2025-09-19", 1.18), ("2025-11-10", "2025-12-19", 1.29))
"""Weeks of high demand."""


def pace(kind: str, whom: str, day: int) -> float:
    """Return the product of the factors of the episodes that hit someone on a day."""
    today = (START + day).item()
    hits = (e for e in EPISODES if e.kind == kind and whom in e.whom)
    return float(np.prod([e.factor for e in hits if _within(today, e.first, e.last)]))


def demand(day: int) -> float:
    """Return the relative number of orders that a day brings."""
    today = (START + day).item()
    week = (1.2, 1.08, 1.0, 0.98, 0.86, 0.12, 0.08)[today.weekday()]
    season = 0.88 if today.month in (1, 7) else 1.0
    return week * season * float(np.prod([f for a, b, f in PEAKS if _within(today, a, b)]))


def _within(today: date, first: str, last: str) -> bool:
    return date.fromisoformat(first) <= today <= date.fromisoformat(last)


def workday(day: int, ahead: int = 0) -> int:
    """Return the working day `ahead` after a day, counted from the first one not before it."""
    return int(_WORKDAYS[np.searchsorted(_WORKDAYS, day) + ahead])


def lane_days(site: str, town: Place, service: str) -> int:
    """Return the working days in transit that the static lookup of the order desk holds."""
    here = SITES[site]
    north, east = here.latitude - town.latitude, here.longitude - town.longitude
    miles = 69.0 * float(np.hypot(north, east * np.cos(np.radians(here.latitude))))
    return 3 + int(miles / 400) if service == "Ground" else 1 + int(miles / 800)


class Customer(NamedTuple):
    """Who orders: name, tier, town, share of demand, credit risk, days added to its promises."""

    number: str
    name: str
    tier: str
    town: Place
    share: float
    credit_risk: float
    buffer: int
    carriers: tuple[str, str]


class Item(NamedTuple):
    """What is sold: list price in USD, weight, volume, share of the lines, sites that stock it."""

    number: str
    category: str
    list_price: float
    weight_kg: float
    volume_l: float
    share: float
    sites: tuple[str, ...]


def customers(rng: Generator, count: int = 60) -> list[Customer]:
    """Draw the customers, the largest first."""
    names = rng.permutation([f"{first} {kind}" for first, kind in product(FOUNDERS, TRADES)])
    share = 1.0 / np.arange(4, 4 + count)
    drawn = []
    for rank in range(count):
        tier = "Key" if rank < 9 else "Standard" if rank < 32 else "Small"
        risk = {"Key": 0.02, "Standard": 0.07, "Small": 0.14}[tier]
        first, second = rng.choice(len(CARRIERS), 2, replace=False)
        drawn.append(
            Customer(
                number=f"C{1001 + rank}",
                name=str(names[rank]),
                tier=tier,
                town=TOWNS[int(rng.integers(len(TOWNS)))],
                share=float(share[rank] / share.sum()),
                credit_risk=risk * float(np.exp(0.7 * rng.standard_normal())),
                buffer=int(rng.choice([0, 1, 2], p=[0.55, 0.35, 0.1])),
                carriers=(list(CARRIERS)[first], list(CARRIERS)[second]),
            )
        )
    return drawn


def items(rng: Generator, count: int = 400) -> list[Item]:
    """Draw the items; each is stocked at two of the sites."""
    share = 1.0 / np.arange(8, 8 + count) ** 0.9
    drawn = []
    for rank in range(count):
        price = round(float(np.exp(3.1 + 1.1 * rng.standard_normal())), 2)
        weight = round(float(np.exp(0.2 + 0.9 * rng.standard_normal())), 2)
        drawn.append(
            Item(
                number=f"{CATEGORIES[rank % 12][:2].upper()}-{2000 + rank}",
                category=CATEGORIES[rank % 12],
                list_price=price,
                weight_kg=weight,
                volume_l=round(weight * float(1.0 + 3.0 * rng.random()), 1),
                share=float(share[rank] / share.sum()),
                sites=tuple(str(s) for s in rng.choice(list(SITES), 2, replace=False)),
            )
        )
    return drawn
