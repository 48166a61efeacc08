"""The quarantine file: every rejected value with its file, row, column and the reason."""

from __future__ import annotations

import csv
from pathlib import Path

from triage.history.session import Connection

HEADER = ("file", "row", "record", "column", "reason", "value")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_LONGEST = 500


def create_rejected(connection: Connection) -> None:
    """Create the table that checks put rejected values into."""
    connection.execute(
        'CREATE TABLE rejected (file VARCHAR, "row" BIGINT, record VARCHAR, "column" VARCHAR,'
        " reason VARCHAR, value VARCHAR)"
    )


def write_quarantine(connection: Connection, path: Path) -> Path | None:
    """Write the rejected values as CSV that a spreadsheet opens without running formulas.

    Returns:
        The path, or None if nothing was rejected (a file of an earlier run is removed then).
    """
    rows = connection.execute(
        'SELECT file, "row", record, "column", reason, value FROM rejected'
        ' ORDER BY file, "row", record, "column", reason, value'
    )
    batch = rows.fetchmany(10_000)
    if not batch:
        path.unlink(missing_ok=True)
        return None
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    with partial.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(HEADER)
        while batch:
            writer.writerows([_safe(cell) for cell in row] for row in batch)
            batch = rows.fetchmany(10_000)
    partial.replace(path)
    return path


def _safe(cell: object) -> str:
    text = "" if cell is None else str(cell)[:_LONGEST]
    return f"'{text}" if text.startswith(_FORMULA) else text
