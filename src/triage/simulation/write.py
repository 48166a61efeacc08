"""Tables to files: Parquet for work, gzipped CSV for git. The same table gives the same bytes."""

from __future__ import annotations

import gc
import gzip
import hashlib
import io
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

Format = Literal["parquet", "csv"]


def write(folder: Path, name: str, table: pa.Table, form: Format) -> Path:
    """Write one table; returns the file."""
    if form == "parquet":
        path = folder / f"{name}.parquet"
        pyarrow.parquet.write_table(
            table, path, compression="zstd", write_page_checksum=True, row_group_size=250_000
        )
        return path
    path = folder / f"{name}.csv.gz"
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
    for path in sorted((*folder.glob("*.parquet"), *folder.glob("*.csv.gz"))):
        with path.open("rb") as file:
            lines.append(f"{hashlib.file_digest(file, 'sha256').hexdigest()}  {path.name}\n")
    (folder / "SHA256SUMS").write_text("".join(lines), encoding="utf-8")
