"""Segments of a prediction frame: by site, destination region, carrier and service of the order."""

from __future__ import annotations

import pandas as pd

from triage.history.tables import History
from triage.training.categories import main_lines
from triage.training.promise import Segments


def with_segments(frame: pd.DataFrame, history: History) -> pd.DataFrame:
    """Return a prediction frame with site, destination_region, carrier and service of each order.

    A column that the frame already has is left alone; an order without a value has NaN. The site is
    that of the most valuable line, as on the list.
    """
    orders = history.orders.set_index("order_id")
    sites = main_lines(history)["site"]
    columns = {
        "site": pd.Series(sites.to_numpy(object), index=orders.index),
        **{name: orders[name] for name in ("destination_region", "carrier", "service")},
    }
    added = {
        name: frame["order_id"].map(values).astype(object)
        for name, values in columns.items()
        if name not in frame
    }
    return frame.assign(**added)


def large_segments(rows: pd.DataFrame, wanted: Segments) -> list[tuple[str, pd.DataFrame]]:
    """Return (title, rows) of every segment with enough rows and late ones, by column and value."""
    found = []
    for column in wanted.columns:
        if column not in rows:
            continue
        for value, part in rows.groupby(column, sort=True):
            if len(part) >= wanted.min_rows and part["late"].sum() >= wanted.min_late:
                found.append((f"{column} {value}", part))
    return found
