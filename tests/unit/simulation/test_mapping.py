from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from triage.domain.clock import UNKNOWN_TIME, from_micros
from triage.history.importer import import_extract
from triage.history.log import Log
from triage.history.mapping import RECORD_NAMES
from triage.history.report import ImportReport
from triage.history.tables import History
from triage.simulation.sample import write_simulation

DATA = Path(__file__).parents[3] / "data"


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> tuple[ImportReport, History]:
    home = tmp_path_factory.mktemp("home")
    report = import_extract(DATA / "mappings" / "sample", DATA / "samples", home)
    return report, Log(home).read()


def test_every_row_of_the_sample_becomes_a_record_but_what_a_carrier_repeats(
    imported: tuple[ImportReport, History],
) -> None:
    report, _ = imported
    assert report.manifest == "verified"
    assert report.records.keys() == set(RECORD_NAMES)
    for name, record in report.records.items():
        assert record.new == record.rows - record.rejected > 0, name
        assert (record.rejected > 0) == (name == "milestone"), (name, record.reasons)
    (reason,) = report.records["milestone"].reasons
    assert "the same key" in reason[1]


def test_a_promised_day_ends_at_local_midnight(imported: tuple[ImportReport, History]) -> None:
    _, history = imported
    (first,) = history.orders[history.orders["order_id"] == "SO400100"].to_dict("records")
    assert from_micros(first["event_time"]) == datetime(2025, 1, 7, 18, 33, tzinfo=UTC)
    assert from_micros(first["promised_by"]) == datetime(2025, 1, 11, 6, 0, tzinfo=UTC)


def test_an_order_for_a_later_day_may_begin_when_that_day_does(
    imported: tuple[ImportReport, History],
) -> None:
    _, history = imported
    later = history.orders[history.orders["not_before"] != UNKNOWN_TIME]
    assert 0.1 < len(later) / len(history.orders) < 0.3
    assert (later["not_before"] > later["event_time"]).mean() > 0.99
    hours = {from_micros(moment).hour for moment in later["not_before"].tolist()}
    assert hours == {5, 6}  # midnight in Chicago, in summer and in winter


def test_carrier_service_and_site_are_known_with_every_order(
    imported: tuple[ImportReport, History],
) -> None:
    _, history = imported
    assert history.orders[["carrier", "service", "destination_region"]].notna().all(axis=None)
    assert history.lines[["site", "category", "list_price"]].notna().all(axis=None)


def test_a_receipt_is_known_within_the_hour_and_from_a_3pl_the_next_morning(
    imported: tuple[ImportReport, History],
) -> None:
    supplies = imported[1].supplies
    received = supplies[supplies["phase"] == "received"]
    minutes = (received["record_time"] - received["event_time"]) / 60e6
    elsewhere = received["site"] == "RNO-3PL"
    assert minutes[~elsewhere].between(15, 60).all()
    assert minutes[elsewhere].between(60, 27 * 60).all()
    assert min(elsewhere.sum(), (~elsewhere).sum()) > 50


def test_the_extract_says_when_it_was_taken(imported: tuple[ImportReport, History]) -> None:
    _, history = imported
    assert from_micros(history.extracted_at) == datetime(2026, 3, 2, 6, 0, tzinfo=UTC)


def test_what_a_simulation_writes_as_parquet_imports_like_the_sample(tmp_path: Path) -> None:
    write_simulation(tmp_path / "extract", seed=4, orders=300, days=60, truth=False)
    report = import_extract(DATA / "mappings" / "sample", tmp_path / "extract", tmp_path / "home")
    assert report.records["order"].new == 300
    assert all(record.new > 0 for record in report.records.values())
