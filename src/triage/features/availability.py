"""Which sources hold data: what switches families on, by name."""

from __future__ import annotations

import pandas as pd

from triage.domain.clock import MICROS_PER_DAY, UNKNOWN_TIME
from triage.history.tables import History

RETURNING_CUSTOMERS, FEW_ORDERS = "returning_customers", "few_orders"
"""Sources that are no field of a record, but what the records are like."""
_ENOUGH = 0.01
_RETURNING = 0.2
_TWO = 2
_CODES = {"channel", "service", "carrier", "customer_tier", "payment_method", "priority"}
_FEW_A_MONTH, _LEAST_ORDERS, _DAYS_A_MONTH = 500, 2, 30.4


def available(history: History, *, least_share: float = _ENOUGH) -> frozenset[str]:
    """Return the names of the sources that hold data.

    `order.<field>` and `order_line.<field>` count if at least `least_share` of the rows have a
    value (and a code, such as a channel, at least two), `milestone.<kind>` if at least that share
    of the orders has one; `order_line`, `inventory_position`, `exception_event`,
    `inbound_supply` and `staffing` if there is any;
    `returning_customers` if one order in five is by a customer who ordered before; `few_orders` if
    there are fewer than 500 orders a month, so that a quarter's history says little.
    """
    orders = max(len(history.orders), 1)
    names = _filled("order", history.orders, least_share)
    for time in ("not_before", "ship_by"):
        if history.orders[time].ne(UNKNOWN_TIME).sum() < least_share * orders:
            names.discard(f"order.{time}")
    names |= _filled("order_line", history.lines, least_share)
    kinds = history.milestones["milestone"].value_counts()
    names |= {f"milestone.{kind}" for kind, n in kinds.items() if n >= least_share * orders}
    if _returning(history.orders["customer_id"]) >= _RETURNING:
        names.add(RETURNING_CUSTOMERS)
    if _orders_a_month(history.orders["record_time"]) < _FEW_A_MONTH:
        names.add(FEW_ORDERS)
    deadlines = history.milestones["due_by"].ne(UNKNOWN_TIME).sum()
    if "order.ship_by" in names or deadlines >= least_share * orders:
        names.add("milestone.due_by")
    others = {
        "order_line": history.lines,
        "inventory_position": history.positions,
        "exception_event": history.exceptions,
        "inbound_supply": history.supplies,
        "staffing": history.staffing,
    }
    names |= {name for name, table in others.items() if len(table)}
    return frozenset(names)


def _returning(customers: pd.Series[str]) -> float:
    """Return the share of orders whose customer has an earlier one."""
    known = customers.dropna()
    return float(known.duplicated().mean()) if len(known) else 0.0


def _orders_a_month(recorded: pd.Series[int]) -> float:
    if len(recorded) < _LEAST_ORDERS:
        return float(_FEW_A_MONTH)
    months = (recorded.iloc[-1] - recorded.iloc[0]) / MICROS_PER_DAY / _DAYS_A_MONTH
    return len(recorded) / max(float(months), 1.0)


def _filled(record: str, table: pd.DataFrame, least_share: float) -> set[str]:
    if not len(table):
        return set()
    share = table.notna().mean()
    alike = {name for name in _CODES & {*table.columns} if table[name].nunique() < _TWO}
    filled = {name for name in table.columns if share[name] >= least_share}
    return {f"{record}.{name}" for name in filled - alike}
