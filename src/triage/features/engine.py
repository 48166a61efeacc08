"""The engine: one book, one index, one kernel, for many moments and for one.

Data's path: records -> book (what is known of each order) -> index (entries by key, prefix sums) ->
feature rows, whose columns are bound by name.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from triage.domain.clock import to_micros
from triage.domain.records import InventoryPosition, Milestone, Order, Record
from triage.features import calendar
from triage.features.book import OrderBook, OrderRow
from triage.features.compile import MAX_COLUMNS, FeatureSet, Floats, Ints, StreamKind
from triage.features.index import AsOfIndex
from triage.features.kernel import fill_matrix, fill_row
from triage.history.tables import History


class FeatureEngine:
    """As-of features over a history that may still grow.

    Args:
        features: the compiled declarations.
        time_zone: IANA zone in which days and hours are local.
        country: ISO 3166 code whose public holidays count.
    """

    def __init__(self, features: FeatureSet, *, time_zone: str, country: str) -> None:
        self.features = features
        self.calendar = calendar.build(time_zone, country)
        self.book = OrderBook(features.keysets)
        self.index = AsOfIndex(features.program)
        self._positions = _position_tables(features)
        self._seen_positions: set[str] = set()
        self._cursor_of = _cursors_by_field(features)
        self._spans = np.empty((features.program.cursors.shape[0], 4), dtype=np.int64)

    @classmethod
    def of(cls, history: History, features: FeatureSet) -> FeatureEngine:
        """Build the engine from a whole history; zone and country are its first source's."""
        source = history.sources[0]
        engine = cls(features, time_zone=source.time_zone, country=source.country)
        engine.book = OrderBook.of(history, features.keysets)
        engine.index.build(engine.book)
        engine._load_positions(history)
        return engine

    @property
    def names(self) -> tuple[str, ...]:
        """Return the column names of a row."""
        return self.features.names

    def apply(self, record: Record) -> None:
        """Take in one record: an order, a milestone or an inventory position.

        The state afterwards does not depend on the order in which records arrive.
        """
        if isinstance(record, InventoryPosition):
            self._apply_position(record)
        elif isinstance(record, Order):
            if record.order_id not in self.book.row_of:
                at = self.book.add_order(record)
                self.index.replace(self.book.keys[at], 0, self.book.row(at))
        else:
            self._apply_milestone(record)

    def matrix(self, rows: Ints, as_of: Ints) -> Floats:
        """Return features of many moments.

        Args:
            rows: (n,) row numbers of the book.
            as_of: (n,) moments in UTC micros.

        Returns:
            (n, features) float64; NaN where there is no history or a fact is not known.
        """
        out = np.empty((len(rows), len(self.names)), dtype=np.float64)
        fill_matrix(
            self.features.program, self.calendar, self.index.arrays, self.book.event,
            self.book.known, self.book.numbers, self.book.keys, rows, as_of, out,
        )  # fmt: skip
        return out

    def vector(self, row: OrderRow, as_of: int, out: Floats) -> None:
        """Fill one preallocated feature row for an order as of one moment (UTC micros)."""
        fill_row(
            self.features.program, self.calendar, self.index.arrays, row.event, row.known,
            row.numbers, row.keys, as_of, self._spans, out,
        )  # fmt: skip

    def seen(self, field: str) -> bool | None:
        """Return whether the field's value had any history in the last call of `vector`.

        None if no feature is keyed by this field alone.
        """
        cursor = self._cursor_of.get(field)
        return None if cursor is None else bool(self._spans[cursor, 2] > 0)

    def stream(self, records: Iterable[Record]) -> None:
        """Take in records one by one."""
        for record in records:
            self.apply(record)

    def _apply_milestone(self, milestone: Milestone) -> None:
        at = self.book.row_of.get(milestone.order_id)
        if at is None:
            self.book.add_milestone(milestone)
            return
        row = self.book.row(at)
        n_before, _ = self.index.entries_of(row)
        self.book.add_milestone(milestone)
        self.index.replace(row.keys, n_before, row)

    def _apply_position(self, position: InventoryPosition) -> None:
        if position.record_id in self._seen_positions:
            return
        self._seen_positions.add(position.record_id)
        moment = to_micros(position.record_time)
        for table, keyset in self._positions:
            key = self.book.interner.number(keyset, {"sku": position.sku, "site": position.site})
            if key >= 0:
                values = _position_values(position.on_hand, position.allocated)
                self.index.put(table, key, moment, values)

    def _load_positions(self, history: History) -> None:
        positions = history.positions
        if not len(positions):
            return
        skus, sites = positions["sku"].tolist(), positions["site"].tolist()
        moments = positions["record_time"].to_numpy(np.int64)
        values = np.zeros((len(positions), MAX_COLUMNS), dtype=np.int64)
        values[:, 0] = values[:, 2] = 1
        free = positions["on_hand"].to_numpy(float) - positions["allocated"].to_numpy(float)
        values[:, 1] = np.rint(free).astype(np.int64)
        for table, keyset in self._positions:
            keys = np.array(
                [
                    self.book.interner.number(keyset, {"sku": sku, "site": site})
                    for sku, site in zip(skus, sites, strict=True)
                ],
                dtype=np.int64,
            )
            self.index.load(table, keys, moments, values)


def _position_tables(features: FeatureSet) -> list[tuple[int, int]]:
    program = features.program
    return [
        (table, int(program.tables[table, 1]))
        for table in range(program.tables.shape[0])
        if program.streams[program.tables[table, 0], 0] == int(StreamKind.POSITION)
    ]


def _cursors_by_field(features: FeatureSet) -> dict[str, int]:
    """Return, for each field that is a key by itself, a cursor that looks at its whole history."""
    program = features.program
    found: dict[str, int] = {}
    for cursor in range(program.cursors.shape[0]):
        fields = features.keysets[int(program.tables[program.cursors[cursor, 0], 1])]
        if len(fields) == 1:
            found.setdefault(fields[0], cursor)
    return found


def _position_values(on_hand: float, allocated: float) -> Ints:
    values = np.zeros(MAX_COLUMNS, dtype=np.int64)
    values[0] = values[2] = 1
    values[1] = round(on_hand - allocated)
    return values
