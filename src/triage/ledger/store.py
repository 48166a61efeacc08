"""Entries in tables: moved here from the journal in batches, read from here afterwards."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import (
    URL,
    ColumnElement,
    Connection,
    Row,
    bindparam,
    column,
    delete,
    insert,
    inspect,
    select,
    table,
    update,
)
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from triage.ledger.chain import genesis
from triage.ledger.engines import reader_engine, writer_engine
from triage.ledger.entries import Entry, compact
from triage.ledger.errors import ContinuityError, StoreUnavailableError
from triage.ledger.retention import Retention
from triage.ledger.schema import ENTRIES, LEDGER, REVISION

MIGRATIONS = Path(__file__).parent / "migrations"
_C = ENTRIES.c
_VERSION = table("alembic_version", column("version_num"))


@dataclass(frozen=True, slots=True)
class Head:
    """Which ledger a store belongs to and where it ends: `seq` 0 and the genesis hash if empty."""

    identity: bytes
    seq: int
    hash: bytes


class Store:
    """The tables of one ledger. One thread writes; any may read."""

    def __init__(self, url: URL) -> None:
        """Name the database; nothing is opened yet."""
        self.url = url
        self.name = url.render_as_string(hide_password=True)
        self._sqlite = url.get_backend_name() == "sqlite"
        self._writer = writer_engine(url)
        self._reader = reader_engine(url)
        self._writing = threading.Lock()
        self._prepared = False

    def prepare(self, identity: bytes) -> Head:
        """Bring the tables up to date and say where the store ends.

        Args:
            identity: the ledger's 16 random bytes, kept if the store has none yet.

        Raises:
            StoreUnavailableError: if the database cannot be reached or is locked.
        """
        if self._sqlite and self.url.database:
            Path(self.url.database).parent.mkdir(parents=True, exist_ok=True)
        with self._writing, self._available(), self._writer.begin() as connection:
            _migrate(connection)
            known = connection.scalar(select(LEDGER.c.value).where(LEDGER.c.name == "identity"))
            if known is None:
                connection.execute(insert(LEDGER).values(name="identity", value=identity))
            head = _head(connection, bytes(known or identity))
        self._prepared = True
        return head

    def write(self, entries: Sequence[Entry]) -> None:
        """Add entries in order, and do what entries of erasure and retention say.

        Those that are there already are left alone, so that writing twice changes nothing.

        Raises:
            StoreUnavailableError: if the database cannot be reached, is locked or full.
            ContinuityError: if the store does not end where the entries go on.
        """
        with self._writing, self._available(), self._writer.begin() as connection:
            identity = connection.scalar(select(LEDGER.c.value).where(LEDGER.c.name == "identity"))
            head = _head(connection, bytes(identity or b""))
            fresh = [entry for entry in entries if entry.seq > head.seq]
            self._check(head, entries, fresh)
            if fresh:
                connection.execute(insert(ENTRIES), [_row(entry) for entry in fresh])
            for entry in fresh:
                _apply(connection, entry)
        if self._sqlite and any(entry.kind in {"erasure", "retention"} for entry in fresh):
            self._scrub()

    @property
    def prepared(self) -> bool:
        """Whether the tables are known to be up to date."""
        return self._prepared

    def head(self) -> Head:
        """Say where the store ends.

        Raises:
            StoreUnavailableError: if it cannot be read.
        """
        with self._available(), self._reader.begin() as connection:
            identity = connection.scalar(select(LEDGER.c.value).where(LEDGER.c.name == "identity"))
            return _head(connection, bytes(identity or b""))

    def read(
        self, *where: ColumnElement[bool], newest_first: bool = False, limit: int | None = None
    ) -> list[Entry]:
        """Return entries in order of their sequence numbers.

        Raises:
            StoreUnavailableError: if they cannot be read.
        """
        order = _C.seq.desc() if newest_first else _C.seq
        query = select(ENTRIES).where(*where).order_by(order).limit(limit)
        with self._available(), self._reader.begin() as connection:
            return [_entry(row) for row in connection.execute(query)]

    def close(self) -> None:
        """Close every connection; the one that writes last, so that it tidies the files."""
        self._reader.dispose()
        self._writer.dispose()

    def _check(self, head: Head, entries: Sequence[Entry], fresh: Sequence[Entry]) -> None:
        """Make sure that entries and store are one chain."""
        if fresh:
            first = fresh[0]
            fits = first.seq == head.seq + 1 and first.rehash(head.hash) == first.hash
        else:
            fits = all(entry.hash == head.hash for entry in entries if entry.seq == head.seq)
        if not fits:
            raise ContinuityError(
                f"the store at {self.name} ends with entry {head.seq}, and what the journal still "
                "holds does not follow it: it was edited, restored from an older copy, or another "
                "service writes there; see `triage audit verify`"
            )

    def _scrub(self) -> None:
        """Take erased bytes out of SQLite's write-ahead log, too, if no reader needs it."""
        with contextlib.suppress(SQLAlchemyError), self._writer.connect() as connection:
            raw = connection.connection.driver_connection
            if raw is not None:
                raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    @contextlib.contextmanager
    def _available(self) -> Iterator[None]:
        try:
            yield
        except IntegrityError as error:
            raise ContinuityError(
                f"another service writes to the store at {self.name}; stop one of them"
            ) from error
        except SQLAlchemyError as error:
            cause = getattr(error, "orig", None) or error
            first = (str(cause).splitlines() or [type(cause).__name__])[0]
            raise StoreUnavailableError(f"the store at {self.name}: {first}") from error


def _migrate(connection: Connection) -> None:
    """Bring the tables up to date; where they are, nothing is loaded for it."""
    made = inspect(connection).has_table(_VERSION.name)
    if made and connection.scalar(select(_VERSION.c.version_num)) == REVISION:
        return
    from alembic import command  # noqa: PLC0415 - a sixth of a second of every start
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _head(connection: Connection, identity: bytes) -> Head:
    row = connection.execute(select(_C.seq, _C.hash).order_by(_C.seq.desc()).limit(1)).one_or_none()
    if row is None:
        return Head(identity, 0, genesis(identity))
    return Head(identity, row.seq, bytes(row.hash))


def _apply(connection: Connection, entry: Entry) -> None:
    """Do to the tables what an entry says, in the transaction that adds it."""
    if entry.kind == "erasure":
        erasing = update(ENTRIES).where(_C.seq == bindparam("erased")).values(personal=None)
        gone = [{"erased": seq} for seq in json.loads(entry.body)["entries"]]
        if gone:
            connection.execute(erasing, gone)
    elif entry.kind == "retention":
        between = _C.seq.between(bindparam("first"), bindparam("last"))
        gaps = [{"first": first, "last": last} for first, last in Retention.of(entry).gaps()]
        if gaps:
            connection.execute(delete(ENTRIES).where(between), gaps)


def _row(entry: Entry) -> dict[str, object]:
    return {
        "seq": entry.seq,
        "at": entry.at,
        "kind": entry.kind,
        "id": entry.id,
        "order_id": entry.order_id,
        "body": compact(entry.packed_body),
        "personal": entry.packed_personal and compact(entry.packed_personal),
        "personal_digest": entry.personal_digest,
        "hash": entry.hash,
    }


def _entry(row: Row[Any]) -> Entry:
    return Entry(
        row.seq,
        row.at,
        row.kind,
        row.id,
        row.order_id,
        row.body,
        row.personal,
        row.personal_digest,
        row.hash,
    )
