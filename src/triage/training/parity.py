"""Parity by replay: every record through the live index, every landmark asked at its moment.

The same rows come from the matrix over the whole history. A value that differs is a leak or a stale
state; the count of differences must be 0.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from triage.domain.records import Milestone, Order, Record
from triage.features.compile import FeatureSet, Floats, Ints
from triage.features.engine import FeatureEngine
from triage.features.facts import TIME
from triage.history.objects import RECORDS_BESIDE_ORDERS
from triage.history.tables import History

Progress = Callable[[str], None]


def records_in_order(history: History) -> list[tuple[int, Record]]:
    """Return every record with its record time (UTC micros), in the order in which it was known."""
    records: list[tuple[int, Record]] = []
    moments = history.orders["record_time"].tolist()
    records.extend(zip(moments, history.order_objects(), strict=True))
    for name, read in RECORDS_BESIDE_ORDERS.items():
        moments = getattr(history, name)["record_time"].tolist()
        records.extend(zip(moments, read(history), strict=True))
    records.sort(key=lambda pair: pair[0])
    return records


def replay(
    history: History,
    features: FeatureSet,
    landmarks: Sequence[str],
    progress: Progress | None = None,
) -> tuple[list[tuple[str, int]], Floats]:
    """Stream a history through a live engine and score each landmark at its moment.

    Records are taken in together up to a moment at which something is asked.

    Returns:
        (order id, moment in UTC micros) of each landmark reached, and its features (n, features).
    """
    engine = FeatureEngine.empty_for(history.sources[0], features)
    wanted = {TIME[landmark] for landmark in landmarks}
    asked: list[tuple[str, int]] = []
    values: list[Floats] = []
    records = records_in_order(history)
    out = np.empty(len(engine.names), dtype=np.float64)
    waiting: list[Record] = []
    touched: dict[str, None] = {}
    for at, (moment, record) in enumerate(records):
        if progress is not None and at % 50_000 == 0:
            progress(f"replayed {at:,} of {len(records):,} records")
        waiting.append(record)
        if isinstance(record, Order) or (
            isinstance(record, Milestone) and record.milestone in landmarks
        ):
            touched[record.order_id] = None
        if not touched or (at + 1 < len(records) and records[at + 1][0] == moment):
            continue
        engine.apply_all(waiting)
        for order_id in touched:
            row = engine.book.row(engine.book.row_of[order_id])
            if any(row.known[column] == moment for column in wanted):
                engine.vector(row, moment, out)
                asked.append((order_id, moment))
                values.append(out.copy())
        waiting, touched = [], {}
    return asked, np.array(values)


def matrix_of(engine: FeatureEngine, asked: Sequence[tuple[str, int]]) -> Floats:
    """Return the same rows from the matrix of a whole history."""
    rows: Ints = np.array([engine.book.row_of[order_id] for order_id, _ in asked], dtype=np.int64)
    return engine.matrix(rows, np.array([moment for _, moment in asked], dtype=np.int64))


def differences(a: Floats, b: Floats) -> int:
    """Return how many values are not the same (missing equals missing)."""
    return int((~((a == b) | (np.isnan(a) & np.isnan(b)))).sum())
