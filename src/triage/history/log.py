# ruff: noqa: S608 - names come from the domain records and are quoted, paths are literals
"""The append-only log: Parquet batches named by one manifest, which is replaced as a whole."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

import duckdb
import pandas as pd
from pydantic import BaseModel, ConfigDict, ValidationError

from triage.domain.clock import UNKNOWN_TIME
from triage.errors import HistoryError
from triage.history.columns import COLUMNS, SQL_TYPE, Column, literal, quoted
from triage.history.mapping import RecordName
from triage.history.session import Connection, connect
from triage.history.tables import History, SourceInfo, cut_sources

STAGING = "staging"
_MANIFEST = "manifest.json"
_BATCHES = "batches"


class BatchTable(BaseModel):
    """One Parquet file of a batch."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    rows: int
    sha256: str


class Batch(BaseModel):
    """What one import added."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: str
    source: SourceInfo
    extract: str
    tables: dict[RecordName, BatchTable]


class _Manifest(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    version: int = 1
    batches: tuple[Batch, ...] = ()


class Log:
    """The log under `<home>/history`: read it as of a moment, append whole batches to it."""

    def __init__(self, home: Path) -> None:
        self.folder = home / "history"

    def batches(self) -> tuple[Batch, ...]:
        """Return what each import added, oldest first.

        Raises:
            HistoryError: if the manifest cannot be read.
        """
        path = self.folder / _MANIFEST
        if not path.is_file():
            return ()
        try:
            return _Manifest.model_validate_json(path.read_bytes()).batches
        except ValidationError as error:
            raise HistoryError(
                f"{path} cannot be read ({error.error_count()} faults): restore it, or remove"
                f" {self.folder} and import again"
            ) from error

    def sources(self) -> tuple[SourceInfo, ...]:
        """Return each source once, as its latest extract describes it, sorted by name."""
        return _latest(self.batches())

    @property
    def fingerprint(self) -> str:
        """Sha256 over the batches' digests: changes whenever the content of the log does.

        Raises:
            HistoryError: if the log is empty.
        """
        return _fingerprint(self._filled())

    def read(self, *, before: int | None = None, fingerprint: str | None = None) -> History:
        """Return the records with record_time < `before` (UTC microseconds; None = all).

        Args:
            before: as above.
            fingerprint: of the log as it was once; what was imported later is left out.

        Raises:
            HistoryError: if the log is empty, or a batch is gone or was changed, or the log never
                had such a fingerprint.
        """
        batches = self._filled()
        if fingerprint is not None:
            batches = _as_it_was(batches, fingerprint)
        for batch in batches:
            self._verify(batch)
        sources = _latest(batches)
        with connect() as connection:
            self.show(connection, batches)
            limit = "" if before is None else f"WHERE record_time < make_timestamptz({before})"
            connection.execute(
                "CREATE TABLE o AS SELECT *, row_number() OVER (ORDER BY record_time, order_id) - 1"
                f' AS "order" FROM log_order {limit}'
            )
            belongs = 'JOIN (SELECT order_id, "order" FROM o) USING (order_id)'
            return History(
                orders=_frame(connection, "order", 'FROM o ORDER BY "order"'),
                lines=_frame(
                    connection,
                    "order_line",
                    f'FROM log_order_line {belongs} ORDER BY "order", line_no',
                    '"order"',
                ),
                milestones=_frame(
                    connection,
                    "milestone",
                    f"FROM log_milestone {belongs} {limit}"
                    " ORDER BY record_time, order_id, milestone",
                    '"order"',
                ),
                positions=_frame(
                    connection,
                    "inventory_position",
                    f"FROM log_inventory_position {limit}"
                    " ORDER BY record_time, site, sku, event_time",
                ),
                exceptions=_frame(
                    connection,
                    "exception_event",
                    f'FROM log_exception_event LEFT JOIN (SELECT order_id, "order" FROM o)'
                    f" USING (order_id) {limit} ORDER BY record_time, exception_id, phase",
                    'coalesce("order", -1) AS "order"',
                ),
                supplies=_frame(
                    connection,
                    "inbound_supply",
                    f"FROM log_inbound_supply {limit} ORDER BY record_time, supply_id, phase",
                ),
                staffing=_frame(
                    connection,
                    "staffing",
                    f"FROM log_staffing {limit} ORDER BY record_time, site, event_time",
                ),
                sources=sources if before is None else cut_sources(sources, before),
            )

    def show(self, connection: Connection, batches: tuple[Batch, ...]) -> None:
        """Make batches visible in a session as views `log_<record>`.

        A column that did not exist yet when a batch was written is missing (NULL) in its rows.
        """
        for record, columns in COLUMNS.items():
            paths = [
                literal(str(self.folder / _BATCHES / batch.name / f"{record}.parquet"))
                for batch in batches
                if record in batch.tables
            ]
            typed = ", ".join(f"NULL::{SQL_TYPE[c.kind]} AS {quoted(c.name)}" for c in columns)
            rows = f"SELECT {typed} LIMIT 0"
            if paths:
                files = f"read_parquet([{', '.join(paths)}], union_by_name = true)"
                rows = f"({rows}) UNION ALL BY NAME FROM {files}"
            connection.execute(f"CREATE VIEW log_{record} AS {rows}")

    def clean(self) -> None:
        """Remove what an interrupted import left behind. Call it under the import lock."""
        shutil.rmtree(self.folder / STAGING, ignore_errors=True)
        kept = {batch.name for batch in self.batches()}
        folder = self.folder / _BATCHES
        for path in folder.iterdir() if folder.is_dir() else ():
            if path.name not in kept:
                shutil.rmtree(path)

    def append(self, staged: Path, batch: Batch) -> None:
        """Make a staged folder of Parquet files part of the log, all of it or nothing."""
        target = self.folder / _BATCHES / batch.name
        target.parent.mkdir(parents=True, exist_ok=True)
        for path in staged.iterdir():
            _to_disk(path)
        staged.replace(target)
        _to_disk(target)
        _to_disk(target.parent)
        manifest = _Manifest(batches=(*self.batches(), batch))
        partial = self.folder / f"{_MANIFEST}.partial"
        partial.write_text(manifest.model_dump_json(indent=1), encoding="utf-8")
        _to_disk(partial)
        partial.replace(self.folder / _MANIFEST)
        _to_disk(self.folder)

    def _filled(self) -> tuple[Batch, ...]:
        batches = self.batches()
        if not batches:
            raise HistoryError(
                f"there is no history in {self.folder}; run `triage import NAME DIR` first"
            )
        return batches

    def _verify(self, batch: Batch) -> None:
        for record, table in batch.tables.items():
            path = self.folder / _BATCHES / batch.name / f"{record}.parquet"
            if not path.is_file() or file_digest(path) != table.sha256:
                raise HistoryError(
                    f"{path} is gone or was changed since its import; restore it, or remove"
                    f" {self.folder} and import again"
                )


def _fingerprint(batches: tuple[Batch, ...]) -> str:
    digest = hashlib.sha256()
    for batch in batches:
        for record, table in sorted(batch.tables.items()):
            digest.update(f"{record} {table.sha256}\n".encode())
    return digest.hexdigest()


def _as_it_was(batches: tuple[Batch, ...], fingerprint: str) -> tuple[Batch, ...]:
    for count in range(len(batches), 0, -1):
        if _fingerprint(batches[:count]) == fingerprint:
            return batches[:count]
    raise HistoryError(
        f"the log never was {fingerprint[:12]}: it was removed and imported again, or is another's"
    )


def _latest(batches: tuple[Batch, ...]) -> tuple[SourceInfo, ...]:
    latest: dict[str, SourceInfo] = {}
    for batch in batches:
        known = latest.get(batch.source.name)
        if known is None or batch.source.extracted_at >= known.extracted_at:
            latest[batch.source.name] = batch.source
    return tuple(latest[name] for name in sorted(latest))


def file_digest(path: Path) -> str:
    """Return the sha256 of a file's bytes."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _to_disk(path: Path) -> None:
    """Ask the system to write a file or folder through to the disk."""
    if os.name == "nt" and path.is_dir():
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _frame(connection: Connection, record: RecordName, rows: str, *extra: str) -> pd.DataFrame:
    columns = ", ".join([*map(_as_held, COLUMNS[record]), *extra])
    relation: duckdb.DuckDBPyRelation = connection.sql(f"SELECT {columns} {rows}")
    frame: pd.DataFrame = relation.to_arrow_table().to_pandas()
    return frame.astype(dict.fromkeys(_texts(record), "str"))


def _texts(record: RecordName) -> tuple[str, ...]:
    return tuple(column.name for column in COLUMNS[record] if column.kind == "text")


def _as_held(column: Column) -> str:
    name = quoted(column.name)
    if column.kind == "time":
        return f"coalesce(epoch_us({name}), ({UNKNOWN_TIME})::BIGINT) AS {name}"
    if column.kind == "whole":
        return f"{name}::{'BIGINT' if column.required else 'DOUBLE'} AS {name}"
    return name
