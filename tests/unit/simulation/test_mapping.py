from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from triage.domain.clock import from_micros
from triage.history.importer import import_extract
from triage.history.log import Log
from triage.history.report import ImportReport
from triage.history.tables import History

DATA = Path(__file__).parents[3] / "data"


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> tuple[ImportReport, History]:
    home = tmp_path_factory.mktemp("home")
    report = import_extract(DATA / "mappings" / "sample", DATA / "samples", home)
    return report, Log(home).read()


def test_every_row_of_the_sample_becomes_a_record(
    imported: tuple[ImportReport, History],
) -> None:
    report, _ = imported
    assert report.manifest == "verified"
    assert report.records.keys() == {"order", "order_line", "milestone", "inventory_position"}
    for name, record in report.records.items():
        assert record.new == record.rows > 0, name
        assert record.rejected == 0, (name, record.reasons)


def test_a_promised_day_ends_at_local_midnight(imported: tuple[ImportReport, History]) -> None:
    _, history = imported
    first = history.orders.iloc[0]
    assert first["order_id"] == "SO400001"
    assert from_micros(first["event_time"]) == datetime(2025, 4, 28, 11, 0, tzinfo=UTC)
    assert from_micros(first["promised_by"]) == datetime(2025, 6, 6, 5, 0, tzinfo=UTC)


def test_carrier_service_and_site_are_known_with_every_order(
    imported: tuple[ImportReport, History],
) -> None:
    _, history = imported
    assert history.orders[["carrier", "service", "destination_region"]].notna().all(axis=None)
    assert history.lines[["site", "category", "list_price"]].notna().all(axis=None)


def test_the_extract_says_when_it_was_taken(imported: tuple[ImportReport, History]) -> None:
    _, history = imported
    assert from_micros(history.extracted_at) == datetime(2026, 3, 2, 6, 0, tzinfo=UTC)
