"""Records that came as events, as tables: documents of JSON are read many at once, not one by one.

They add up with a log to one history (`joined`), which says what the same records say when they are
taken in one after another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import json as arrow_json

from triage.domain.clock import UNKNOWN_TIME
from triage.domain.records import (
    ExceptionEvent,
    InboundSupply,
    InventoryPosition,
    Milestone,
    Order,
    OrderLine,
    Record,
    Staffing,
)
from triage.errors import HistoryError
from triage.history.columns import COLUMNS, KEY, Column
from triage.history.mapping import RecordName
from triage.history.tables import History

Ints = npt.NDArray[np.int64]
_NAMES: Final[Mapping[type[Record], RecordName]] = {
    Order: "order", Milestone: "milestone", InventoryPosition: "inventory_position",
    ExceptionEvent: "exception_event", InboundSupply: "inbound_supply", Staffing: "staffing",
}  # fmt: skip
_BLOCK_BYTES = 16 << 20
"""So much is read at a time; more than the longest document takes."""
_TIME = pa.timestamp("us", tz="UTC")


@dataclass(frozen=True, slots=True)
class Came:
    """Records in the sequence in which they came, those that came twice included.

    Attributes:
        orders: as in `History`.
        lines: as in `History`, in the sequence in which each order names them; `order` is the row
            in `orders`.
        milestones: as in `History`, without `order`.
        positions: as in `History`.
        exceptions: as in `History`, without `order`.
        supplies: as in `History`.
        staffing: as in `History`.
    """

    orders: pd.DataFrame
    lines: pd.DataFrame
    milestones: pd.DataFrame
    positions: pd.DataFrame
    exceptions: pd.DataFrame
    supplies: pd.DataFrame
    staffing: pd.DataFrame

    @classmethod
    def of(cls, documents: Mapping[type[Record], Sequence[bytes]]) -> Came:
        """Read records as JSON, one document each, in their sequence by kind.

        Raises:
            HistoryError: if one is not what its kind says.
        """
        read = {kind: _read(kind, documents.get(kind, ())) for kind in _NAMES}
        found = {name: _frame(kind, read[kind], COLUMNS[name]) for kind, name in _NAMES.items()}
        return cls(
            orders=found["order"],
            lines=_lines(read[Order]),
            milestones=found["milestone"],
            positions=found["inventory_position"],
            exceptions=found["exception_event"],
            supplies=found["inbound_supply"],
            staffing=found["staffing"],
        )

    @property
    def newest(self) -> int:
        """Return the latest record time, UTC micros; UNKNOWN_TIME if nothing came."""
        tables = (
            self.orders, self.milestones, self.positions, self.exceptions, self.supplies,
            self.staffing,
        )  # fmt: skip
        return max((int(t["record_time"].max()) for t in tables if len(t)), default=UNKNOWN_TIME)


def joined(log: History, came: Came) -> History:
    """Return a log and what came since as one history; `parts` keeps both.

    Of two records of one identity the one counts that counts where they are taken in one by one:
    the first order, position and staffing that came; the milestone, exception or supply that was
    known first.
    Orders that came follow those of the log in their sequence. A milestone whose order is not known
    has `order` -1, and its order may still come.
    """
    placed = _new(log.orders["order_id"], came.orders["order_id"])
    row = np.full(len(came.orders), -1, dtype=np.int64)
    row[placed] = len(log.orders) + np.arange(placed.sum())
    orders = _stacked(log.orders, came.orders[placed])
    of_line = row[came.lines["order"].to_numpy(np.int64)]
    rows = pd.Index(orders["order_id"].to_numpy(object))
    sources = log.sources
    if came.newest != UNKNOWN_TIME:
        sources = tuple(
            replace(each, extracted_at=max(each.extracted_at, came.newest)) for each in sources
        )
    return History(
        orders=orders,
        lines=_stacked(log.lines, came.lines.assign(order=of_line)[of_line >= 0]),
        milestones=_milestones(log, came, rows, orders["record_time"].to_numpy(np.int64)),
        positions=_came_first(_stacked(log.positions, came.positions), "inventory_position"),
        exceptions=_known_first(
            _with_orders(_stacked(log.exceptions, came.exceptions), rows), "exception_event"
        ),
        supplies=_known_first(_stacked(log.supplies, came.supplies), "inbound_supply"),
        staffing=_came_first(_stacked(log.staffing, came.staffing), "staffing"),
        sources=sources,
        parts=(log, came),
    )


def _came_first(table: pd.DataFrame, record: RecordName) -> pd.DataFrame:
    return table.drop_duplicates(list(KEY[record]), ignore_index=True)


def _milestones(log: History, came: Came, rows: pd.Index[Any], created: Ints) -> pd.DataFrame:
    added = _with_orders(came.milestones, rows)
    order = added["order"].to_numpy(np.int64)
    known = np.append(created, UNKNOWN_TIME)[order]
    added = added.assign(record_time=np.maximum(added["record_time"].to_numpy(np.int64), known))
    of_nobody = added[order < 0]
    return _stacked(
        _known_first(_stacked(log.milestones, added[order >= 0]), "milestone"), of_nobody
    )


def _known_first(table: pd.DataFrame, record: RecordName) -> pd.DataFrame:
    """Return one record of each identity: known first, then happened first, then came first."""
    key = list(KEY[record])
    again = table.duplicated(key, keep=False).to_numpy(bool)
    if not again.any():
        return table
    twice = table[again].sort_values(["record_time", "event_time"], kind="stable")
    goes = twice.index[twice.duplicated(key).to_numpy(bool)]
    return table.drop(index=goes).reset_index(drop=True)


def _new(held: pd.Series, came: pd.Series) -> npt.NDArray[np.bool_]:
    """Return which ids come for the first time, after those that are held."""
    again = pd.Series(np.append(held.to_numpy(object), came.to_numpy(object))).duplicated()
    return ~again.to_numpy(bool)[len(held) :]


def _with_orders(table: pd.DataFrame, rows: pd.Index[Any]) -> pd.DataFrame:
    """Return a table with the row of each one's order; -1 where it is not known, or none."""
    names = table["order_id"]
    order = rows.get_indexer(pd.Index(names.to_numpy(object))).astype(np.int64)
    return table.assign(order=np.where(names.isna().to_numpy(bool), -1, order))


def _stacked(above: pd.DataFrame, below: pd.DataFrame) -> pd.DataFrame:
    if not len(below):
        return above
    return pd.concat([above, below], ignore_index=True)[list(above.columns)]


def _read(kind: type[Record], documents: Sequence[bytes]) -> pa.Table:
    fields = [pa.field(column.name, _arrow(column)) for column in COLUMNS[_NAMES[kind]]]
    if kind is Order:
        line = [pa.field(column.name, _arrow(column)) for column in COLUMNS["order_line"][1:]]
        fields.append(pa.field("lines", pa.list_(pa.struct(line))))
    schema = pa.schema(fields)
    if not documents:
        return schema.empty_table()
    try:
        return arrow_json.read_json(
            pa.BufferReader(b"\n".join(documents)),
            read_options=arrow_json.ReadOptions(block_size=_BLOCK_BYTES),
            parse_options=arrow_json.ParseOptions(
                explicit_schema=schema, unexpected_field_behavior="error"
            ),
        ).combine_chunks()
    except pa.ArrowInvalid as error:
        raise HistoryError(
            f"events of the kind {_NAMES[kind]} cannot be read by this version of Triage: {error};"
            " go back to the version that kept them"
        ) from error


def _arrow(column: Column) -> pa.DataType:
    if column.kind == "whole":
        return pa.int64() if column.required else pa.float64()
    return {"text": pa.string(), "number": pa.float64(), "time": _TIME}[column.kind]


def _lines(orders: pa.Table) -> pd.DataFrame:
    """Return the lines of orders, each with its order's id and row."""
    held = orders["lines"]
    owner = pc.list_parent_indices(held).combine_chunks()
    flat = pc.list_flatten(held).combine_chunks()
    names = COLUMNS["order_line"]
    columns = {"order_id": orders["order_id"].combine_chunks().take(owner)}
    columns |= {column.name: flat.field(column.name) for column in names[1:]}
    frame = _frame(OrderLine, pa.table(columns), names)
    return frame.assign(order=owner.to_numpy().astype(np.int64))


def _frame(
    kind: type[Record | OrderLine], table: pa.Table, wanted: Sequence[Column]
) -> pd.DataFrame:
    """Return a table as `History` holds it: times as micros, what was left out as its default."""
    found: dict[str, Any] = {}
    for column in wanted:
        values = table[column.name]
        if column.kind == "time":
            values = values.cast(pa.int64()).fill_null(UNKNOWN_TIME)
        elif column.default is not None:
            values = values.fill_null(kind.model_fields[column.name].default)
        found[column.name] = values.to_pandas()
    texts = [column.name for column in wanted if column.kind == "text"]
    return pd.DataFrame(found).astype(dict.fromkeys(texts, "str"))
