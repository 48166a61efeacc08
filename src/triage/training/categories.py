"""The order's own codes as columns: what a baseline may one-hot, and what figures are sliced by."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from triage.history.tables import History


def order_categories(history: History, names: Sequence[str]) -> pd.DataFrame:
    """Return codes of each order, by row of the book; those of a line are its main line's.

    Args:
        history: the log.
        names: fields of the order or of its lines; a field that holds nothing is left out.
    """
    main = main_lines(history)
    found = {}
    for name in names:
        if name in history.orders:
            values = history.orders[name]
        elif name in main:
            values = main[name]
        else:
            continue
        if values.notna().any():
            found[name] = values.reset_index(drop=True)
    return pd.DataFrame(found, index=pd.RangeIndex(len(history.orders)))


def main_lines(history: History) -> pd.DataFrame:
    """Return each order's most valuable line (ties: the first), by row of the book."""
    lines = history.lines
    worth = (lines["quantity"] * lines["unit_price"].fillna(0.0)).to_numpy()
    order = lines["order"].to_numpy()
    ranked = lines.iloc[np.lexsort((lines["line_no"].to_numpy(), -worth, order))]
    first = ranked.drop_duplicates("order").set_index("order")
    return first.reindex(pd.RangeIndex(len(history.orders)))
