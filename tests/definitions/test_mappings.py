"""Every mapping folder reads, uses all of its files, and the template runs as it is."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from triage import workspace
from triage.domain.clock import from_micros
from triage.history.columns import COLUMNS
from triage.history.importer import import_extract
from triage.history.log import Log
from triage.history.mapping import read_mapping

FOLDER = workspace.folder("data/mappings")
NAMES = sorted(path.parent.name for path in FOLDER.glob("*/mapping.toml"))


@pytest.mark.parametrize("name", NAMES)
def test_a_mapping_reads_and_gives_orders(name: str) -> None:
    mapping = read_mapping(name)
    assert "order" in mapping.queries
    assert mapping.source.title


@pytest.mark.parametrize("name", NAMES)
def test_every_sql_file_of_a_mapping_is_used_and_starts_with_what_it_is(name: str) -> None:
    mapping = read_mapping(name)
    moment = [mapping.extracted_at] if mapping.extracted_at else []
    used = {Path(file).name for file, _ in [*mapping.queries.values(), *moment]}
    assert used == {path.name for path in (FOLDER / name).glob("*.sql")}
    for path in (FOLDER / name).glob("*.sql"):
        assert path.read_text().startswith("-- ")


@pytest.mark.parametrize("name", NAMES)
def test_every_declared_table_and_column_is_used_by_the_sql(name: str) -> None:
    mapping = read_mapping(name)
    moment = [mapping.extracted_at[1]] if mapping.extracted_at else []
    sql = " ".join([*(text for _, text in mapping.queries.values()), *moment])
    for table, spec in mapping.tables.items():
        assert table in sql
        assert [column for column in spec.columns if column not in sql] == []


@pytest.mark.parametrize("name", NAMES)
def test_the_readme_lists_the_mapping(name: str) -> None:
    assert f"`{name}/`" in (FOLDER / "README.md").read_text()


def test_the_readme_names_every_column_of_every_record() -> None:
    text = (FOLDER / "README.md").read_text()
    rows = {line.split("`")[1]: line for line in text.splitlines() if line.startswith("   | `")}
    for record, columns in COLUMNS.items():
        must, may = rows[record].split("|")[2:4]
        stated = [part.strip() for part in (must + "," + may).split(",")]
        assert sorted(stated) == sorted(column.name for column in columns)
        for column in columns:
            assert (column.name in must) == column.required


def test_the_template_turns_its_example_into_the_expected_records(tmp_path: Path) -> None:
    report = import_extract("template", FOLDER / "template" / "example", tmp_path)
    history = Log(tmp_path).read()
    first, second, third = history.order_objects()
    assert report.rejected == 0
    assert {name: record.new for name, record in report.records.items()} == {
        "order": 3,
        "order_line": 4,
        "milestone": 5,
        "inventory_position": 3,
        "exception_event": 3,
        "inbound_supply": 3,
        "staffing": 2,
    }
    assert (first.order_id, first.currency, first.destination_area) == ("A-1001", "EUR", "80")
    assert first.record_time == datetime(2025, 3, 27, 8, 12, 5, tzinfo=UTC)
    assert first.promised_by == datetime(2025, 3, 29, 23, tzinfo=UTC)
    assert first.value == 165.0
    assert (second.currency, second.channel, second.customer_tier) == ("CHF", "web", None)
    assert second.promised_by == datetime(2025, 4, 1, 22, tzinfo=UTC)
    assert third.event_time == datetime(2025, 3, 28, 15, 5, tzinfo=UTC)
    assert third.lines[0].quantity == 0.5
    delivered = history.milestones[history.milestones["milestone"] == "delivered"].iloc[0]
    assert from_micros(delivered["record_time"]) == datetime(2025, 3, 31, 4, tzinfo=UTC)
    assert history.positions["allocated"].tolist() == [30.0, 4.0, 0.0]
    assert history.exceptions["order"].tolist() == [0, -1, 0]
    overdue_from = from_micros(history.supplies["expected_by"].iloc[0])
    assert overdue_from == datetime(2025, 3, 28, 23, tzinfo=UTC)
