"""Entries to record, and tampering with the store from outside."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from triage.ledger.entries import Draft, Kind, canonical
from triage.ledger.ledger import Ledger


def draft(n: int, kind: Kind = "decision", personal: bytes | None = None) -> Draft:
    """An entry about one of seven orders."""
    return Draft(kind, canonical({"n": n}), f"SO-{n % 7}", personal, id=f"id-{n}")


def recorded(home: Path, n: int) -> None:
    """A ledger with n entries, all in the store, closed."""
    ledger = Ledger.open(home)
    ledger.record(*(draft(i) for i in range(1, n + 1)))
    ledger.flush()
    ledger.close()


def tamper(home: Path, *statements: str) -> None:
    """Change the store as somebody with access to the file can."""
    connection = sqlite3.connect(home / "ledger" / "store.db")
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()
