# ruff: noqa: S608 - names come from the domain records and are quoted
"""Checks across rows and records: keys, and what belongs to which order."""

from __future__ import annotations

from triage.history.columns import KEY, MAX_LINES, names, quoted
from triage.history.mapping import RecordName
from triage.history.session import Connection, count


def drop_duplicates(connection: Connection, record: RecordName) -> None:
    """Keep one row per key in `accepted_<record>`: the one known first; the others are rejected.

    Rows known at the same time are compared by their content, then by place, so that the order of
    rows in a file decides nothing.
    """
    key = ", ".join(map(quoted, KEY[record]))
    times = [name for name in ("record_time", "event_time") if name in names(record)]
    by = ", ".join(map(quoted, [*times, *(n for n in names(record) if n not in times)]))
    twice = f"SELECT {key} FROM accepted_{record} GROUP BY ALL HAVING count(*) > 1"
    if count(connection, f"SELECT count(*) FROM ({twice})") == 0:
        return
    value = " || '|' || ".join(f"{quoted(name)}::VARCHAR" for name in KEY[record])
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE surplus AS SELECT row_at, _file, _row, {value} AS key_value,"
        f" kept FROM (SELECT rowid AS row_at, *, row_number() OVER first AS n,"
        f" first_value(_row) OVER first AS kept FROM accepted_{record} SEMI JOIN ({twice})"
        f" USING ({key}) WINDOW first AS (PARTITION BY {key} ORDER BY {by}, _file, _row))"
        " WHERE n > 1"
    )
    connection.execute(
        f"INSERT INTO rejected SELECT _file, _row, '{record}', '{'|'.join(KEY[record])}',"
        " 'the same key as in row ' || kept || ', which was kept', key_value FROM surplus"
    )
    connection.execute(f"DELETE FROM accepted_{record} WHERE rowid IN (SELECT row_at FROM surplus)")


def create_known_orders(connection: Connection) -> None:
    """Create `known_order` (order_id, record_time): what the log has, then what this extract adds.

    An order that the log has already keeps the record_time that it has there.
    """
    connection.execute(
        "CREATE TABLE known_order AS SELECT order_id, record_time FROM log_order UNION ALL"
        " SELECT order_id, record_time FROM accepted_order ANTI JOIN log_order USING (order_id)"
    )


def drop_orphans(connection: Connection, record: RecordName) -> None:
    """Reject rows of `accepted_<record>` whose order is nowhere, or was rejected itself.

    A row that names no order, where its record allows that, belongs to nobody and stays.
    """
    unknown = "order_id IS NOT NULL AND order_id NOT IN (SELECT order_id FROM known_order)"
    orphans = f"FROM accepted_{record} WHERE {unknown}"
    if count(connection, f"SELECT count(*) {orphans}") == 0:
        return
    mapped = "SELECT DISTINCT order_id::VARCHAR AS order_id FROM mapped_order"
    connection.execute(
        f"INSERT INTO rejected SELECT o._file, o._row, '{record}', 'order_id',"
        " CASE WHEN m.order_id IS NULL THEN 'no such order' ELSE 'its order was rejected' END,"
        f" o.order_id FROM (SELECT * {orphans}) o LEFT JOIN ({mapped}) m USING (order_id)"
    )
    connection.execute(f"DELETE FROM accepted_{record} WHERE {unknown}")


def drop_surplus_lines(connection: Connection) -> None:
    """Reject lines beyond the number that an order may have (the highest line numbers go)."""
    many = f"SELECT order_id FROM accepted_order_line GROUP BY 1 HAVING count(*) > {MAX_LINES}"
    if count(connection, f"SELECT count(*) FROM ({many})") == 0:
        return
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE surplus AS SELECT * FROM (SELECT rowid AS row_at, _file,"
        " _row, line_no, row_number() OVER (PARTITION BY order_id ORDER BY line_no) AS n"
        f" FROM accepted_order_line WHERE order_id IN ({many})) WHERE n > {MAX_LINES}"
    )
    connection.execute(
        "INSERT INTO rejected SELECT _file, _row, 'order_line', 'line_no',"
        f" 'an order has at most {MAX_LINES} lines', line_no::VARCHAR FROM surplus"
    )
    connection.execute(
        "DELETE FROM accepted_order_line WHERE rowid IN (SELECT row_at FROM surplus)"
    )


def raise_record_time(connection: Connection, record: RecordName) -> None:
    """Raise record_time to event_time, and a milestone's also to its order's record_time."""
    connection.execute(
        f"UPDATE accepted_{record} SET record_time = event_time WHERE record_time < event_time"
    )
    if record == "milestone":
        connection.execute(
            "UPDATE accepted_milestone SET record_time = k.record_time FROM known_order k"
            " WHERE k.order_id = accepted_milestone.order_id"
            " AND accepted_milestone.record_time < k.record_time"
        )
