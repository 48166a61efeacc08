"""How the two databases are opened: SQLite with one writer and full durability, or PostgreSQL."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url

from triage.errors import SettingsError
from triage.ledger.errors import StoreUnavailableError

BUSY_MILLISECONDS = 500
"""How long SQLite waits for a lock before the mover gives up this time and tries again."""
CONNECT_SECONDS = 3
_PG_OPTIONS = "-c statement_timeout=30000 -c lock_timeout=3000 -c synchronous_commit=on"
_OWNER = "SELECT pg_try_advisory_lock(hashtext('triage ledger ' || current_schema()))"


def store_url(home: Path, url: str | None) -> URL:
    """Return where the store is: the URL, or a file of SQLite in the home.

    Raises:
        SettingsError: if the URL is neither SQLite nor PostgreSQL.
    """
    if url is None:
        return URL.create("sqlite", database=str(home / "ledger" / "store.db"))
    try:
        parsed = make_url(url)
    except Exception as error:
        raise SettingsError("the URL of the ledger's store cannot be read") from error
    if parsed.get_backend_name() == "postgresql":
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.get_backend_name() == "sqlite" and parsed.database not in {None, "", ":memory:"}:
        return parsed
    raise SettingsError(
        "the ledger keeps its store in a file of SQLite (sqlite:////path/store.db) or in "
        f"PostgreSQL (postgresql://user@host/name), not in {parsed.get_backend_name()}"
    )


def writer_engine(url: URL) -> Engine:
    """Return an engine with the one connection that writes."""
    if url.get_backend_name() == "postgresql":
        engine = create_engine(url, pool_size=1, max_overflow=0, connect_args=_pg_arguments())
        event.listen(engine, "connect", _own)
        return engine
    engine = create_engine(url, pool_size=1, max_overflow=0)
    event.listen(engine, "connect", _sqlite_writer)
    event.listen(engine, "begin", _begin_immediate)
    return engine


def reader_engine(url: URL) -> Engine:
    """Return an engine for readers; it refuses to write."""
    if url.get_backend_name() == "postgresql":
        arguments = _pg_arguments()
        arguments["options"] += " -c default_transaction_read_only=on"
        return create_engine(url, pool_size=4, pool_pre_ping=True, connect_args=arguments)
    engine = create_engine(url, pool_size=4)
    event.listen(engine, "connect", _sqlite_reader)
    event.listen(engine, "begin", _begin)
    return engine


def _pg_arguments() -> dict[str, Any]:
    return {
        "connect_timeout": CONNECT_SECONDS,
        "tcp_user_timeout": CONNECT_SECONDS * 1_000,
        "options": _PG_OPTIONS,
        "application_name": "triage ledger",
    }


def _own(connection: psycopg.Connection[tuple[bool]], _record: object) -> None:
    """Make sure that one service writes: the lock is gone when its connection is."""
    connection.autocommit = True
    with connection.cursor() as cursor:
        taken = cursor.execute(_OWNER).fetchone()
    connection.autocommit = False
    if taken != (True,):
        connection.close()
        raise StoreUnavailableError(
            "another service writes to this PostgreSQL ledger; one service writes a ledger, "
            "give this one its own database or schema"
        )


def _sqlite_writer(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None
    for pragma in (
        f"busy_timeout={BUSY_MILLISECONDS}",
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "secure_delete=ON",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _sqlite_reader(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout={BUSY_MILLISECONDS}")
    connection.execute("PRAGMA query_only=ON")


def _begin_immediate(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")
