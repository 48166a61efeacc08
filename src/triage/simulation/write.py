"""Tables to files: Parquet for work, gzipped CSV for git. The same table gives the same bytes."""

from __future__ import annotations

import gc
import gzip
import hashlib
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

Format = Literal["parquet", "csv"]
_ENDINGS: dict[Format, str] = {"parquet": ".parquet", "csv": ".csv.gz"}
_SUMS = "SHA256SUMS"


@contextmanager
def all_or_nothing(folder: Path, *subfolders: str) -> Iterator[Path]:
    """Give a place to write to; its files get into a folder when all of them are there.

    Tables of the same names that the folder has, in any format, are replaced; other files stay. If
    the work fails or is interrupted, nothing has changed.

    Args:
        folder: where the files go in the end; made if it is not there.
        subfolders: those in which there are files too.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".unfinished-", dir=folder) as name:
        place = Path(name)
        for sub in subfolders:
            (place / sub).mkdir()
        yield place
        for sub in ("", *subfolders):
            (folder / sub).mkdir(exist_ok=True)
            for path in sorted(path for path in (place / sub).iterdir() if path.is_file()):
                remove(folder / sub, path.name.split(".")[0])
                path.replace(folder / sub / path.name)


def remove(folder: Path, *tables: str) -> None:
    """Remove tables from a folder, in whatever format."""
    for name in tables:
        for ending in _ENDINGS.values():
            (folder / f"{name}{ending}").unlink(missing_ok=True)


def write(folder: Path, name: str, table: pa.Table, form: Format) -> Path:
    """Write one table; returns the file."""
    path = folder / f"{name}{_ENDINGS[form]}"
    if form == "parquet":
        pyarrow.parquet.write_table(
            table, path, compression="zstd", write_page_checksum=True, row_group_size=250_000
        )
        return path
    path.write_bytes(gzip.compress(_csv(table), compresslevel=9, mtime=0))
    return path


def release() -> None:
    """Give memory that nothing uses any more back to the system, before much more is needed."""
    gc.collect()
    pa.default_memory_pool().release_unused()


def _csv(table: pa.Table) -> bytes:
    columns = [_as_text(column) for column in table.columns]
    text = io.BytesIO()
    pyarrow.csv.write_csv(
        pa.table(columns, names=table.column_names), text,
        pyarrow.csv.WriteOptions(quoting_style="needed", quoting_header="none"),
    )  # fmt: skip
    return text.getvalue()


def _as_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return words as such, and timestamps to the minute, as companies write them."""
    if pa.types.is_dictionary(column.type):
        return column.cast(column.type.value_type)
    if pa.types.is_timestamp(column.type):
        return pa.compute.strftime(column, format="%Y-%m-%d %H:%M")
    return column


def write_sums(folder: Path, progress: Callable[[str], None] = lambda _: None) -> None:
    """Write SHA256SUMS over the data files of a folder (not of its subfolders)."""
    progress("checksums")
    lines = []
    for path in sorted(path for path in folder.iterdir() if path.is_file()):
        with path.open("rb") as file:
            lines.append(f"{hashlib.file_digest(file, 'sha256').hexdigest()}  {path.name}\n")
    (folder / _SUMS).write_text("".join(lines), encoding="utf-8")
