"""Canonical columns with their rules, compiled from the domain records' own pydantic fields.

One declaration serves both doors: the API validates with pydantic, files with the SQL made here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel

from triage.domain.records import (
    ExceptionEvent,
    InboundSupply,
    InventoryPosition,
    Milestone,
    Order,
    OrderLine,
    Staffing,
)
from triage.history.mapping import RecordName

Kind = Literal["text", "number", "whole", "time"]

SQL_TYPE: dict[Kind, str] = {
    "text": "VARCHAR",
    "number": "DOUBLE",
    "whole": "INTEGER",
    "time": "TIMESTAMPTZ",
}
KEY: dict[RecordName, tuple[str, ...]] = {
    "order": ("order_id",),
    "order_line": ("order_id", "line_no"),
    "milestone": ("order_id", "milestone"),
    "inventory_position": ("sku", "site", "event_time"),
    "exception_event": ("exception_id", "phase"),
    "inbound_supply": ("supply_id", "phase"),
    "staffing": ("site", "event_time"),
}
"""Identity of a record in the log, as `record_id` of the domain record says."""

# What str.isprintable refuses: everything but letters, marks, numbers, punctuation, symbols, space.
_INVISIBLE = r"[^\p{L}\p{M}\p{N}\p{P}\p{S} ]"
_FIRST_YEAR, _LAST_YEAR = "0001-01-02 00:00:00+00", "9999-01-01 00:00:00+00"


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a canonical table.

    Attributes:
        name: as in the domain record.
        kind: text, number (DOUBLE), whole (INTEGER) or time (TIMESTAMPTZ).
        required: a missing value is a fault.
        default: SQL literal for a missing value, if the record has one.
        faults: (SQL condition over `{value}`, reason) pairs; the first that holds is the fault.
    """

    name: str
    kind: Kind
    required: bool
    default: str | None
    faults: tuple[tuple[str, str], ...]


def literal(value: object) -> str:
    """Return a Python string or number as an SQL literal."""
    return "'" + value.replace("'", "''") + "'" if isinstance(value, str) else repr(value)


def quoted(name: str) -> str:
    """Return a name as a quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def _compile(model: type[BaseModel]) -> tuple[Column, ...]:
    schema = model.model_json_schema()
    needed = set(schema["required"]) - {"record_time"}
    columns = []
    for name, declared in schema["properties"].items():
        if declared.get("type") == "array":
            continue
        rule = next((part for part in declared.get("anyOf", ()) if part["type"] != "null"), None)
        rule = rule or declared
        if "$ref" in rule:
            rule = schema["$defs"][rule["$ref"].rsplit("/", 1)[-1]]
        default = declared.get("default")
        columns.append(
            Column(
                name=name,
                kind=_kind(rule),
                required=name in needed,
                default=None if default is None else literal(default),
                faults=tuple(_faults(rule)),
            )
        )
    return tuple(columns)


def _kind(rule: dict[str, Any]) -> Kind:
    if rule.get("format") == "date-time":
        return "time"
    kinds: dict[str, Kind] = {"string": "text", "number": "number", "integer": "whole"}
    return kinds[rule["type"]]


def _faults(rule: dict[str, Any]) -> list[tuple[str, str]]:
    kind = _kind(rule)
    if kind == "time":
        bounds = (
            f"{{value}} < TIMESTAMPTZ '{_FIRST_YEAR}' OR {{value}} >= TIMESTAMPTZ '{_LAST_YEAR}'"
        )
        return [(bounds, "not in the years 1 to 9998")]
    if "enum" in rule:
        allowed = ", ".join(literal(word) for word in rule["enum"])
        return [(f"{{value}} NOT IN ({allowed})", f"not one of {', '.join(rule['enum'])}")]
    if kind == "text":
        return _text_faults(rule)
    found = [("NOT isfinite({value})", "not a finite number")] if kind == "number" else []
    for key, sign, reason in (
        ("minimum", "<", "less than"),
        ("exclusiveMinimum", "<=", "not more than"),
        ("maximum", ">", "more than"),
    ):
        if key in rule:
            found.append((f"{{value}} {sign} {rule[key]!r}", f"{reason} {rule[key]:g}"))
    return found


def _text_faults(rule: dict[str, Any]) -> list[tuple[str, str]]:
    if "pattern" in rule:
        condition = f"NOT regexp_matches({{value}}, {literal(rule['pattern'])})"
        return [(condition, f"does not have the form {rule['pattern']}")]
    longest = rule["maxLength"]
    invisible = literal(_INVISIBLE)
    return [
        (f"length({{value}}) > {longest}", f"longer than {longest} characters"),
        (f"regexp_matches({{value}}, {invisible})", "contains control or invisible characters"),
    ]


_ORDER = _compile(Order)
COLUMNS: dict[RecordName, tuple[Column, ...]] = {
    "order": _ORDER,
    "order_line": (_ORDER[0], *_compile(OrderLine)),
    "milestone": _compile(Milestone),
    "inventory_position": _compile(InventoryPosition),
    "exception_event": _compile(ExceptionEvent),
    "inbound_supply": _compile(InboundSupply),
    "staffing": _compile(Staffing),
}
MAX_LINES: int = Order.model_json_schema()["properties"]["lines"]["maxItems"]


def names(record: RecordName) -> tuple[str, ...]:
    """Return the column names of a canonical table, in order."""
    return tuple(column.name for column in COLUMNS[record])
