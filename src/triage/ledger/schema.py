"""The tables of the store. Migrations make them; a test keeps the two alike."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, LargeBinary, MetaData, String, Table, Text

METADATA = MetaData()

REVISION = "0001"
"""The newest of `migrations/versions`."""

ENTRIES = Table(
    "entries",
    METADATA,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
    Column("kind", String(20), nullable=False),
    Column("id", Text, nullable=False),
    Column("order_id", Text),
    Column("body", LargeBinary, nullable=False),
    Column("personal", LargeBinary),
    Column("personal_digest", LargeBinary),
    Column("hash", LargeBinary, nullable=False),
    Index("entries_by_id", "id"),
    Index("entries_by_order", "order_id", "seq"),
    Index("entries_by_kind", "kind", "seq"),
    Index("entries_by_time", "at", "seq"),
)
"""One row an entry, as `triage.ledger.entries.Entry`. `id` is not unique for the database: an entry
that was acknowledged must never be refused by the store, and `Ledger.record` checks before."""

LEDGER = Table(
    "ledger",
    METADATA,
    Column("name", String(40), primary_key=True),
    Column("value", LargeBinary, nullable=False),
)
"""Facts about the ledger: `identity`, its 16 random bytes."""
