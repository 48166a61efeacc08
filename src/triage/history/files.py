"""Files of an extract: whole and unchanged, read once before anything is loaded from them."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, ValidationError

from triage.errors import MappingError

ManifestState = Literal["verified", "incomplete", "absent"]
_COMPRESSION = {".gz": "gzip", ".zst": "zstd"}
_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What one pass over a file says.

    Attributes:
        sha256: of the bytes on disk.
        newlines: line ends in the (decompressed) text; a last line without one counts too.
            -1 where the file is not text.
    """

    sha256: str
    newlines: int


class _Listed(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    rows: int | None = None
    sha256: str | None = None


class _ManifestFile(BaseModel):
    files: dict[str, _Listed]


def inspect_file(path: Path) -> FileFacts:
    """Hash a file and, if it is text, read it to its end.

    Raises:
        MappingError: if it is empty, cut short, or its checksum does not hold.
    """
    if path.stat().st_size == 0:
        raise MappingError(f"{path.name} is empty (0 bytes): export it again")
    with path.open("rb") as handle:
        digest = hashlib.file_digest(handle, "sha256").hexdigest()
    if not _is_text(path):
        return FileFacts(digest, -1)
    newlines, last = 0, b"\n"
    try:
        with closing(_open(path)) as stream:
            while block := stream.read(_BLOCK):
                newlines += block.count(b"\n")
                last = block[-1:]
    except (OSError, EOFError) as error:
        raise MappingError(
            f"{path.name} cannot be decompressed to its end ({error}): it was cut short or damaged;"
            " nothing was loaded, copy or export it again"
        ) from error
    return FileFacts(digest, newlines + (last != b"\n"))


def line_numbers(path: Path, delimiter: str) -> Iterator[int]:
    """Yield the line (header = 1) on which each record of a CSV file starts; skip blank lines."""
    with closing(_open(path)) as stream:
        text = io.TextIOWrapper(stream, encoding="utf-8-sig", newline="")
        reader = csv.reader(text, delimiter=delimiter, strict=True)
        start = 1
        header = True
        for fields in reader:
            if fields and not header:
                yield start
            header = header and not fields
            start = reader.line_num + 1


def as_utf8(path: Path, encoding: str, folder: Path) -> Path:
    """Return a CSV file in UTF-8: itself, or a copy that is written to a folder.

    Args:
        path: the file, compressed or not.
        encoding: what it is written in, by Python's name: UTF-8 or one byte a character.
        folder: where the copy goes, uncompressed.

    Raises:
        MappingError: if a byte is no character of the encoding; names the line.
    """
    if encoding == "utf-8":
        return path
    copy = folder / "utf8.csv"
    line = 1
    with closing(_open(path)) as stream, copy.open("wb") as out:
        try:
            while block := stream.read(_BLOCK):
                out.write(block.decode(encoding).encode())
                line += block.count(b"\n")
        except UnicodeDecodeError as error:
            line += block[: error.start].count(b"\n")
            raise MappingError(
                f"{path.name}, line {line}: {error}; is it written in another encoding?"
            ) from error
    return copy


def _is_text(path: Path) -> bool:
    return path.name.endswith((".csv", ".csv.gz", ".csv.zst"))


def _open(path: Path) -> IO[Any]:
    compression = _COMPRESSION.get(path.suffix)
    stream: IO[Any] = (
        pa.input_stream(str(path), compression=compression) if compression else path.open("rb")
    )
    return stream


def verify_manifest(folder: Path, found: dict[Path, tuple[FileFacts, int]]) -> ManifestState:
    """Compare files with the extract's own list of them, if it brought one.

    Reads SHA256SUMS (`<hex>  <name>` a line) or manifest.json
    (`{"files": {"orders.csv": {"rows": 10, "sha256": "..."}}}`).

    Args:
        folder: the extract.
        found: path -> its facts and its number of rows as loaded.

    Raises:
        MappingError: if a file differs from what the list says.
    """
    listed = _listed(folder)
    if listed is None:
        return "absent"
    state: ManifestState = "verified"
    for path, (facts, rows) in sorted(found.items()):
        entry = listed.get(path.name)
        if entry is None:
            state = "incomplete"
            continue
        if entry.sha256 is not None and entry.sha256.lower() != facts.sha256:
            raise MappingError(
                f"{path.name} is not the file that the extract's list describes: sha256 is"
                f" {facts.sha256}, listed is {entry.sha256}; copy or export it again"
            )
        if entry.rows is not None and entry.rows != rows:
            raise MappingError(
                f"{path.name} has {rows} rows, the extract's list says {entry.rows}: it was cut"
                " short or changed; copy or export it again"
            )
    return state


def _listed(folder: Path) -> dict[str, _Listed] | None:
    sums, manifest = folder / "SHA256SUMS", folder / "manifest.json"
    if manifest.is_file():
        try:
            return _ManifestFile.model_validate(json.loads(manifest.read_text("utf-8"))).files
        except (ValidationError, ValueError) as error:
            raise MappingError(
                f"{manifest.name} cannot be read ({error}); it should be"
                ' {"files": {"orders.csv": {"rows": 10, "sha256": "..."}}}'
            ) from error
    if sums.is_file():
        pairs = [line.split(maxsplit=1) for line in sums.read_text("utf-8").splitlines() if line]
        if any(len(pair) != 2 for pair in pairs):
            raise MappingError(f"{sums.name} cannot be read: a line should be `<sha256>  <file>`")
        return {name.strip().lstrip("*"): _Listed(sha256=digest) for digest, name in pairs}
    return None
