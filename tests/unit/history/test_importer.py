"""Importing: all or nothing, nothing twice, the first known counts."""

from __future__ import annotations

import random
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from tests.unit.history.small import (
    COLUMNS,
    FILES,
    Row,
    Small,
    hours,
    line,
    milestone,
    order,
    stock,
    supply,
    trouble,
)

from triage.domain.clock import UNKNOWN_TIME, to_micros
from triage.errors import HistoryError, MappingError
from triage.history.lock import only_import
from triage.history.log import Log, file_digest
from triage.history.tables import History

FULL: dict[str, list[Row]] = {
    "order": [order("A"), order("B", event_time="2024-03-02 08:00:00", payment_installments=3)],
    "order_line": [line("A"), line("A", line_no=2, sku="T", quantity=4), line("B")],
    "milestone": [
        milestone("A"),
        milestone("B", milestone="order_validated", due_by="2024-03-09 00:00:00"),
    ],
    "inventory_position": [stock(), stock(site="V", allocated=2)],
    "exception_event": [trouble(order_id="A")],
    "inbound_supply": [supply()],
    "staffing": [hours(), hours(site="V", hours="12.5")],
}


def assert_same(one: History, other: History) -> None:
    tables = "orders", "lines", "milestones", "positions", "exceptions", "supplies", "staffing"
    for name in tables:
        pd.testing.assert_frame_equal(getattr(one, name), getattr(other, name))


def test_an_import_fills_the_log_with_what_the_files_say(small: Small) -> None:
    small.write(**FULL)
    report = small.load()
    history = small.log.read()
    assert report.new == 13
    assert list(history.staffing["hours"]) == [12.5, 31.0]
    assert report.batch is not None
    assert list(history.orders["order_id"]) == ["A", "B"]
    assert list(history.orders["currency"]) == ["EUR", "EUR"]
    assert list(history.lines["order"]) == [0, 0, 1]
    assert list(history.lines["quantity"]) == [1.0, 4.0, 1.0]
    assert list(history.milestones["milestone"]) == ["delivered", "order_validated"]
    assert history.milestones["due_by"].tolist()[0] == UNKNOWN_TIME
    assert list(history.positions["allocated"]) == [2.0, 0.0]
    assert history.extracted_at == to_micros(datetime(2024, 6, 1, tzinfo=UTC))


def test_orders_come_back_as_domain_objects_with_plain_values(small: Small) -> None:
    small.write(**FULL)
    small.load()
    first, second = small.log.read().order_objects()
    assert first.order_id == "A"
    assert first.event_time == datetime(2024, 3, 1, 10, tzinfo=UTC)
    assert first.payment_installments is None
    assert second.payment_installments == 3
    assert type(second.payment_installments) is int
    assert [(each.line_no, each.sku, each.category) for each in first.lines] == [
        (1, "S", None),
        (2, "T", None),
    ]
    assert type(first).model_validate(first.model_dump()) == first


def test_the_second_import_of_the_same_extract_adds_nothing(small: Small) -> None:
    small.write(**FULL)
    small.load()
    before = small.log.fingerprint
    again = small.load()
    assert again.new == 0
    assert again.batch is None
    assert [record.duplicates for record in again.records.values()] == [2, 3, 2, 2, 1, 1, 2]
    assert not any(record.conflicts for record in again.records.values())
    assert small.log.fingerprint == before


def test_a_record_that_arrives_again_with_other_content_is_a_conflict_and_the_first_stays(
    small: Small,
) -> None:
    small.write(**FULL)
    small.load()
    small.write(
        order=[order("A", customer_name="changed"), order("C")],
        order_line=[line("A", unit_price=9), line("A", line_no=3), line("C")],
        milestone=[milestone("A", event_time="2024-03-08 10:00:00")],
    )
    report = small.load()
    assert (report.records["order"].new, report.records["order"].conflicts) == (1, 1)
    assert (report.records["order_line"].new, report.records["order_line"].conflicts) == (1, 2)
    assert (report.records["milestone"].new, report.records["milestone"].conflicts) == (0, 1)
    history = small.log.read()
    assert history.orders["customer_name"].isna().all()
    assert len(history.lines) == 4
    assert "changed" not in set(history.orders["customer_name"])


def test_a_milestone_may_arrive_in_a_later_extract_than_its_order(small: Small) -> None:
    small.write(order=[order("A", record_time="2024-03-03 00:00:00")])
    small.load()
    small.write(milestone=[milestone("A", event_time="2024-03-02 00:00:00")])
    assert small.load().new == 1
    history = small.log.read()
    assert history.milestones["record_time"].tolist() == history.orders["record_time"].tolist()
    assert history.milestones["event_time"].tolist() < history.orders["record_time"].tolist()


def test_a_later_extract_without_news_still_moves_the_time_of_the_source(small: Small) -> None:
    small.write(**FULL)
    small.load()
    later = datetime(2024, 7, 1, tzinfo=UTC)
    assert small.load(later).new == 0
    assert small.log.sources()[0].extracted_at == to_micros(later)
    small.load()
    assert small.log.sources()[0].extracted_at == to_micros(later)


def test_without_a_moment_the_extract_was_taken_right_after_its_latest_record(small: Small) -> None:
    small.write(**FULL)
    taken = small.load(None).source.extracted_at
    assert taken == to_micros(datetime(2024, 3, 4, 10, tzinfo=UTC)) + 1


def test_the_order_of_rows_in_the_files_does_not_matter(tmp_path: Path) -> None:
    rows = {
        "order": [*FULL["order"], order("A", record_time="2024-03-02 00:00:00")],
        "order_line": FULL["order_line"],
        "milestone": [*FULL["milestone"], milestone("A", event_time="2024-03-07 00:00:00")],
        "inventory_position": FULL["inventory_position"],
    }
    seen = []
    for seed in range(3):
        small = Small(tmp_path / str(seed))
        for each in rows.values():
            random.Random(seed).shuffle(each)  # noqa: S311
        small.write(**rows)
        small.load()
        seen.append(small.log)
    assert len({log.fingerprint for log in seen}) == 1
    assert_same(seen[0].read(), seen[2].read())


@pytest.mark.parametrize("form", ["parquet", "database", "gz"])
def test_parquet_gzip_and_database_give_the_same_records_as_csv(tmp_path: Path, form: str) -> None:
    small, other = Small(tmp_path / "csv"), Small(tmp_path / form)
    small.write(**FULL)
    small.load()
    place = other.base / "place"
    place.mkdir()
    if form == "database":
        place /= "erp.duckdb"
    with duckdb.connect(str(place) if form == "database" else ":memory:") as connection:
        for record, file in FILES.items():
            rows = f"FROM read_csv('{small.extract}/{file}.csv', header = true)"  # native types
            if form == "database":
                connection.execute(f"CREATE TABLE {file} AS {rows}")
            elif form == "parquet":
                connection.execute(f"COPY ({rows}) TO '{place}/{file}.parquet'")
            else:
                columns = ", ".join(COLUMNS[record])
                rows = f"SELECT {columns} {rows}"
                connection.execute(f"COPY ({rows}) TO '{place}/{file}.csv.gz' (HEADER)")
    other.load(place=place)
    assert_same(other.log.read(), small.log.read())


def test_a_failure_before_the_commit_leaves_the_log_as_it_was(
    small: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    small.write(order=[order("A")])
    small.load()
    before = small.log.fingerprint
    small.write(order=[order("B")])

    def fail(*_: object) -> None:
        raise OSError("no space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Log, "append", fail)
        with pytest.raises(HistoryError, match=r"no space left.*the log is as it was"):
            small.load()
    assert small.log.fingerprint == before
    assert small.load().new == 1


def test_an_import_killed_before_its_commit_leaves_nothing_and_the_next_one_cleans_up(
    small: Small,
) -> None:
    small.write(order=[order("A")])
    code = (
        "import os, pathlib, sys\n"
        "from triage.history.importer import import_extract\n"
        "pathlib.Path.write_text = lambda *_, **__: os._exit(9)  # dies where the manifest is due\n"
        "import_extract(*map(pathlib.Path, sys.argv[1:]))\n"
    )
    places = [str(path) for path in (small.mapping, small.extract, small.home)]
    assert subprocess.run([sys.executable, "-c", code, *places], check=False).returncode == 9
    folder = small.home / "history"
    (left,) = (folder / "batches").iterdir()
    (left / "half.parquet").write_bytes(b"half")
    assert (folder / "staging").is_dir()
    assert small.log.sources() == ()
    small.load()
    assert not (folder / "staging").exists()
    (batch,) = (folder / "batches").iterdir()
    assert sorted(path.name for path in batch.iterdir()) == ["order.parquet"]


def test_two_imports_at_once_are_refused_with_the_name_of_the_lock(small: Small) -> None:
    small.write(order=[order("A")])
    with (
        only_import(small.home / "history"),
        pytest.raises(HistoryError, match=r"another import is running.*import\.lock"),
    ):
        small.load()
    assert small.load().new == 1


def test_an_empty_log_says_what_to_run(small: Small) -> None:
    with pytest.raises(HistoryError, match="triage import NAME DIR"):
        small.log.read()
    with pytest.raises(HistoryError, match="triage import NAME DIR"):
        assert small.log.fingerprint
    assert small.log.sources() == ()


def test_a_batch_that_was_changed_on_disk_is_refused(small: Small) -> None:
    small.write(order=[order("A")])
    small.load()
    (path,) = (small.home / "history" / "batches").glob("*/order.parquet")
    damaged = bytearray(path.read_bytes())
    damaged[40] ^= 1
    path.write_bytes(damaged)
    with pytest.raises(HistoryError, match=r"order\.parquet is gone or was changed"):
        small.log.read()


def test_a_moment_without_zone_is_refused(small: Small) -> None:
    small.write(order=[order("A")])
    with pytest.raises(MappingError, match="time without a zone"):
        small.load(datetime(2024, 6, 1))  # noqa: DTZ001


def test_progress_is_told_step_by_step(small: Small) -> None:
    from triage.history.importer import import_extract

    small.write(**FULL)
    said: list[str] = []
    import_extract(small.mapping, small.extract, small.home, progress=said.append)
    assert said[0].startswith("reading ")
    assert "checking milestone" in said
    assert said[-1] == "writing"


def test_a_log_written_before_a_column_existed_reads_it_as_missing(small: Small) -> None:
    small.write(order=[order("A")], milestone=[milestone("A")])
    small.load()
    (path,) = (small.home / "history").rglob("order.parquet")
    digest = file_digest(path)
    older = path.with_suffix(".older")
    duckdb.read_parquet(str(path)).select("* EXCLUDE (not_before)").write_parquet(str(older))
    older.replace(path)
    for manifest in (small.home / "history").rglob("*.json"):
        manifest.write_text(manifest.read_text().replace(digest, file_digest(path)))
    orders = small.log.read().orders
    assert orders["not_before"].tolist() == [UNKNOWN_TIME]
    assert orders["order_id"].tolist() == ["A"]


def test_a_log_written_before_prices_were_agreed_reads_them_as_unknown_and_takes_new_ones(
    small: Small,
) -> None:
    small.write(order=[order("A")], order_line=[line("A", unit_price=9)])
    small.load()
    (path,) = (small.home / "history").rglob("order_line.parquet")
    digest = file_digest(path)
    agreed = "contract_price, former_contract_price, promotion_price, volume_price, case_quantity"
    older = path.with_suffix(".older")
    duckdb.read_parquet(str(path)).select(f"* EXCLUDE ({agreed})").write_parquet(str(older))
    older.replace(path)
    for manifest in (small.home / "history").rglob("*.json"):
        manifest.write_text(manifest.read_text().replace(digest, file_digest(path)))
    small.write(
        order=[order("B", event_time="2024-03-02 08:00:00")], order_line=[line("B", unit_price=8)]
    )
    assert small.load().records["order_line"].new == 1
    lines = small.log.read().lines
    assert lines["unit_price"].tolist() == [9.0, 8.0]
    assert lines[agreed.split(", ")].isna().all(axis=None)
