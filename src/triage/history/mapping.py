"""A mapping folder: what a source is called, which tables it has, and the SQL that maps them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, Self, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, Field, ValidationError, model_validator

from triage import workspace
from triage.domain.free_days import free_days
from triage.errors import DeclarationError
from triage.workspace import Declared

RecordName = Literal[
    "order", "order_line", "milestone", "inventory_position", "exception_event", "inbound_supply",
    "staffing",
]  # fmt: skip
Encoding = Literal["utf-8", "latin-1", "cp1250", "cp1252", "iso-8859-2", "iso-8859-15"]
"""What a CSV file may be written in: UTF-8 or one byte a character, by Python's names."""
RECORD_NAMES: tuple[RecordName, ...] = get_args(RecordName)
EXTRACT_TABLE = "this_extract"
"""Table that every mapping SQL sees besides its own: one row, `extracted_at` TIMESTAMPTZ."""
FOLDER = "data/mappings"


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError(f"{name!r} is not an IANA time zone such as Europe/Berlin") from error
    return name


class SourceSpec(Declared):
    """What the extract is: its name in the log, its clock, what its promise means."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]
    title: Annotated[str, Field(min_length=1)]
    time_zone: Annotated[str, AfterValidator(_known_zone)]
    promise: Literal["day", "instant"]
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
    worked_holidays: tuple[str, ...] = ()
    licence: str | None = None

    @model_validator(mode="after")
    def _known_holidays(self) -> Self:
        try:
            if self.worked_holidays:
                free_days(self.country, self.worked_holidays)
        except DeclarationError as error:
            raise ValueError(str(error)) from error
        return self


class TableSpec(Declared):
    """One table of the extract: its file and the columns that the SQL uses."""

    encoding: Encoding = "utf-8"
    file: Annotated[str, Field(pattern=r"^[^/\\]+$")]
    columns: Annotated[tuple[str, ...], Field(min_length=1)]
    delimiter: Annotated[str, Field(pattern=r"^[\x01-\x7f]$")] = ","
    may_be_empty: bool = False


class ExtractedAtSpec(Declared):
    """Where the moment at which the extract was taken comes from."""

    sql: str


class _Document(Declared):
    source: SourceSpec
    tables: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")], TableSpec]
    records: dict[RecordName, str]
    extracted_at: ExtractedAtSpec | None = None


@dataclass(frozen=True, slots=True)
class Mapping:
    """A mapping as read: the declaration plus the text of its SQL files.

    Attributes:
        place: where it was read from, for messages.
        source: what the extract is.
        tables: logical table name -> file and columns.
        queries: record name -> (SQL file name, SQL text).
        extracted_at: (SQL file name, SQL text) of the extract's moment, if the mapping says it.
        digest: sha256 over mapping.toml and all SQL texts.
    """

    place: str
    source: SourceSpec
    tables: dict[str, TableSpec]
    queries: dict[RecordName, tuple[str, str]]
    extracted_at: tuple[str, str] | None
    digest: str


def read_mapping(source: str | Path, configured: Path | None = None) -> Mapping:
    """Read a mapping by its name in data/mappings, or from a folder given as a path.

    Args:
        source: a name ("olist") or a path to a folder that holds mapping.toml.
        configured: the workspace, if not the one that came with the package.

    Raises:
        DeclarationError: if it is absent or wrong; names the file and the entry.
    """
    place, read = _reader(source, configured)
    text = read("mapping.toml")
    document = _parse(text, f"{place}/mapping.toml")
    digest = hashlib.sha256(text.encode())

    def query(name: str) -> tuple[str, str]:
        sql = read(name).strip().rstrip(";")
        digest.update(name.encode() + b"\0" + sql.encode() + b"\0")
        return f"{place}/{name}", sql

    queries = {n: query(document.records[n]) for n in RECORD_NAMES if n in document.records}
    moment = query(document.extracted_at.sql) if document.extracted_at else None
    return Mapping(place, document.source, document.tables, queries, moment, digest.hexdigest())


def _reader(source: str | Path, configured: Path | None) -> tuple[str, Callable[[str], str]]:
    folder = Path(source)
    if (folder / "mapping.toml").is_file():
        return str(source), lambda name: _read_beside(folder, name)
    if isinstance(source, Path) or len(folder.parts) != 1 or folder.is_absolute():
        raise DeclarationError(
            f"no mapping.toml in {source}; start from a copy of {FOLDER}/template"
        )
    workspace.folder(f"{FOLDER}/{source}", configured)
    return f"{FOLDER}/{source}", lambda name: workspace.read_text(
        f"{FOLDER}/{source}/{name}", configured
    )


def _read_beside(folder: Path, name: str) -> str:
    path = folder / name
    if not path.is_file():
        there = ", ".join(sorted(p.name for p in folder.iterdir()))
        raise DeclarationError(f"no file {name} in {folder}; there is: {there}")
    return path.read_text(encoding="utf-8")


def _parse(text: str, name: str) -> _Document:
    try:
        document = _Document.model_validate(workspace.parse_toml(text, name))
    except ValidationError as error:
        faults = "; ".join(_in_words(f["loc"], f["type"], f["msg"]) for f in error.errors())
        raise DeclarationError(f"{name}: {faults}") from error
    if not document.records:
        raise DeclarationError(f"{name}: [records] names no SQL file; at least `order` is needed")
    if EXTRACT_TABLE in document.tables:
        raise DeclarationError(f"{name}: the table name {EXTRACT_TABLE} is taken; use another")
    return document


_ENTRIES: dict[str, type[BaseModel]] = {
    "source": SourceSpec, "tables": TableSpec, "extracted_at": ExtractedAtSpec, "": _Document,
}  # fmt: skip


def _in_words(place: tuple[int | str, ...], kind: str, message: str) -> str:
    """Say what is wrong with one entry; for one that does not exist, what there is instead."""
    at = ".".join(str(part) for part in place)
    if kind != "extra_forbidden":
        return f"{at}: {message}"
    entries = _ENTRIES[str(place[0]) if len(place) > 1 else ""].model_fields
    return f"{at}: there is no such entry; possible are {', '.join(entries)}"
