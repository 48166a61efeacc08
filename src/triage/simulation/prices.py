"""What each line costs, by which rule, and where the price that was entered is wrong."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, auto

import numpy as np
import numpy.typing as npt

from triage.simulation import price_lists
from triage.simulation.calendar import Ints
from triage.simulation.draws import Floats, stream
from triage.simulation.price_lists import (
    GROUP_DISCOUNT,
    SURCHARGE,
    SURCHARGED,
    SURCHARGED_BELOW_PIECES,
    SURCHARGED_BELOW_PRICE,
    PriceLists,
)
from triage.simulation.world import CATEGORIES, Bools, World

ERRORS = ("none", "wrong_unit", "stale_contract", "decimal_slip", "currency")
NONE, WRONG_UNIT, STALE_CONTRACT, DECIMAL_SLIP, CURRENCY = range(5)
BASES = (
    *("list", "contract", "volume_break", "promotion", "clearance", "concession"),
    *("price_match", "small_quantity", "sample"),
)
LIST, CONTRACT, VOLUME_BREAK, PROMOTION, CLEARANCE, CONCESSION, MATCH, SMALL, SAMPLE = range(9)
OUTLIERS = (CLEARANCE, CONCESSION, MATCH, SMALL, SAMPLE)
"""Bases on which a price is unusual and right; no error happens to them."""
ERROR_RATES = np.array(
    [
        # unit, stale, slip, currency
        [0.0085, 0.0160, 0.0010, 0.0008],  # EDI
        [0.0045, 0.0050, 0.0020, 0.0030],  # eCommerce
        [0.0050, 0.0070, 0.0080, 0.0020],  # Portal
        [0.0050, 0.0090, 0.0125, 0.0020],  # Field sales
        [0.0060, 0.0090, 0.0140, 0.0025],  # Customer service
        [0.0060, 0.0000, 0.0040, 0.0170],  # Marketplace
    ]
)
"""Share of lines, by channel, to which each kind of error happens where it can."""

_GRANTED = np.array(
    [
        # sample, concession, price match
        [0.0000, 0.002, 0.00],
        [0.0000, 0.001, 0.00],
        [0.0000, 0.002, 0.00],
        [0.0080, 0.050, 0.00],
        [0.0050, 0.040, 0.00],
        [0.0000, 0.000, 0.06],
    ]
)
_SAMPLE_PIECES = 3
_DEEP = 0.01
"""Share of concessions so deep that they look like a decimal slip."""
_MATERIAL = 0.015
"""A contract price that moved by less is not an error when it is stale."""
_IN_CASES = 0.75
"""Share of mixed-up units that are cases; the others are inner boxes."""
_CHUNK = 1 << 17

Codes = npt.NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class Prices:
    """Prices of n lines, USD a piece.

    Attributes:
        entered: (n,) what the order says.
        right: (n,) what it should say.
        listed: (n,) list price of the day.
        error: (n,) number in ERRORS; 0 where entered is right.
        basis: (n,) number in BASES: the rule that gives the right price.
    """

    entered: Floats
    right: Floats
    listed: Floats
    error: Codes
    basis: Codes


class _Luck(IntEnum):
    """Columns of a line's uniform random numbers."""

    GRANTED = 0
    GRANT = auto()
    ERROR = auto()
    WHICH_WAY = auto()
    WHICH_UNIT = auto()


@dataclass(frozen=True, slots=True)
class _Lines:
    """Some of the lines, with what is looked up for each."""

    day: Ints
    customer: Ints
    channel: Ints
    sku: Ints
    quantity: Ints
    category: Ints
    tier: Ints
    listed: Floats
    break_off: Floats
    luck: Floats


def draw(
    world: World, day: Ints, customer: Ints, channel: Ints, sku: Ints, quantity: Ints
) -> Prices:
    """Price n lines; all arguments are (n,), by line.

    The first lines cost the same however many follow. They are worked off in chunks, to spare
    memory.
    """
    lists = price_lists.build(world)
    rng = stream(world.seed, "prices")
    care = np.sqrt(world.customers.sloppy)
    rates = _rates(world, lists, care / np.average(care, weights=world.customers.share))
    n = len(sku)
    prices = Prices(
        np.empty(n),
        np.empty(n),
        np.empty(n),
        np.zeros(n, dtype=np.int8),
        np.zeros(n, dtype=np.int8),
    )
    for first in range(0, n, _CHUNK):
        part = slice(first, min(first + _CHUNK, n))
        lines = _look_up(
            world, lists, rng.random((part.stop - first, len(_Luck))),
            day[part], customer[part], channel[part], sku[part], quantity[part],
        )  # fmt: skip
        right, basis = _right(world, lists, lines)
        entered, error = _entered(world, lists, lines, rates, right, basis)
        prices.entered[part], prices.right[part], prices.listed[part] = entered, right, lines.listed
        prices.error[part], prices.basis[part] = error, basis
    return prices


def _rates(world: World, lists: PriceLists, care: Floats) -> Floats:
    """Return (customers, channels, kinds) chances up to and with each kind of error."""
    rates = ERROR_RATES * care[:, None, None]
    books = np.where(lists.abroad, 5.0, 0.6)
    books /= np.average(books, weights=world.customers.share)
    rates[..., CURRENCY - 1] *= books[:, None]
    edges: Floats = np.cumsum(rates, axis=-1)
    return edges


def _look_up(
    world: World,
    lists: PriceLists,
    luck: Floats,
    day: Ints,
    customer: Ints,
    channel: Ints,
    sku: Ints,
    quantity: Ints,
) -> _Lines:
    category = world.skus.category[sku]
    raised = lists.raised[category]
    version = (day >= raised[:, 0]).astype(np.int64) + (day >= raised[:, 1])
    most = lists.break_off.shape[1] - 1
    return _Lines(
        day, customer, channel, sku, quantity, category, world.customers.tier[customer],
        lists.listed[version, sku], lists.break_off[category, np.minimum(quantity, most)], luck,
    )  # fmt: skip


def _right(world: World, lists: PriceLists, lines: _Lines) -> tuple[Floats, Codes]:
    """Return right prices and their bases: what was agreed, or less if it is on offer."""
    contract = world.customers.contract[lines.customer]
    price = lines.listed * (1 - GROUP_DISCOUNT[lines.tier]) * (1 - lines.break_off)
    basis = np.where(lines.break_off > 0, VOLUME_BREAK, LIST).astype(np.int8)
    under = np.flatnonzero(contract)
    version = lists.contracts.version[lines.customer[under], lines.day[under]].astype(np.int64)
    price[under], broken = _agreed(lists, lines, under, version)
    basis[under] = np.where(broken, VOLUME_BREAK, CONTRACT)
    _promote(lists, lines, price, basis)
    few = np.isin(np.arange(len(CATEGORIES)), [CATEGORIES.index(name) for name in SURCHARGED])
    small = (
        (basis == LIST)
        & few[lines.category]
        & (lines.quantity < SURCHARGED_BELOW_PIECES)
        & (lines.listed < SURCHARGED_BELOW_PRICE)
    )
    price[small] *= 1 + SURCHARGE
    basis[small] = SMALL
    _grant(lines, price, basis)
    return np.where(basis == SAMPLE, price, _cents(price)), basis


def _agreed(lists: PriceLists, lines: _Lines, which: Ints, version: Ints) -> tuple[Floats, Bools]:
    """Return prices of some lines by a version of their contract, and whether a break applied."""
    contracts = lists.contracts
    customer, category = lines.customer[which], lines.category[which]
    item = contracts.item[customer, lines.sku[which]]
    own = item >= 0
    off = np.where(contracts.breaks[customer] & ~own, lines.break_off[which], 0.0)
    discount = contracts.discount[customer, version, category]
    price = lines.listed[which] * (1 - discount) * (1 - off)
    price[own] = contracts.price[item[own], version[own]]
    return price, off > 0


def _promote(lists: PriceLists, lines: _Lines, price: Floats, basis: Codes) -> None:
    """Put promotions and clearances into `price` and `basis` where they are lower."""
    promotions = lists.promotions
    off = lists.category_off[lines.category, lines.channel, lines.tier, lines.day]
    for rows, kind in ((lists.promotion, PROMOTION), (lists.clearance, CLEARANCE)):
        row = rows[lines.sku]
        with_one = np.flatnonzero(row >= 0)
        row = row[with_one]
        on = (
            promotions.channels[row, lines.channel[with_one]]
            & promotions.tiers[row, lines.tier[with_one]]
            & (promotions.first[row] <= lines.day[with_one])
            & (promotions.last[row] >= lines.day[with_one])
        )
        off[with_one[on]] = np.maximum(off[with_one[on]], promotions.off[row[on]])
        better = np.flatnonzero((off > 0) & (lines.listed * (1 - off) < price))
        price[better] = lines.listed[better] * (1 - off[better])
        basis[better] = kind
        off[:] = 0.0


def _grant(lines: _Lines, price: Floats, basis: Codes) -> None:
    """Put what people grant by hand into `price` and `basis`: concessions, matches, samples."""
    edges = np.cumsum(_GRANTED, axis=1)[lines.channel]
    kind = (lines.luck[:, [_Luck.GRANTED]] >= edges).sum(axis=1)
    size = lines.luck[:, _Luck.GRANT]
    usual = basis <= VOLUME_BREAK
    sample = np.flatnonzero((kind == 0) & (lines.quantity <= _SAMPLE_PIECES))
    price[sample] = np.where(size[sample] < 0.7, 0.0, 0.01)
    basis[sample] = SAMPLE
    conceded = np.flatnonzero((kind == 1) & usual)
    luck = size[conceded]
    price[conceded] *= 1 - np.where(luck < _DEEP, 0.88 + 4 * luck, 0.08 + 0.27 * luck)
    basis[conceded] = CONCESSION
    matched = np.flatnonzero((kind == 2) & usual)
    price[matched] *= 0.95 - 0.2 * size[matched]
    ends_in_99 = matched[price[matched] >= 5]
    price[ends_in_99] = np.floor(price[ends_in_99]) - 0.01
    basis[matched] = MATCH


def _entered(
    world: World, lists: PriceLists, lines: _Lines, rates: Floats, right: Floats, basis: Codes
) -> tuple[Floats, Codes]:
    """Return the prices that orders say, and the error in each."""
    luck = lines.luck[:, _Luck.ERROR]
    edges = rates[lines.customer, lines.channel]
    hit = np.flatnonzero((luck < edges[:, -1]) & (basis < CLEARANCE))
    kind = 1 + (luck[hit, None] >= edges[hit]).sum(axis=1)
    way, unit = lines.luck[hit, _Luck.WHICH_WAY], lines.luck[hit, _Luck.WHICH_UNIT]
    sku, customer = lines.sku[hit], lines.customer[hit]
    pieces = np.where(unit < _IN_CASES, world.skus.pack[sku], lists.inner[sku])
    factor = np.select(
        [kind == WRONG_UNIT, kind == DECIMAL_SLIP, kind == CURRENCY],
        [
            np.where(way < 0.55, pieces, 1 / pieces),
            np.where(way < 0.48, 10.0, np.where(way < 0.88, 0.1, 100.0)),
            lists.rates[lists.currency[customer], lines.day[hit] // 7],
        ],
        1.0,
    )
    wrong = _cents(right[hit] * factor)
    stale = np.flatnonzero((kind == STALE_CONTRACT) & world.customers.contract[customer])
    stale = stale[basis[hit[stale]] != PROMOTION]
    which = hit[stale]
    version = lists.contracts.version[lines.customer[which], lines.day[which]].astype(np.int64)
    before = _cents(_agreed(lists, lines, which, version - 1)[0])
    moved = np.abs(before - right[which]) >= _MATERIAL * right[which]
    wrong[stale[moved]] = before[moved]
    differs = wrong != right[hit]
    entered, error = right.copy(), np.zeros(len(right), dtype=np.int8)
    entered[hit] = wrong
    error[hit] = np.where(differs, kind, NONE)
    return entered, error


def _cents(price: Floats) -> Floats:
    """Return prices in whole cents, at least one."""
    return np.maximum(np.round(price, 2), 0.01)
