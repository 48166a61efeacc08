"""One declaration, two doors: SQL made from the records' fields judges as pydantic does."""

from __future__ import annotations

from typing import Annotated, Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter, ValidationError

from triage.domain.records import (
    ExceptionEvent,
    InboundSupply,
    InventoryPosition,
    Milestone,
    Order,
    OrderLine,
    Staffing,
)
from triage.history.columns import COLUMNS, KEY, MAX_LINES, SQL_TYPE, Column

MODELS: dict[str, type[BaseModel]] = {
    "order": Order,
    "order_line": OrderLine,
    "milestone": Milestone,
    "inventory_position": InventoryPosition,
    "exception_event": ExceptionEvent,
    "inbound_supply": InboundSupply,
    "staffing": Staffing,
}
# Without characters that this Python's Unicode does not have yet: DuckDB's newer one may know them.
_KNOWN = st.characters(codec="utf-8", max_codepoint=0x2FFF, exclude_categories=("Cn", "Cs"))
VALUES = {
    "text": st.text(_KNOWN, min_size=1, max_size=125)
    | st.sampled_from(["EUR", "eur", "delivered", "a b", "x" * 80, "x" * 81, "a\u00a0b", "é\n"]),
    "number": st.floats(-1e10, 1e10)
    | st.sampled_from([0.0, -0.0, 1e9, float("inf"), float("nan")]),
    "whole": st.integers(-10, 200_000),
}
CHECKED = [
    (record, column)
    for record, columns in COLUMNS.items()
    for column in columns
    if column.kind != "time" and column.name in MODELS[record].model_fields
]


def sql_accepts(connection: duckdb.DuckDBPyConnection, column: Column, value: object) -> bool:
    holds = " OR ".join(f"({condition.replace('{value}', 'v')})" for condition, _ in column.faults)
    row = connection.execute(
        f"SELECT NOT ({holds}) FROM (SELECT ?::{SQL_TYPE[column.kind]} AS v)",  # noqa: S608
        [value],
    ).fetchone()
    return bool(row and row[0])


def pydantic_accepts(field: Any, value: object) -> bool:
    try:
        field.validate_python(value)
    except ValidationError:
        return False
    return True


@pytest.mark.parametrize(
    ("record", "column"), CHECKED, ids=lambda each: getattr(each, "name", each)
)
def test_files_and_api_accept_the_same_values(record: str, column: Column) -> None:
    info = MODELS[record].model_fields[column.name]
    field = TypeAdapter(_annotated(info))

    with duckdb.connect() as connection:

        @settings(max_examples=40, deadline=None)
        @given(VALUES[column.kind])
        def judge(value: object) -> None:
            assert sql_accepts(connection, column, value) == pydantic_accepts(field, value)

        judge()


def _annotated(info: Any) -> Any:
    return (
        Annotated[info.annotation, info]
        if not info.metadata
        else Annotated[(info.annotation, *info.metadata)]
    )


def test_required_columns_and_defaults_follow_the_records() -> None:
    needed = {
        record: [column.name for column in columns if column.required]
        for record, columns in COLUMNS.items()
    }
    assert needed == {
        "order": ["order_id", "event_time", "promised_by"],
        "order_line": ["order_id", "line_no", "sku"],
        "milestone": ["order_id", "milestone", "event_time"],
        "inventory_position": ["sku", "site", "event_time", "on_hand"],
        "exception_event": ["exception_id", "phase", "event_time"],
        "inbound_supply": ["supply_id", "phase", "event_time", "sku", "site", "quantity"],
        "staffing": ["site", "event_time", "hours"],
    }
    defaults = {c.name: c.default for columns in COLUMNS.values() for c in columns if c.default}
    assert defaults == {"currency": "'USD'", "quantity": "1.0", "allocated": "0.0"}
    assert MAX_LINES == 1000


def test_every_key_is_made_of_columns() -> None:
    for record, key in KEY.items():
        assert set(key) <= {column.name for column in COLUMNS[record]}
