"""What is agreed and published about prices before anybody orders: lists, contracts, promotions.

All of it is drawn once from the seed, as arrays by number, to price a million lines; `price_tables`
gives the same facts as the rows a company keeps.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numpy.random import Generator

from triage.simulation.calendar import START, Ints
from triage.simulation.draws import Floats, stream
from triage.simulation.world import CATEGORIES, CHANNELS, TIERS, Bools, World

CURRENCIES = ("CAD", "EUR", "MXN")
OPEN = 36_500
"""Last day of what has no end yet."""
GROUP_DISCOUNT = np.array([0.12, 0.05, 0.0])
"""Discount on list, by tier, of customers without a contract."""
SURCHARGE = 0.2
SURCHARGED = ("Abrasives", "Fasteners", "Packaging")
"""A single piece of a cheap item of these costs more, unless there is a contract."""
SURCHARGED_BELOW_PIECES, SURCHARGED_BELOW_PRICE = 2, 12.0

_USUAL = ((10, 0.05), (50, 0.08), (200, 0.12))
_BULK = ((24, 0.04), (100, 0.07), (500, 0.10))
_COSTLY = ((5, 0.03), (20, 0.06))
BREAKS: dict[str, tuple[tuple[int, float], ...]] = {
    "Abrasives": _USUAL,
    "Adhesives": _USUAL,
    "Batteries": _BULK,
    "Electrical": _USUAL,
    "Fasteners": _BULK,
    "Hand tools": _COSTLY,
    "Janitorial": _USUAL,
    "Lighting": _USUAL,
    "Packaging": _BULK,
    "Plumbing": _USUAL,
    "Power tools": _COSTLY,
    "Safety": _BULK,
}
"""Pieces from which there is a discount, and which; other categories have none."""
_MOST = max(pieces for breaks in BREAKS.values() for pieces, _ in breaks)
_OWN_ITEMS = np.array([20, 8, 4])
"""Items with a price of their own in a contract, by tier."""
_INNER = {6: 2, 10: 5, 12: 3, 24: 4, 50: 10}
"""Pieces in an inner box, by pieces in the case."""

Versions = npt.NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class Contracts:
    """Negotiated prices, in versions; version 0 is over before the first day.

    Attributes:
        starts: (customers, versions + 1) first day of each version, and of the one after the last.
        version: (customers, days) which is in force.
        discount: (customers, versions, categories) off the list price of the day.
        breaks: (customers,) whether volume breaks come on top of the discount.
        item: (customers, skus) row in `price` of an item with a price of its own, or -1.
        price: (rows, versions) USD a piece, whatever the quantity.
    """

    starts: Ints
    version: Versions
    discount: Floats
    breaks: Bools
    item: Ints
    price: Floats


@dataclass(frozen=True, slots=True)
class Promotions:
    """Promotions and clearances: off the list price; each for a category or for an item.

    Attributes:
        category, sku: number of what it is for; the other one is -1.
        channels, tiers: (promotions, channels or tiers) for whom.
        first, last: days.
        off: share of the list price.
        clearance: the item is being sold out.
    """

    category: Ints
    sku: Ints
    channels: Bools
    tiers: Bools
    first: Ints
    last: Ints
    off: Floats
    clearance: Bools


@dataclass(frozen=True, slots=True)
class PriceLists:
    """Everything that decides what a line should cost, except what people grant by hand.

    Attributes:
        raised: (categories, 2) days on which list prices go up; OPEN where they do not.
        listed: (3, skus) list prices before and after those days.
        break_off: (categories, pieces) volume discount; more pieces than columns count as the last.
        contracts, promotions: see there.
        category_off: (categories, channels, tiers, days) best promotion of the category.
        promotion, clearance: (skus,) row in `promotions` of the item's own, or -1.
        inner: (skus,) pieces in an inner box.
        currency: (customers,) number in CURRENCIES: in which its books may be.
        abroad: (customers,) whether they are.
        rates: (currencies, weeks) for one USD.
    """

    raised: Ints
    listed: Floats
    break_off: Floats
    contracts: Contracts
    promotions: Promotions
    category_off: Floats
    promotion: Ints
    clearance: Ints
    inner: Ints
    currency: Ints
    abroad: Bools
    rates: Floats


def build(world: World) -> PriceLists:
    """Draw the price lists of a world; they hold for its days and say what held before."""
    raised, listed = _list_prices(world)
    promotions = _promotions(world)
    own = np.full((2, len(world.skus.code)), -1, dtype=np.int64)
    rows = np.flatnonzero(promotions.sku >= 0)
    own[promotions.clearance[rows].astype(np.int64), promotions.sku[rows]] = rows
    rng = stream(world.seed, "prices: currencies")
    customers, weeks = len(world.customers.code), world.calendar.days // 7 + 1
    steps = 0.004 * rng.standard_normal((len(CURRENCIES), weeks))
    return PriceLists(
        raised, listed, _break_off(), _contracts(world), promotions,
        _category_off(promotions, world.calendar.days), own[0], own[1],
        np.array([_INNER[int(pack)] for pack in world.skus.pack]),
        rng.choice(len(CURRENCIES), size=customers, p=[0.5, 0.2, 0.3]),
        rng.random(customers) < 0.08,
        np.round(np.array([[1.37], [0.92], [18.2]]) * np.exp(np.cumsum(steps, axis=1)), 4),
    )  # fmt: skip


def _list_prices(world: World) -> tuple[Ints, Floats]:
    """Return when list prices go up, by category, once or twice on a Monday, and the prices."""
    rng = stream(world.seed, "prices: list")
    count, weeks = len(CATEGORIES), max(world.calendar.days // 7, 4)
    first = np.ceil(weeks * rng.uniform(0.08, 0.5, count)).astype(np.int64)
    second = first + np.ceil(weeks * rng.uniform(0.25, 0.4, count)).astype(np.int64)
    twice = rng.random(count) < 0.5
    raised = np.stack([7 * first, np.where(twice, 7 * second, OPEN)], axis=1)
    up = np.cumprod(1 + np.round(rng.uniform(0.02, 0.06, (2, count)), 3), axis=0)
    factor = np.concatenate([np.ones((1, count)), up])[:, world.skus.category]
    return raised, np.round(world.skus.list_price * factor, 2)


def _break_off() -> Floats:
    off = np.zeros((len(CATEGORIES), _MOST + 1))
    for name, breaks in BREAKS.items():
        for pieces, share in breaks:
            off[CATEGORIES.index(name), pieces:] = share
    return off


def _contracts(world: World) -> Contracts:
    rng = stream(world.seed, "prices: contracts")
    days, customers = world.calendar.days, len(world.customers.code)
    every = np.where(rng.random(customers) < 0.4, 6, 12)
    versions = 4 + days // 181
    month = START.astype("datetime64[M]").astype(np.int64) - rng.integers(1, every + 1)
    months = month[:, None] + every[:, None] * np.arange(-1, versions)
    first = months.astype("datetime64[M]").astype("datetime64[D]") - START
    starts = first.astype(np.int64) + rng.choice(np.array([0, 0, 0, 14]), customers)[:, None]
    version = np.zeros((customers, days + 1), dtype=np.int8)
    for place in range(1, versions):
        version += starts[:, [place]] <= np.arange(days + 1)
    usual = world.customers.discount[:, None] * np.exp(
        0.04 * rng.standard_normal((customers, len(CATEGORIES)))
    )
    paid = np.clip(usual[:, None] * _levels(rng, customers, versions, len(CATEGORIES)), 0.5, 0.97)
    breaks = rng.random(customers) < 0.3
    whose, sku = _own_items(world, rng)
    item = np.full((customers, len(world.skus.code)), -1, dtype=np.int64)
    item[whose, sku] = np.arange(len(sku))
    special = (world.skus.list_price[sku] * usual[whose, world.skus.category[sku]]) * rng.uniform(
        0.88, 0.98, len(sku)
    )
    price = np.round(special[:, None] * _levels(rng, len(sku), versions, 1)[..., 0], 2)
    return Contracts(starts, version, np.round(1 - paid, 3), breaks, item, price)


def _levels(rng: Generator, count: int, versions: int, kinds: int) -> Floats:
    """Return (count, versions, kinds) prices against those of version 1; most go up with each."""
    shape = (count, versions, kinds)
    size = 0.055 * np.exp(0.5 * rng.standard_normal(shape))
    luck = rng.random(shape)
    level = np.cumprod(
        1 + np.where(luck < 0.2, 0.0, np.where(luck < 0.8, size, -0.7 * size)), axis=1
    )
    against: Floats = level / level[:, [1]]
    return against


def _own_items(world: World, rng: Generator) -> tuple[Ints, Ints]:
    """Return customer and item of each price of its own: what a customer is likely to buy most."""
    near = np.argmin(world.miles, axis=0)[world.customers.town]
    wanted = np.where(world.skus.stocked[:, near].T, np.log(world.skus.popularity), -np.inf)
    wanted += rng.gumbel(size=wanted.shape)
    best = np.argsort(-wanted, axis=1, kind="stable")[:, : _OWN_ITEMS.max()]
    count = np.where(world.customers.contract, _OWN_ITEMS[world.customers.tier], 0)
    whose, place = np.nonzero(np.arange(best.shape[1]) < count[:, None])
    return whose, best[whose, place]


def _promotions(world: World) -> Promotions:
    rng = stream(world.seed, "prices: promotions")
    days, popularity = world.calendar.days, world.skus.popularity
    skus, years = len(popularity), days / 365
    wide = int(np.ceil(3 * years * len(CATEGORIES)))
    promoted = rng.choice(
        skus, size=min(int(np.ceil(100 * years)), skus // 4), replace=False, p=popularity
    )
    slow = np.argsort(popularity, kind="stable")[: skus - skus // 8]
    cleared = rng.choice(slow, size=skus // 16, replace=False)
    count, some = wide + len(promoted) + len(cleared), wide + len(promoted)
    category = np.full(count, -1, dtype=np.int64)
    category[:wide] = rng.integers(0, len(CATEGORIES), wide)
    clearance = np.arange(count) >= some
    first = 7 * rng.integers(0, max(days // 7, 1), count)
    weeks = np.where(clearance, rng.integers(3, 10, count), rng.integers(1, 6, count))
    off: Floats = np.where(clearance, rng.uniform(0.4, 0.7, count), rng.uniform(0.08, 0.3, count))
    channels = _for_some(rng, count, len(CHANNELS), 0.35)
    tiers = _for_some(rng, count, len(TIERS), 0.6)
    channels[clearance], tiers[clearance] = True, True
    return Promotions(
        category, np.concatenate([np.full(wide, -1), promoted, cleared]), channels, tiers,
        first, first + 7 * weeks - 1, np.round(off, 2), clearance,
    )  # fmt: skip


def _for_some(rng: Generator, count: int, kinds: int, chance: float) -> Bools:
    """Return a random choice of kinds for each row, at least one."""
    luck = rng.random((count, kinds))
    some: Bools = luck <= np.maximum(chance, luck.min(axis=1))[:, None]
    return some


def _category_off(promotions: Promotions, days: int) -> Floats:
    best = np.zeros((len(CATEGORIES), len(CHANNELS), len(TIERS), days + 1))
    for row in np.flatnonzero(promotions.category >= 0):
        span = best[promotions.category[row], ..., promotions.first[row] : promotions.last[row] + 1]
        reach = promotions.channels[row][:, None] & promotions.tiers[row]
        np.maximum(span, (promotions.off[row] * reach)[..., None], out=span)
    return best
