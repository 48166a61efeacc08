# ruff: noqa: S608 - names come from the domain records and are quoted
"""Figures for the import report, taken from the accepted rows of one extract."""

from __future__ import annotations

from triage.history.columns import COLUMNS, quoted
from triage.history.mapping import RecordName
from triage.history.report import Outcomes, RecordReport
from triage.history.session import Connection, count, one

_FAR = "INTERVAL 365 DAY"


def measure_record(
    connection: Connection, record: RecordName, rows: int, new: int, duplicates: int
) -> RecordReport:
    """Return the figures of one record type from `accepted_<record>` and `rejected`."""
    accepted = count(connection, f"SELECT count(*) FROM accepted_{record}")
    reasons = connection.execute(
        'SELECT "column", reason, count(*) FROM'
        " (SELECT \"column\", regexp_replace(reason, ' in row \\d+', '') AS reason FROM rejected"
        " WHERE record = ?) GROUP BY ALL ORDER BY ALL",
        [record],
    ).fetchall()
    return RecordReport(
        rows=rows,
        new=new,
        duplicates=duplicates,
        conflicts=accepted - new - duplicates,
        rejected=rows - accepted,
        reasons={(column, reason): number for column, reason, number in reasons},
        event_time=_span(connection, record, "event_time"),
        record_time=_span(connection, record, "record_time"),
        null_share=_null_share(connection, record),
    )


def _span(connection: Connection, record: RecordName, column: str) -> tuple[int, int] | None:
    if record == "order_line":
        return None
    low, high = one(
        connection,
        f"SELECT epoch_us(min({column})), epoch_us(max({column})) FROM accepted_{record}",
    )
    return None if low is None else (int(str(low)), int(str(high)))


def _null_share(connection: Connection, record: RecordName) -> dict[str, float]:
    columns = [column.name for column in COLUMNS[record]]
    shares = ", ".join(f"avg(({quoted(name)} IS NULL)::INT)" for name in columns)
    row = one(connection, f"SELECT {shares} FROM accepted_{record}")
    return {name: float(str(share or 0.0)) for name, share in zip(columns, row, strict=True)}


def measure_outcomes(connection: Connection, extracted_at: int) -> Outcomes:
    """Return what had become of this extract's orders at `extracted_at` (UTC micros)."""
    row = one(
        connection,
        f"""
        SELECT count(*) FILTER (c IS NULL AND d < promised_by),
               count(*) FILTER (c IS NULL AND d >= promised_by),
               count(*) FILTER (c IS NULL AND d IS NULL AND promised_by > t),
               count(*) FILTER (c IS NULL AND d IS NULL AND promised_by <= t),
               count(*) FILTER (c IS NOT NULL)
        FROM ({_WIDE}), (SELECT make_timestamptz({extracted_at}) AS t)
        """,
    )
    return Outcomes(*(int(str(number)) for number in row))


def measure_time_problems(connection: Connection) -> dict[str, int]:
    """Return the time-order problems that occur in this extract, with their numbers."""
    row = one(
        connection,
        f"""
        SELECT count(*) FILTER (s < v), count(*) FILTER (s < event_time),
               count(*) FILTER (d < s), count(*) FILTER (d < event_time),
               count(*) FILTER (promised_by < event_time),
               count(*) FILTER (promised_by > event_time + {_FAR}),
               (SELECT count(*) FROM accepted_milestone WHERE due_by > event_time + {_FAR})
        FROM ({_WIDE})
        """,
    )
    sentences = (
        "dispatched before validated",
        "dispatched before the order was placed",
        "delivered before dispatched",
        "delivered before the order was placed",
        "promised for a time before the order was placed",
        "promised more than a year ahead",
        "a deadline more than a year ahead",
    )
    counted = {sentence: int(str(n)) for sentence, n in zip(sentences, row, strict=True)}
    return {sentence: number for sentence, number in counted.items() if number}


_WIDE = """
    SELECT o.order_id, o.event_time, o.promised_by,
           min(m.event_time) FILTER (milestone = 'order_validated') AS v,
           min(m.event_time) FILTER (milestone = 'shipment_dispatched') AS s,
           min(m.event_time) FILTER (milestone = 'delivered') AS d,
           min(m.event_time) FILTER (milestone = 'order_cancelled') AS c
    FROM accepted_order o LEFT JOIN accepted_milestone m USING (order_id)
    GROUP BY ALL
"""
