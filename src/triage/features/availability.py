"""Which sources hold data: what switches families on, by name."""

from __future__ import annotations

import pandas as pd

from triage.domain.clock import UNKNOWN_TIME
from triage.history.tables import History

_ENOUGH = 0.01


def available(history: History, *, least_share: float = _ENOUGH) -> frozenset[str]:
    """Return the names of the sources that hold data.

    `order.<field>` and `order_line.<field>` count if at least `least_share` of the rows have a
    value, `milestone.<kind>` if at least that share of the orders has one; `order_line`,
    `inventory_position`, `exception_event` and `inbound_supply` if there is any.
    """
    orders = max(len(history.orders), 1)
    names = _filled("order", history.orders, least_share)
    if history.orders["not_before"].ne(UNKNOWN_TIME).sum() < least_share * orders:
        names.discard("order.not_before")
    names |= _filled("order_line", history.lines, least_share)
    kinds = history.milestones["milestone"].value_counts()
    names |= {f"milestone.{kind}" for kind, n in kinds.items() if n >= least_share * orders}
    if history.milestones["due_by"].gt(0).sum() >= least_share * orders:
        names.add("milestone.due_by")
    others = {
        "order_line": history.lines,
        "inventory_position": history.positions,
        "exception_event": history.exceptions,
        "inbound_supply": history.supplies,
    }
    names |= {name for name, table in others.items() if len(table)}
    return frozenset(names)


def _filled(record: str, table: pd.DataFrame, least_share: float) -> set[str]:
    if not len(table):
        return set()
    share = table.notna().mean()
    return {f"{record}.{name}" for name in table.columns if share[name] >= least_share}
