"""Every order of a whole history described at once: the same bits as described one by one.

Sums run line by line in their sequence, and functions of the mathematical library are those of the
single order, so that numbers from a log and from live records cannot differ.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from triage.features.compile import LINE_QUANTITY_PER, Floats, Ints
from triage.features.facts import (
    KEY_FIELDS,
    LINE_FIELDS,
    NUMBERS,
    great_circle_km,
    rank,
)
from triage.history.tables import History

Codes = tuple[Ints, list[str]]
"""Code of each row's value, -1 where it is missing, and the values by code."""


@dataclass(frozen=True, slots=True)
class Lines:
    """The lines of all orders as arrays, sorted by (order, line number).

    Attributes:
        orders: how many orders there are.
        order: (lines,) row number of each line's order.
        table: the lines' fields.
        main: (orders,) row number of the main line; -1 for an order without lines.
    """

    orders: int
    order: Ints
    table: pd.DataFrame
    main: Ints

    @classmethod
    def of(cls, history: History) -> Lines:
        """Return the lines of a history."""
        order = history.lines["order"].to_numpy(np.int64)
        worth = history.lines["quantity"].to_numpy(float) * np.nan_to_num(
            history.lines["unit_price"].to_numpy(float)
        )
        ranked = np.lexsort((history.lines["line_no"].to_numpy(), -worth, order))
        found, first = np.unique(order[ranked], return_index=True)
        main = np.full(len(history.orders), -1, dtype=np.int64)
        main[found] = ranked[first]
        return cls(len(history.orders), order, history.lines, main)

    def number(self, name: str) -> Floats:
        """Return a number of each line, (lines,); NaN where it is missing."""
        return self.table[name].to_numpy(float)

    def of_main(self, values: Floats) -> Floats:
        """Return the value of each order's main line, (orders,); NaN where it has none."""
        return np.append(values, np.nan)[self.main]

    def total(self, values: Floats) -> Floats:
        """Return the sum of the known values of each order's lines; NaN where none is known."""
        known = ~np.isnan(values)
        sums = np.bincount(self.order[known], values[known], self.orders)
        return np.where(np.bincount(self.order[known], minlength=self.orders) > 0, sums, np.nan)

    def largest(self, values: Floats) -> Floats:
        """Return the largest known value of each order's lines; NaN where none is known."""
        known = ~np.isnan(values)
        found = np.full(self.orders, -np.inf)
        np.maximum.at(found, self.order[known], values[known])
        return np.where(np.isneginf(found), np.nan, found)

    def distinct(self, name: str) -> Floats:
        """Return how many values a field has among each order's lines; missing is one of them."""
        codes, values = coded(self.table[name])
        pairs = pd.unique(self.order * (len(values) + 1) + codes + 1)
        return np.bincount(pairs // (len(values) + 1), minlength=self.orders).astype(float)


def order_numbers(orders: pd.DataFrame, lines: Lines) -> Floats:
    """Return (orders, numbers): what `facts.numbers` gives for each order."""
    quantity, price, listed = map(lines.number, ("quantity", "unit_price", "list_price"))
    paid = quantity * np.nan_to_num(price)
    latitude, longitude = (
        lines.of_main(lines.number(name)) for name in ("site_latitude", "site_longitude")
    )
    to_latitude, to_longitude = (
        orders[name].to_numpy(float) for name in ("destination_latitude", "destination_longitude")
    )
    found = {
        "value": lines.total(paid),
        "freight": lines.total(lines.number("freight")),
        "line_count": np.bincount(lines.order, minlength=lines.orders).astype(float),
        "site_count": lines.distinct("site"),
        "quantity": lines.total(quantity),
        "weight_kg": lines.total(lines.number("weight_kg") * quantity),
        "heaviest_kg": lines.largest(lines.number("weight_kg")),
        "volume_l": lines.total(lines.number("volume_l") * quantity),
        "distance_km": _distances(latitude, longitude, to_latitude, to_longitude),
        "same_region": _same_region(orders, lines),
        "installments": orders["payment_installments"].to_numpy(float),
        "destination_latitude": to_latitude,
        "destination_longitude": to_longitude,
        "site_latitude": latitude,
        "site_longitude": longitude,
        "main_quantity": lines.of_main(quantity),
        "price_ratio": _price_ratio(lines, quantity, price, listed),
        "price_gap": _price_gap(lines, price, listed),
        "priority_rank": _ranks(orders["priority"]),
        "transit_days": orders["transit_days"].to_numpy(float),
    }
    return np.column_stack([found[name] for name in NUMBERS])


def order_codes(orders: pd.DataFrame, lines: Lines) -> dict[str, Codes]:
    """Return codes of what each order can be keyed by (see `facts.key_values`), by field."""
    found: dict[str, Codes] = {}
    for name in KEY_FIELDS:
        if name in LINE_FIELDS:
            codes, values = coded(lines.table[name])
            found[name] = np.append(codes, -1)[lines.main], values
        elif name == "destination_zone":
            zone = orders["destination_area"].str[:2]
            found[name] = coded(zone.where(zone != ""))
        elif name in orders and name != "order_id":
            found[name] = coded(orders[name])
    return found


def main_first(lines: Lines, keys: Sequence[Ints]) -> tuple[Ints, Ints]:
    """Return lines with those of an order together, its main line first, and where each's lie.

    Args:
        lines: the lines.
        keys: (lines,) numbers of the keys of each line, that of its stock first.

    Returns:
        (lines, 1 + keys): stock key, quantity in thousandths, further keys; (orders, 2): where an
        order's lines begin, and how many they are.
    """
    is_main = np.zeros(len(lines.order), dtype=bool)
    is_main[lines.main[lines.main >= 0]] = True
    by = np.lexsort((lines.table["line_no"].to_numpy(), ~is_main, lines.order))
    quantity = np.maximum(np.rint(lines.number("quantity") * LINE_QUANTITY_PER), 1)
    starts = np.searchsorted(lines.order, np.arange(lines.orders + 1))
    return (
        np.column_stack([keys[0], quantity.astype(np.int64), *keys[1:]])[by],
        np.column_stack([starts[:-1], np.diff(starts)]),
    )


def line_codes(lines: Lines) -> dict[str, Codes]:
    """Return codes of what each line can be keyed by, by field."""
    return {name: coded(lines.table[name]) for name in LINE_FIELDS}


def coded(values: pd.Series) -> Codes:
    """Return the values as codes, in order of first appearance."""
    codes, unique = pd.factorize(values)
    return codes.astype(np.int64), unique.tolist()


def combined(fields: Sequence[str], codes: Mapping[str, Codes]) -> tuple[Ints, list[list[str]]]:
    """Return the number of each row's combination of fields, and the parts of each combination.

    -1 where a field is missing; numbers are in order of first appearance.
    """
    group = codes[fields[0]][0]
    for name in fields[1:]:
        more, values = codes[name]
        known = (group >= 0) & (more >= 0)
        both = np.full(len(group), -1, dtype=np.int64)
        both[known] = pd.factorize(group[known] * len(values) + more[known])[0]
        group = both
    known_rows = np.flatnonzero(group >= 0)
    unique, first = np.unique(group[known_rows], return_index=True)
    rows = np.sort(known_rows[first])
    numbers = np.full(int(unique[-1]) + 1 if len(unique) else 0, -1, dtype=np.int64)
    numbers[group[rows]] = np.arange(len(rows))
    parts = [[codes[name][1][code] for code in codes[name][0][rows].tolist()] for name in fields]
    return np.append(numbers, -1)[group], parts


def _distances(*degrees: Floats) -> Floats:
    known = np.flatnonzero(~np.isnan(np.array(degrees)).any(axis=0))
    found = np.full(len(degrees[0]), np.nan)
    roads = list(zip(*(values[known].tolist() for values in degrees), strict=True))
    far = {each: great_circle_km(*each) for each in set(roads)}
    found[known] = [far[each] for each in roads]
    return found


def _same_region(orders: pd.DataFrame, lines: Lines) -> Floats:
    regions = lines.table["site_region"].reset_index(drop=True)
    of_site = regions.reindex(lines.main).reset_index(drop=True)  # none for -1
    there = orders["destination_region"].reset_index(drop=True)
    known = of_site.notna().to_numpy() & there.notna().to_numpy()
    same: npt.NDArray[np.bool_] = (of_site == there).fillna(value=False).to_numpy(bool)
    return np.where(known, same.astype(float), np.nan)


def _price_ratio(lines: Lines, quantity: Floats, price: Floats, listed: Floats) -> Floats:
    known = ~np.isnan(price) & (np.nan_to_num(listed) != 0)
    base = lines.total(np.where(known, quantity * listed, np.nan))
    paid = lines.total(np.where(known, quantity * price, np.nan))
    return np.divide(paid, base, out=np.full(lines.orders, np.nan), where=np.nan_to_num(base) > 0)


def _ranks(priority: pd.Series) -> Floats:
    """Return the rank of each order, (orders,); each code is read once."""
    codes, values = coded(priority)
    return np.array([*map(rank, values), np.nan])[codes]


def _price_gap(lines: Lines, price: Floats, listed: Floats) -> Floats:
    known = (np.nan_to_num(price) != 0) & (np.nan_to_num(listed) != 0)
    gap = np.full(len(known), np.nan)
    gap[known] = [abs(math.log(ratio)) for ratio in (price[known] / listed[known]).tolist()]
    return lines.largest(gap)
