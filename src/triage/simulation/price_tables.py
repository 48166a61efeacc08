"""Price lists as the rows that a company keeps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from triage.simulation.price_lists import BREAKS, OPEN, Contracts, PriceLists, Promotions, build
from triage.simulation.world import CATEGORIES, World

_BEFORE = -371
"""First day of what was there before the world."""

Columns = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Tables:
    """Price lists, columns by name. Days are numbers, `valid_to` is the last one that counts.

    Attributes:
        contracts: customer, category or sku (the other is -1), discount off list or price (the
            other is NaN), volume_breaks, valid_from, valid_to.
        list_prices: sku, price, valid_from, valid_to.
        promotions: promotion, clearance, category or sku (the other is -1), channel and tier
            (-1 is all), off, valid_from, valid_to.
        volume_breaks: category, from_quantity, off.
        exchange_rates: currency (number in CURRENCIES), rate, valid_from, valid_to.
    """

    contracts: Columns
    list_prices: Columns
    promotions: Columns
    volume_breaks: Columns
    exchange_rates: Columns


def tables(world: World) -> Tables:
    """Return the price lists of a world as a company keeps them."""
    lists = build(world)
    pieces = [
        (CATEGORIES.index(name), pieces, off)
        for name, breaks in BREAKS.items()
        for pieces, off in breaks
    ]
    rates = lists.rates
    week = np.tile(np.arange(rates.shape[1]), len(rates))
    return Tables(
        contracts=_contract_rows(world, lists.contracts),
        list_prices=_list_price_rows(world, lists),
        promotions=_promotion_rows(lists.promotions),
        volume_breaks={
            "category": np.array([row[0] for row in pieces]),
            "from_quantity": np.array([row[1] for row in pieces]),
            "off": np.array([row[2] for row in pieces]),
        },
        exchange_rates={
            "currency": np.repeat(np.arange(len(rates)), rates.shape[1]),
            "rate": rates.ravel(),
            "valid_from": 7 * week,
            "valid_to": 7 * week + 6,
        },
    )


def _contract_rows(world: World, contracts: Contracts) -> Columns:
    """Return the versions in force during the world, and the one before the first of them."""
    versions = contracts.discount.shape[1]
    place = np.arange(versions)
    kept = (
        (place >= contracts.version[:, [0]] - 1)
        & (place <= contracts.version[:, [-1]])
        & world.customers.contract[:, None]
    )
    whose, version = np.nonzero(kept)
    kinds = len(CATEGORIES)
    owner, sku = np.nonzero(contracts.item >= 0)
    row, item_version = np.nonzero(kept[owner])
    customer = np.concatenate([np.repeat(whose, kinds), owner[row]])
    version = np.concatenate([np.repeat(version, kinds), item_version])
    wide, own = len(whose) * kinds, len(row)
    category = np.concatenate([np.tile(np.arange(kinds), len(whose)), np.full(own, -1)])
    price = contracts.price[contracts.item[owner, sku][row], item_version]
    return {
        "customer": customer,
        "category": category,
        "sku": np.concatenate([np.full(wide, -1), sku[row]]),
        "discount": np.concatenate(
            [
                contracts.discount[customer[:wide], version[:wide], category[:wide]],
                np.full(own, np.nan),
            ]
        ),
        "price": np.concatenate([np.full(wide, np.nan), price]),
        "volume_breaks": contracts.breaks[customer] & (category >= 0),
        "valid_from": contracts.starts[customer, version],
        "valid_to": contracts.starts[customer, version + 1] - 1,
    }


def _list_price_rows(world: World, lists: PriceLists) -> Columns:
    raised = lists.raised[world.skus.category].T
    skus = raised.shape[1]
    first = np.concatenate([np.full((1, skus), _BEFORE), raised])
    last = np.concatenate([raised - 1, np.full((1, skus), OPEN)])
    version, sku = np.nonzero(first < OPEN)
    return {
        "sku": sku,
        "price": lists.listed[version, sku],
        "valid_from": first[version, sku],
        "valid_to": np.where(last[version, sku] == OPEN - 1, OPEN, last[version, sku]),
    }


def _promotion_rows(promotions: Promotions) -> Columns:
    """Return a row for each channel and tier that a promotion is for; one row if it is for all."""
    reach = promotions.channels[:, :, None] & promotions.tiers[:, None, :]
    everybody = np.asarray(reach.all(axis=(1, 2)))
    reach[everybody] = False
    reach[everybody, 0, 0] = True
    row, channel, tier = np.nonzero(reach)
    return {
        "promotion": row,
        "clearance": promotions.clearance[row],
        "category": promotions.category[row],
        "sku": promotions.sku[row],
        "channel": np.where(everybody[row], -1, channel),
        "tier": np.where(everybody[row], -1, tier),
        "off": promotions.off[row],
        "valid_from": promotions.first[row],
        "valid_to": promotions.last[row],
    }
