# ruff: noqa: S608 - names come from the checked declaration and are quoted, values are bound
"""An extract opened: a folder of CSV or Parquet files, or a DuckDB database, as tables to map."""

from __future__ import annotations

import csv
import hashlib
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

import duckdb

from triage.errors import MappingError
from triage.history import files
from triage.history.columns import literal, quoted
from triage.history.mapping import Mapping, TableSpec
from triage.history.session import Connection, count

_ENDINGS = (".csv", ".csv.gz", ".csv.zst", ".parquet")
_DATABASE = "extract_database"


@dataclass(frozen=True, slots=True)
class Extract:
    """What was opened.

    Attributes:
        rows: file (or database table) name -> number of rows.
        manifest: whether the extract's own list of files was there and held.
        digest: sha256 over the names and contents of the files.
    """

    rows: dict[str, int]
    manifest: files.ManifestState
    digest: str


def open_extract(connection: Connection, mapping: Mapping, place: Path) -> Extract:
    """Make each table of the mapping visible under its logical name, with `_file` and `_row`.

    CSV columns are VARCHAR (empty = NULL), others keep their type. `_row` is the line number in a
    CSV file (header = 1), the row number (from 1) elsewhere.

    Raises:
        MappingError: for a missing file, column or row, or a file that is not what it should be.
    """
    if place.is_dir():
        return _open_folder(connection, mapping, place)
    if place.is_file():
        return _open_database(connection, mapping, place)
    raise MappingError(f"there is no {place}: give the folder (or DuckDB file) of the extract")


def _open_folder(connection: Connection, mapping: Mapping, folder: Path) -> Extract:
    found: dict[Path, tuple[files.FileFacts, int]] = {}
    for name, table in mapping.tables.items():
        path = _locate(folder, table)
        facts = files.inspect_file(path)
        try:
            if path.suffix == ".parquet":
                _load_parquet(connection, name, table, path)
            else:
                _load_csv(connection, name, table, path, facts)
        except duckdb.Error as error:
            raise MappingError(_explain(path.name, error)) from error
        found[path] = facts, _not_empty(connection, name, table, path.name)
    digest = hashlib.sha256()
    for path, (facts, _) in sorted(found.items()):
        digest.update(f"{path.name}\0{facts.sha256}\n".encode())
    rows = {path.name: number for path, (_, number) in found.items()}
    return Extract(rows, files.verify_manifest(folder, found), digest.hexdigest())


def _locate(folder: Path, table: TableSpec) -> Path:
    stem = _stem(table.file)
    there = [folder / (stem + end) for end in _ENDINGS if (folder / (stem + end)).is_file()]
    if len(there) == 1:
        return there[0]
    if there:
        both = " and ".join(path.name for path in there)
        raise MappingError(f"{folder} holds {both}: remove the one that should not be read")
    present = ", ".join(sorted(path.name for path in folder.iterdir())[:20]) or "nothing"
    raise MappingError(
        f"no file {table.file} (nor .gz, .zst, .parquet) in {folder}; there is: {present}"
    )


def _stem(file: str) -> str:
    return next((file.removesuffix(end) for end in _ENDINGS[::-1] if file.endswith(end)), file)


def _load_csv(
    connection: Connection, name: str, table: TableSpec, path: Path, facts: files.FileFacts
) -> None:
    with tempfile.TemporaryDirectory(prefix="triage-csv-") as scratch:
        utf8 = files.as_utf8(path, table.encoding, Path(scratch))
        line = _load_utf8(connection, name, table, utf8, path.name, facts)
    source = f"{quoted('file_' + name)} t"
    if line.startswith("l."):
        source += f" JOIN {quoted('lines_' + name)} l ON l.n = t.rowid"
    connection.execute(
        f"CREATE VIEW {quoted(name)} AS SELECT {_list(table.columns, 't.')},"
        f" {literal(path.name)} AS _file, {line} AS _row FROM {source}"
    )


def _load_utf8(
    connection: Connection, name: str, table: TableSpec, path: Path, shown: str,
    facts: files.FileFacts,
) -> str:  # fmt: skip
    """Create `file_<name>`, and `lines_<name>` where needed; return SQL for a row's line."""
    header = _header(connection, table, path, shown)
    _require(table, header, shown, f"is it separated by something else than {table.delimiter!r}?")
    declared = ", ".join(f"{literal(column)}: 'VARCHAR'" for column in header)
    connection.execute(
        f"CREATE TABLE {quoted('file_' + name)} AS SELECT {_list(table.columns)} FROM read_csv("
        f"?, auto_detect=false, delim=?, quote='\"', escape='\"', header=true, nullstr='',"
        f" strict_mode=true, ignore_errors=false, null_padding=false, columns={{{declared}}})",
        [str(path), table.delimiter],
    )
    rows = count(connection, f"SELECT count(*) FROM {quoted('file_' + name)}")
    if rows == facts.newlines - 1:
        return "t.rowid + 2"
    _load_lines(connection, name, table, path, shown, rows)
    return "l.line"


def _load_lines(
    connection: Connection, name: str, table: TableSpec, path: Path, shown: str, rows: int
) -> None:
    """Number the lines where a record spans several of them or blank lines stand between."""
    try:
        lines = list(files.line_numbers(path, table.delimiter))
    except (csv.Error, UnicodeDecodeError) as error:
        raise MappingError(f"{shown} is not plain CSV in UTF-8 ({error})") from error
    if len(lines) != rows:
        raise MappingError(
            f"{shown} reads as {rows} rows or as {len(lines)}, depending on how quotes and"
            ' blank lines are taken: export it with every text in "double quotes"'
        )
    connection.execute(
        f"CREATE TABLE {quoted('lines_' + name)} AS"
        " SELECT unnest(?::BIGINT[]) AS line, unnest(range(?)) AS n",
        [lines, rows],
    )


def _header(connection: Connection, table: TableSpec, path: Path, shown: str) -> list[str]:
    row = connection.execute(
        "SELECT line FROM read_csv(?, auto_detect=false, delim='\x01', quote='', escape='',"
        " header=false, columns={'line': 'VARCHAR'}) LIMIT 1",
        [str(path)],
    ).fetchone()
    header = next(csv.reader([row[0] if row and row[0] else ""], delimiter=table.delimiter), [])
    lowered = [column.lower() for column in header]
    twice = sorted({column for column in lowered if lowered.count(column) > 1 or not column})
    if twice or not header:
        raise MappingError(
            f"{shown}, line 1: the header names a column twice or not at all"
            f" ({', '.join(map(repr, twice))}); give each column its own name"
        )
    return header


def _load_parquet(connection: Connection, name: str, table: TableSpec, path: Path) -> None:
    described = connection.execute("DESCRIBE SELECT * FROM read_parquet(?)", [str(path)]).fetchall()
    _require(table, [row[0] for row in described], path.name, "")
    connection.execute(
        f"CREATE TABLE {quoted(name)} AS SELECT {_list(table.columns)}, {literal(path.name)} AS"
        " _file, file_row_number + 1 AS _row FROM read_parquet(?, file_row_number=true)",
        [str(path)],
    )


def _open_database(connection: Connection, mapping: Mapping, path: Path) -> Extract:
    facts = files.inspect_file(path)
    try:
        connection.execute(f"ATTACH {literal(str(path))} AS {_DATABASE} (READ_ONLY)")
    except duckdb.Error as error:
        raise MappingError(
            f"{path} is not a DuckDB database that can be opened ({_first_line(error)}); give a"
            " folder of CSV or Parquet files, or a .duckdb file that no other program holds open"
        ) from error
    rows = {}
    for name, table in mapping.tables.items():
        stem = _stem(table.file)
        _load_database_table(connection, name, table, path, stem)
        rows[stem] = _not_empty(connection, name, table, f"{path.name}:{stem}")
    connection.execute(f"DETACH {_DATABASE}")
    digest = hashlib.sha256(f"{path.name}\0{facts.sha256}\n".encode()).hexdigest()
    return Extract(rows, "absent", digest)


def _load_database_table(
    connection: Connection, name: str, table: TableSpec, path: Path, stem: str
) -> None:
    known = connection.execute(
        "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = ?"
        " UNION ALL SELECT schema_name, view_name FROM duckdb_views()"
        " WHERE database_name = ? AND NOT internal",
        [_DATABASE, _DATABASE],
    ).fetchall()
    here = [schema for schema, found in known if found == stem]
    if len(here) != 1:
        there = ", ".join(sorted(f"{schema}.{found}" for schema, found in known)) or "nothing"
        raise MappingError(f"{path.name} has {len(here)} tables named {stem}; there is: {there}")
    full = f"{_DATABASE}.{quoted(here[0])}.{quoted(stem)}"
    described = connection.execute(f"DESCRIBE SELECT * FROM {full}").fetchall()
    _require(table, [row[0] for row in described], f"{path.name}:{stem}", "")
    connection.execute(
        f"CREATE TABLE {quoted(name)} AS SELECT {_list(table.columns)},"
        f" {literal(f'{path.name}:{stem}')} AS _file, row_number() OVER () AS _row FROM {full}"
    )


def _require(table: TableSpec, present: list[str], where: str, hint: str) -> None:
    missing = [column for column in table.columns if column not in present]
    if missing:
        raise MappingError(
            f"{where} has no column {', '.join(missing)}; it has: {', '.join(present)[:500]}"
            + (f" ({hint})" if hint and len(present) == 1 else "")
        )


def _not_empty(connection: Connection, name: str, table: TableSpec, where: str) -> int:
    rows = count(connection, f"SELECT count(*) FROM {quoted(name)}")
    if rows == 0 and not table.may_be_empty:
        raise MappingError(
            f"{where} has a header but no rows; if that is right, set may_be_empty = true in"
            f" [tables.{name}] of mapping.toml"
        )
    return rows


def _list(columns: tuple[str, ...], prefix: str = "") -> str:
    return ", ".join(prefix + quoted(column) for column in columns)


def _explain(file: str, error: duckdb.Error) -> str:
    """Say in one line what DuckDB says in twenty."""
    text = str(error)
    line = re.search(r"Line: (\d+)", text)
    cause = re.search(
        r"(Expected Number of Columns[^\n]*|Invalid unicode[^\n]*|Value with[^\n]*)", text
    )
    where = f"{file}, line {line[1]}" if line else file
    if "unicode" in text:
        return (
            f"{where}: this is no UTF-8 text; nothing was loaded. Say what it is written in, for"
            ' example encoding = "latin-1" under its [tables.<name>] in mapping.toml, or export it'
            " in UTF-8"
        )
    return (
        f"{where}: {cause[1] if cause else _first_line(error)}; nothing was loaded, correct the"
        " file or export it again (UTF-8, one header line, the same number of columns in each line)"
    )


def _first_line(error: duckdb.Error) -> str:
    return str(error).splitlines()[0]
