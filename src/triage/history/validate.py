# ruff: noqa: S608 - names come from the domain records and are quoted
"""Mapped rows cast to canonical types and checked; what does not hold goes to quarantine."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from triage.errors import MappingError
from triage.history.columns import COLUMNS, SQL_TYPE, Column, literal, names, quoted
from triage.history.mapping import Mapping, RecordName
from triage.history.session import Connection, count, one

_TIMESTAMP = (
    r"\s*\d{4}-\d{2}-\d{2}"
    r"([ T]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(\s?(Z|UTC|[+-]\d{2}(:?\d{2})?))?)?\s*"
)
_ONLY_DAY = r"\s*\d{4}-\d{2}-\d{2}\s*"
_MIDNIGHT = r"\d{4}-\d{2}-\d{2} 00:00:00"
_OFFSET = r":\d{2}(\.\d+)?\s?(Z|UTC|[+-]\d{2}(:?\d{2})?)\s*$"
_SPACED, _CLOSE = r"\s([+-]\d{2}(:?\d{2})?)\s*$", r"\1"
_NOT_A: dict[str, str] = {
    "time": "not a timestamp (YYYY-MM-DD HH:MM:SS, with or without an offset)",
    "number": "not a number",
    "whole": "not a whole number",
}


@dataclass(frozen=True, slots=True)
class Clock:
    """How a source writes times: its IANA zone, and whether its promise names a day."""

    zone: str
    promise_is_day: bool


def instant(value: str, sql_type: str, zone: str) -> str:
    """Return SQL that turns a value into TIMESTAMPTZ, NULL where it is no timestamp.

    Naive times are local to `zone`: one that a clock change skips moves forward by the gap, one
    that occurs twice is taken as the later.
    """
    if sql_type == "TIMESTAMP WITH TIME ZONE":
        return value
    if sql_type.startswith("TIMESTAMP") or sql_type == "DATE":
        return f"timezone({literal(zone)}, {value}::TIMESTAMP)"
    text = f"{value}::VARCHAR"
    plain = f"regexp_replace({text}, {literal(_SPACED)}, {literal(_CLOSE)})"
    return (
        f"CASE WHEN NOT regexp_full_match({text}, {literal(_TIMESTAMP)}) THEN NULL"
        f" WHEN regexp_matches({text}, {literal(_OFFSET)}) THEN TRY_CAST({plain} AS TIMESTAMPTZ)"
        f" ELSE timezone({literal(zone)}, TRY_CAST({text} AS TIMESTAMP)) END"
    )


def end_of_day(moment: str, zone: str) -> str:
    """Return SQL for the first moment of the day after `moment`, on the zone's calendar."""
    local = f"timezone({literal(zone)}, {moment})"
    return f"timezone({literal(zone)}, (date_trunc('day', {local}) + INTERVAL 1 DAY)::TIMESTAMP)"


def check(
    connection: Connection, mapping: Mapping, record: RecordName, extracted_at: int | None
) -> int:
    """Run one mapping query and leave its good rows in table `accepted_<record>`.

    Bad values go to table `rejected`, one row per value; a row with one is not accepted.

    Args:
        connection: session in which the extract is open.
        mapping: the mapping.
        record: which of its queries.
        extracted_at: UTC microseconds; nothing in the extract can have happened later.

    Returns:
        The number of rows that the query gave.

    Raises:
        MappingError: if the query fails or its columns are not the record's.
    """
    place, sql = mapping.queries[record]
    try:
        connection.execute(f"CREATE TABLE mapped_{record} AS {sql}")
    except duckdb.Error as error:
        raise MappingError(f"{place}: {error}") from error
    types = _column_types(connection, record, place)
    clock = Clock(mapping.source.time_zone, mapping.source.promise == "day")
    defaults = {"currency": literal(mapping.source.currency)}
    _create_typed(connection, record, types, clock, defaults, extracted_at)
    reasons = {column.name: _reason(column, extracted_at) for column in COLUMNS[record]}
    sound = " AND ".join(f"({reason}) IS NULL" for reason in reasons.values())
    connection.execute(
        f"CREATE TABLE accepted_{record} AS SELECT _file, _row,"
        f" {', '.join(map(quoted, names(record)))} FROM typed_{record} WHERE {sound}"
    )
    rows = count(connection, f"SELECT count(*) FROM mapped_{record}")
    if count(connection, f"SELECT count(*) FROM accepted_{record}") < rows:
        for name, reason in reasons.items():
            connection.execute(
                f"INSERT INTO rejected SELECT _file, _row, '{record}', '{name}', reason, given FROM"
                f" (SELECT _file, _row, ({reason}) AS reason, {quoted('given_' + name)} AS given"
                f" FROM typed_{record}) WHERE reason IS NOT NULL"
            )
    return rows


def read_moment(connection: Connection, mapping: Mapping) -> int | None:
    """Return the moment at which the extract was taken, in UTC microseconds, if the mapping says.

    Raises:
        MappingError: if its query fails or gives anything but one timestamp.
    """
    if mapping.extracted_at is None:
        return None
    place, sql = mapping.extracted_at
    try:
        connection.execute(f"CREATE TABLE mapped_moment AS {sql}")
    except duckdb.Error as error:
        raise MappingError(f"{place}: {error}") from error
    described = connection.execute("DESCRIBE mapped_moment").fetchall()
    moment = instant(quoted(described[0][0]), described[0][1], mapping.source.time_zone)
    found = connection.execute(f"SELECT epoch_us({moment}) FROM mapped_moment").fetchall()
    if len(described) != 1 or len(found) != 1 or found[0][0] is None:
        value = one(connection, "SELECT mapped_moment::VARCHAR FROM mapped_moment LIMIT 1")
        raise MappingError(
            f"{place}: should give one timestamp, gave {value!r}; use --extracted-at"
        )
    return int(found[0][0])


def _column_types(connection: Connection, record: RecordName, place: str) -> dict[str, str]:
    described = connection.execute(f"DESCRIBE mapped_{record}").fetchall()
    types = {str(row[0]): str(row[1]) for row in described}
    allowed = {"_file", "_row", *names(record)}
    needed = {"_file", "_row", *(column.name for column in COLUMNS[record] if column.required)}
    if unknown := sorted(types.keys() - allowed):
        raise MappingError(
            f"{place}: {record} has no column {', '.join(unknown)};"
            f" it has: {', '.join(names(record))}"
        )
    if missing := sorted(needed - types.keys()):
        raise MappingError(f"{place}: the query does not give {', '.join(missing)}")
    return types


def _create_typed(
    connection: Connection,
    record: RecordName,
    types: dict[str, str],
    clock: Clock,
    defaults: dict[str, str],
    extracted_at: int | None,
) -> None:
    parts = ["_file", "_row"]
    for column in COLUMNS[record]:
        given = quoted(column.name) if column.name in types else "NULL"
        value = _cast(column, given, types.get(column.name, "VARCHAR"), clock)
        default = defaults.get(column.name, column.default)
        if column.name == "record_time":
            event, event_type = quoted("event_time"), types["event_time"]
            default = _cast(column, event, event_type, clock)
            if record == "milestone":
                default = _known_at(event, event_type, clock, extracted_at)
                value = _known_at(given, types.get(column.name, "VARCHAR"), clock, extracted_at)
        if default is not None:
            blank = f"{given} IS NULL OR {given}::VARCHAR = ''"
            value = f"CASE WHEN {blank} THEN {default} ELSE {value} END"
        parts.append(f"{value} AS {quoted(column.name)}")
        parts.append(f"nullif({given}::VARCHAR, '') AS {quoted('given_' + column.name)}")
    connection.execute(
        f"CREATE VIEW typed_{record} AS SELECT {', '.join(parts)} FROM mapped_{record}"
    )


def _known_at(given: str, sql_type: str, clock: Clock, extracted_at: int | None) -> str:
    """Return SQL for the moment from which a milestone's time can have been known.

    A time is known when it comes. A day without a time (a DATE, text such as 2025-03-31, a
    TIMESTAMP at midnight) cannot have been known before it: it is known when the day has ended,
    or when the extract was taken, if that was on the same day.
    """
    moment = instant(given, sql_type, clock.zone)
    end = end_of_day(moment, clock.zone)
    if extracted_at is not None:
        taken = f"make_timestamptz({extracted_at})"
        end = f"CASE WHEN {moment} <= {taken} THEN least({end}, {taken}) ELSE {moment} END"
    if sql_type == "DATE":
        return end
    if sql_type == "TIMESTAMP WITH TIME ZONE":
        return moment
    form = _ONLY_DAY if sql_type == "VARCHAR" else _MIDNIGHT
    only_day = f"regexp_full_match({given}::VARCHAR, {literal(form)})"
    return f"CASE WHEN {only_day} THEN {end} ELSE {moment} END"


def _cast(column: Column, given: str, sql_type: str, clock: Clock) -> str:
    if column.kind == "time":
        moment = instant(given, sql_type, clock.zone)
        is_day = column.name == "promised_by" and clock.promise_is_day
        return end_of_day(moment, clock.zone) if is_day else moment
    if column.kind == "text":
        return f"nullif({given}::VARCHAR, '')"
    number = f"TRY_CAST({given}::VARCHAR AS DOUBLE)"
    if column.kind == "number":
        return number
    whole = f"CASE WHEN isfinite({number}) AND {number} = floor({number}) THEN {number} END"
    return f"TRY_CAST({whole} AS {SQL_TYPE['whole']})"


def _reason(column: Column, extracted_at: int | None) -> str:
    value, given = quoted(column.name), quoted("given_" + column.name)
    cases = []
    if column.required:
        cases.append(f"WHEN {given} IS NULL THEN 'missing: a value is needed'")
    if column.kind in _NOT_A:
        wrong = f"{given} IS NOT NULL AND {value} IS NULL"
        cases.append(f"WHEN {wrong} THEN {literal(_NOT_A[column.kind])}")
    for condition, reason in column.faults:
        cases.append(f"WHEN {condition.replace('{value}', value)} THEN {literal(reason)}")
    if column.name in {"event_time", "record_time"} and extracted_at is not None:
        late = f"{given} IS NOT NULL AND {value} > make_timestamptz({extracted_at})"
        cases.append(f"WHEN {late} THEN 'later than the moment the extract was taken'")
    return f"CASE {' '.join(cases)} END" if cases else "NULL"
