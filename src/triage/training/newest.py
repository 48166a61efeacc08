"""The newest part of a long log, as if the company had begun to record with its first order.

Features look back at most some ninety days, so trying a bundle on the newest orders shows what the
whole log would, in bounded time and memory.
"""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from triage.history.tables import History


def newest_orders(history: History, most: int) -> History:
    """Return the newest orders with all that was recorded of them, and what is as new as they are.

    Exceptions and supplies that began before the first of these orders are left out altogether.

    Args:
        history: the log.
        most: number of orders; a log that has no more is returned as it is.
    """
    first = len(history.orders) - most
    if first <= 0:
        return history
    moment = int(history.orders["record_time"].iloc[first])
    exceptions = _begun(history.exceptions, "exception_id", moment)
    return replace(
        history,
        orders=history.orders.iloc[first:].reset_index(drop=True),
        lines=_renumbered(history.lines[history.lines["order"] >= first], first),
        milestones=_renumbered(history.milestones[history.milestones["order"] >= first], first),
        positions=_since(history.positions, moment),
        exceptions=_renumbered(exceptions[~exceptions["order"].between(0, first - 1)], first),
        supplies=_begun(history.supplies, "supply_id", moment),
        staffing=_since(history.staffing, moment),
    )


def _since(table: pd.DataFrame, moment: int) -> pd.DataFrame:
    return table[table["record_time"] >= moment].reset_index(drop=True)


def _renumbered(table: pd.DataFrame, first: int) -> pd.DataFrame:
    order = table["order"]
    return table.assign(order=order.where(order < 0, order - first)).reset_index(drop=True)


def _begun(table: pd.DataFrame, key: str, moment: int) -> pd.DataFrame:
    """Return the records of cases whose first record is not before a moment (UTC micros)."""
    begun = table.groupby(key)["record_time"].transform("min") >= moment
    return table[begun].reset_index(drop=True)
