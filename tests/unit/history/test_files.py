"""Files that are not what they should be: never loaded in silence."""

from __future__ import annotations

import gzip
import hashlib
import json
from pathlib import Path

import pyarrow as pa
import pytest
from tests.unit.history.small import COLUMNS, Small, order

from triage.errors import MappingError

HEADER = ",".join(COLUMNS["order"])
ROW = "A,2024-03-01 10:00:00,,2024-03-05,,EUR,,"
MANY = "\n".join([HEADER, *(ROW.replace("A", f"A{n}", 1) for n in range(20_000))]) + "\n"


def replace_orders(small: Small, content: bytes, ending: str = ".csv") -> None:
    (small.extract / "orders.csv").unlink()
    (small.extract / f"orders{ending}").write_bytes(content)


def zstd(text: str) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(text.encode())
    return bytes(sink.getvalue())


BROKEN = {
    "zero bytes": (b"", ".csv", r"orders\.csv is empty \(0 bytes\)"),
    "wrong delimiter": (
        f"{HEADER}\n{ROW}\n".replace(",", ";").encode(),
        ".csv",
        r"orders\.csv has no column order_id.*separated by something else than ','",
    ),
    "not UTF-8": (
        f"{HEADER}\n{ROW}\n{ROW.replace('A', 'B', 1)}\n".encode().replace(
            b",,EUR", b",\xff,EUR", 1
        ),
        ".csv",
        r"orders\.csv, line \d+: this is no UTF-8 text; .*encoding = \"latin-1\"",
    ),
    "UTF-16": (f"{HEADER}\n{ROW}\n".encode("utf-16"), ".csv", r"orders\.csv"),
    "too few columns": (
        f"{HEADER}\n{ROW}\nB,2024-03-01\n".encode(),
        ".csv",
        r"orders\.csv, line 3: Expected Number of Columns",
    ),
    "too many columns": (
        f"{HEADER}\n{ROW},x\n".encode(),
        ".csv",
        r"orders\.csv, line 2: Expected Number of Columns",
    ),
    "open quote": (
        f'{HEADER}\n{ROW}\n"B,2024-03-01 10:00:00,,2024-03-05,,EUR,,\n'.encode(),
        ".csv",
        r"orders\.csv, line 3: ",
    ),
    "column named twice": (
        f"{HEADER},order_id\n{ROW},A\n".encode(),
        ".csv",
        "names a column twice",
    ),
    "missing column": (
        f"{HEADER.replace('promised_by', 'promise')}\n{ROW}\n".encode(),
        ".csv",
        "has no column promised_by; it has: order_id, event_time, record_time, promise,",
    ),
    "cut gz": (gzip.compress(MANY.encode())[:20_000], ".csv.gz", r"orders\.csv\.gz cannot be deco"),
    "not gz": (MANY.encode(), ".csv.gz", "cannot be decompressed"),
    "flipped gz": (
        gzip.compress(MANY.encode())[:-6] + b"\0\0" + gzip.compress(MANY.encode())[-4:],
        ".csv.gz",
        "cannot be decompressed",
    ),
    "cut zst": (zstd(MANY)[:5_000], ".csv.zst", r"orders\.csv\.zst cannot be decompressed"),
    "not Parquet": (b"PAR1 nonsense PAR1", ".parquet", r"orders\.parquet"),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_file_stops_the_import_with_its_name_and_the_place(
    small: Small, fault: str
) -> None:
    content, ending, message = BROKEN[fault]
    replace_orders(small, content, ending)
    with pytest.raises(MappingError, match=message):
        small.load()
    assert small.log.sources() == ()
    assert not (small.home / "history" / "staging").exists()


GOOD = {
    "plain": (f"{HEADER}\n{ROW}\n".encode(), ".csv"),
    "BOM": (b"\xef\xbb\xbf" + f"{HEADER}\n{ROW}\n".encode(), ".csv"),
    "CRLF": (f"{HEADER}\r\n{ROW}\r\n".encode(), ".csv"),
    "BOM and CRLF, no last line end": (b"\xef\xbb\xbf" + f"{HEADER}\r\n{ROW}".encode(), ".csv"),
    "all quoted": (
        "\n".join(",".join(f'"{c}"' for c in text.split(",")) for text in (HEADER, ROW)).encode(),
        ".csv",
    ),
    "a further column": (f"{HEADER},more\n{ROW},x\n".encode(), ".csv"),
    "gz": (gzip.compress(f"{HEADER}\n{ROW}\n".encode()), ".csv.gz"),
    "zst": (zstd(f"{HEADER}\n{ROW}\n"), ".csv.zst"),
}


@pytest.mark.parametrize("form", GOOD)
def test_harmless_differences_of_form_load_the_same_record(small: Small, form: str) -> None:
    replace_orders(small, *GOOD[form])
    report = small.load()
    (found,) = small.log.read().order_objects()
    assert report.rejected == 0
    assert (found.order_id, found.currency, found.customer_name) == ("A", "EUR", None)


def test_a_file_with_a_header_only_is_refused_unless_the_mapping_allows_it(small: Small) -> None:
    text = (small.mapping / "mapping.toml").read_text()
    small.write(order=[order()])
    (small.mapping / "mapping.toml").write_text(text.replace("may_be_empty = true", ""))
    with pytest.raises(MappingError, match=r"a header but no rows.*may_be_empty = true"):
        small.load()
    (small.mapping / "mapping.toml").write_text(text)
    assert small.load().new == 1


def test_a_missing_file_is_named_with_what_is_there(small: Small) -> None:
    (small.extract / "orders.csv").unlink()
    with pytest.raises(
        MappingError, match=r"no file orders\.csv.*there is: exceptions\.csv, hours\.csv, lines"
    ):
        small.load()


def test_two_forms_of_one_file_are_refused(small: Small) -> None:
    (small.extract / "orders.csv.gz").write_bytes(gzip.compress(b"x"))
    with pytest.raises(MappingError, match=r"orders\.csv and orders\.csv\.gz: remove the one"):
        small.load()


def test_a_place_that_is_not_there_or_no_database_is_named(small: Small, tmp_path: Path) -> None:
    with pytest.raises(MappingError, match=r"there is no .*nowhere"):
        small.load(place=tmp_path / "nowhere")
    (tmp_path / "notes.txt").write_text("not a database")
    with pytest.raises(MappingError, match=r"notes\.txt is not a DuckDB database"):
        small.load(place=tmp_path / "notes.txt")


def test_the_list_of_files_is_verified_where_there_is_one(small: Small) -> None:
    small.write(order=[order("A"), order("B")])
    assert small.load().manifest == "absent"
    listed = {
        path.name: {"sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
        for path in small.extract.glob("*.csv")
    }
    listed["orders.csv"]["rows"] = 2  # type: ignore[assignment]
    (small.extract / "manifest.json").write_text(json.dumps({"files": listed}))
    assert small.load().manifest == "verified"
    listed["orders.csv"]["rows"] = 3  # type: ignore[assignment]
    (small.extract / "manifest.json").write_text(json.dumps({"files": listed}))
    with pytest.raises(MappingError, match=r"orders\.csv has 2 rows, the extract's list says 3"):
        small.load()


def test_sums_of_another_file_refuse_the_import_and_a_file_left_out_is_reported(
    small: Small,
) -> None:
    small.write(order=[order("A")])
    sums = small.extract / "SHA256SUMS"
    digest = hashlib.sha256((small.extract / "orders.csv").read_bytes()).hexdigest()
    sums.write_text(f"{digest}  orders.csv\n")
    assert small.load().manifest == "incomplete"
    small.write(order=[order("A"), order("B")])
    with pytest.raises(MappingError, match=r"orders\.csv is not the file that .* list describes"):
        small.load()
    sums.write_text("nonsense\n")
    with pytest.raises(MappingError, match="SHA256SUMS cannot be read"):
        small.load()
