"""DuckDB sessions with fixed limits: nothing sniffed, nothing fetched, UTC inside."""

from __future__ import annotations

import os
from pathlib import Path

import duckdb
from duckdb import DuckDBPyConnection as Connection

__all__ = ["Connection", "connect", "count", "one"]
_SHARE = 0.25
"""Of the memory that DuckDB would take by itself (four fifths of what the machine has, or its
container); beyond it a session writes to its scratch folder."""
_LEAST, _MOST = 512 << 20, 4 << 30
_UNITS = "bKMGTP"


def connect(scratch: Path | None = None) -> Connection:
    """Open a session in memory; with a scratch folder, it is bounded and spills there."""
    threads = max(1, min(4, os.cpu_count() or 1))
    connection = duckdb.connect(
        ":memory:",
        config={
            "threads": threads,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        },
    )
    connection.execute("SET TimeZone = 'UTC'")
    if one(connection, "SELECT current_setting('enable_progress_bar')")[0]:
        connection.execute("SET enable_progress_bar = false")  # an error in Jupyter where it is off
    if scratch is not None:
        connection.execute(f"SET memory_limit = '{_limit(connection)}B'")
        connection.execute("SET temp_directory = '" + str(scratch).replace("'", "''") + "'")
    return connection


def _limit(connection: Connection) -> int:
    """Return how many bytes a bounded session may take."""
    usual = str(one(connection, "SELECT current_setting('memory_limit')")[0])
    number, unit = usual.split()  # as in "18.8 GiB"
    size = float(number) * 1024 ** _UNITS.index(unit[0])
    return min(max(int(_SHARE * size), _LEAST), _MOST)


def one(connection: Connection, sql: str, *values: object) -> tuple[object, ...]:
    """Return the only row of a query."""
    row: tuple[object, ...] | None = connection.execute(sql, list(values)).fetchone()
    return row or ()


def count(connection: Connection, sql: str, *values: object) -> int:
    """Return the only number of a query."""
    return int(str(one(connection, sql, *values)[0]))
