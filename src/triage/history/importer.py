# ruff: noqa: S608 - names come from the domain records and are quoted, paths are literals
"""Import one extract into the log: all of it or nothing, and nothing twice."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from triage.domain.clock import to_micros
from triage.errors import HistoryError, MappingError
from triage.history.columns import COLUMNS, KEY, SQL_TYPE, literal, names, quoted
from triage.history.extract import Extract, open_extract
from triage.history.integrity import (
    create_known_orders,
    drop_duplicates,
    drop_orphans,
    drop_surplus_lines,
    raise_record_time,
)
from triage.history.lock import only_import
from triage.history.log import STAGING, Batch, BatchTable, Log, file_digest
from triage.history.mapping import EXTRACT_TABLE, RECORD_NAMES, Mapping, RecordName, read_mapping
from triage.history.measure import measure_outcomes, measure_record, measure_time_problems
from triage.history.quarantine import create_rejected, write_quarantine
from triage.history.report import ImportReport
from triage.history.session import Connection, connect, count, one
from triage.history.tables import SourceInfo
from triage.history.validate import check, read_moment

Progress = Callable[[str], None]
_SORTED_BY: dict[RecordName, str] = {
    "order": "record_time, order_id",
    "order_line": "order_id, line_no",
    "milestone": "record_time, order_id, milestone",
    "inventory_position": "record_time, site, sku, event_time",
    "exception_event": "record_time, exception_id, phase",
    "inbound_supply": "record_time, supply_id, phase",
    "staffing": "record_time, site, event_time",
}


@dataclass(frozen=True, slots=True)
class _Checked:
    """The accepted rows of an extract, in tables `accepted_<record>`; rows given per record."""

    rows: dict[RecordName, int]
    source: SourceInfo


def import_extract(
    source: str | Path,
    path: Path,
    home: Path,
    *,
    extracted_at: datetime | None = None,
    workspace: Path | None = None,
    progress: Progress | None = None,
) -> ImportReport:
    """Map, check and append one extract. A second import of the same extract adds nothing.

    Args:
        source: name of a mapping in data/mappings, or a path to a mapping folder.
        path: folder of CSV or Parquet files, or a DuckDB database file.
        home: folder that holds the log (`history/`) and the quarantine files.
        extracted_at: aware moment at which the extract was taken. Unset: as the mapping says, else
            right after the latest record_time.
        workspace: folder that holds data/mappings, if not the one that came with the package.
        progress: called with a sentence at each step.

    Raises:
        MappingError: if the extract cannot be used; the log is as it was.
        DeclarationError: if the mapping cannot be used.
        HistoryError: if the log cannot be written, or another import is running.
    """
    say = progress or (lambda _: None)
    mapping = read_mapping(source, workspace)
    given = None if extracted_at is None else _aware(extracted_at)
    log = Log(home)
    with only_import(log.folder):
        log.clean()
        staging = log.folder / STAGING
        staging.mkdir()
        try:
            with connect(staging) as connection:
                return _import(connection, mapping, path, log, given, say)
        finally:
            shutil.rmtree(staging, ignore_errors=True)


def _import(
    connection: Connection, mapping: Mapping, path: Path, log: Log, given: int | None, say: Progress
) -> ImportReport:
    say(f"reading {path}")
    extract = open_extract(connection, mapping, path)
    log.show(connection, log.batches())
    create_rejected(connection)
    checked = _check(connection, mapping, given, say)
    digest = _batch_digest(mapping, extract, checked.source.extracted_at)
    home = log.folder.parent
    quarantine = write_quarantine(
        connection, home / "quarantine" / f"{mapping.source.name}-{digest}.csv"
    )
    if checked.rows.get("order", 0) and not _number(connection, "accepted_order"):
        raise MappingError(f"every order was rejected; nothing was loaded, see {quarantine}")
    say("comparing with the log")
    known = {record: _split(connection, record) for record in checked.rows}
    say("writing")
    try:
        batch = _append(connection, log, checked, digest, extract)
    except (duckdb.Error, OSError) as error:
        raise HistoryError(
            f"cannot write to {log.folder} ({error}); the log is as it was, make room and try again"
        ) from error
    return ImportReport(
        source=checked.source,
        records={
            record: measure_record(
                connection, record, rows, _number(connection, f"new_{record}"), known[record]
            )
            for record, rows in checked.rows.items()
        },
        files=extract.rows,
        manifest=extract.manifest,
        time_problems=measure_time_problems(connection),
        outcomes=measure_outcomes(connection, checked.source.extracted_at),
        quarantine=quarantine,
        batch=batch,
    )


def _check(connection: Connection, mapping: Mapping, given: int | None, say: Progress) -> _Checked:
    moment = read_moment(connection, mapping) if given is None else given
    value = "NULL::TIMESTAMPTZ" if moment is None else f"make_timestamptz({moment})"
    connection.execute(f"CREATE TABLE {EXTRACT_TABLE} AS SELECT {value} AS extracted_at")
    rows: dict[RecordName, int] = {}
    for record in RECORD_NAMES:
        if record in mapping.queries:
            say(f"checking {record}")
            rows[record] = check(connection, mapping, record, moment)
        else:
            _create_empty(connection, record)
        _check_across(connection, record)
    if moment is None:
        moment = _after_latest(connection)
    declared = mapping.source.model_dump(exclude={"licence"})
    return _Checked(rows, SourceInfo(**declared, extracted_at=moment))


def _check_across(connection: Connection, record: RecordName) -> None:
    if record in {"order_line", "milestone", "exception_event"}:
        drop_orphans(connection, record)
    if record != "order_line":
        raise_record_time(connection, record)
    drop_duplicates(connection, record)
    if record == "order":
        create_known_orders(connection)
    if record == "order_line":
        drop_surplus_lines(connection)


def _create_empty(connection: Connection, record: RecordName) -> None:
    columns = ", ".join(f"{quoted(c.name)} {SQL_TYPE[c.kind]}" for c in COLUMNS[record])
    for stage in ("mapped", "accepted"):
        connection.execute(f"CREATE TABLE {stage}_{record} (_file VARCHAR, _row BIGINT, {columns})")


def _after_latest(connection: Connection) -> int:
    timed = (record for record in RECORD_NAMES if record != "order_line")
    union = " UNION ALL ".join(f"SELECT record_time FROM accepted_{record}" for record in timed)
    latest = one(connection, f"SELECT epoch_us(max(record_time)) FROM ({union})")[0]
    if latest is None:
        raise MappingError("the extract gives no record that can be loaded; nothing was loaded")
    return int(str(latest)) + 1


def _split(connection: Connection, record: RecordName) -> int:
    """Create `new_<record>` (what the log does not have) and return the number of duplicates.

    Lines enter the log only together with their order: a further line of a known order is a
    conflict, for it would change what was known before.
    """
    using = ", ".join(map(quoted, KEY[record]))
    apart = "order_id" if record == "order_line" else using
    there = "log_order" if record == "order_line" else f"log_{record}"
    connection.execute(
        f"CREATE TABLE new_{record} AS SELECT {', '.join(map(quoted, names(record)))}"
        f" FROM accepted_{record} ANTI JOIN {there} USING ({apart})"
    )
    same = " AND ".join(
        f"a.{quoted(name)} IS NOT DISTINCT FROM k.{quoted(name)}" for name in names(record)
    )
    return count(
        connection,
        f"SELECT count(*) FROM accepted_{record} a JOIN log_{record} k USING ({using})"
        f" WHERE {same}",
    )


def _append(
    connection: Connection, log: Log, checked: _Checked, digest: str, extract: Extract
) -> str | None:
    staged = log.folder / STAGING / "batch"
    staged.mkdir()
    tables: dict[RecordName, BatchTable] = {}
    for record in checked.rows:
        rows = _number(connection, f"new_{record}")
        if rows:
            file = staged / f"{record}.parquet"
            connection.execute(
                f"COPY (FROM new_{record} ORDER BY {_SORTED_BY[record]}) TO {literal(str(file))}"
                " (FORMAT parquet, COMPRESSION zstd)"
            )
            tables[record] = BatchTable(rows=rows, sha256=file_digest(file))
    taken = [s.extracted_at for s in log.sources() if s.name == checked.source.name]
    if not tables and taken and max(taken) >= checked.source.extracted_at:
        return None
    name = f"{len(log.batches()) + 1:06d}-{checked.source.name}-{digest}"
    batch = Batch(name=name, source=checked.source, extract=extract.digest, tables=tables)
    log.append(staged, batch)
    return name


def _number(connection: Connection, table: str) -> int:
    return count(connection, f"SELECT count(*) FROM {table}")


def _batch_digest(mapping: Mapping, extract: Extract, extracted_at: int) -> str:
    facts = f"{mapping.source.name}\n{mapping.digest}\n{extract.digest}\n{extracted_at}"
    return hashlib.sha256(facts.encode()).hexdigest()[:12]


def _aware(moment: datetime) -> int:
    try:
        return to_micros(moment)
    except ValueError as error:
        raise MappingError(f"--extracted-at {moment.isoformat()}: {error}") from error
