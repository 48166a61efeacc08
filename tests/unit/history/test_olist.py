"""The public extract as a whole: counts that follow from its files, and nothing lost on the way."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from triage.domain.clock import UNKNOWN_TIME, from_micros, to_micros
from triage.history.importer import import_extract
from triage.history.log import Log
from triage.history.report import ImportReport, Outcomes
from triage.history.tables import History

ROOT = Path(__file__).parents[3]
EXTRACT = ROOT / os.environ.get("TRIAGE_OLIST", "../shared/data/olist")

pytestmark = pytest.mark.olist


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> tuple[ImportReport, History, Path]:
    if not EXTRACT.is_dir():
        pytest.skip(f"no Olist extract in {EXTRACT}; set TRIAGE_OLIST to its folder")
    home = tmp_path_factory.mktemp("olist")
    report = import_extract("olist", EXTRACT, home)
    return report, Log(home).read(), home


def test_every_row_of_the_extract_becomes_a_record(
    imported: tuple[ImportReport, History, Path],
) -> None:
    report, history, _ = imported
    assert report.rejected == 0
    assert report.records["order"].new == len(history.orders) == 59_427
    assert report.records["order_line"].new == len(history.lines) == 67_114
    # 59,188 approvals, 57,272 hand-overs, 53,649 deliveries, 398 canceled and 542 unavailable
    assert history.milestones["milestone"].value_counts().to_dict() == {
        "order_validated": 59_188,
        "shipment_dispatched": 57_272,
        "delivered": 53_649,
        "order_cancelled": 940,
    }


def test_the_extract_was_taken_at_the_end_of_february_2018_local_time(
    imported: tuple[ImportReport, History, Path],
) -> None:
    report, history, _ = imported
    moment = datetime(2018, 3, 1, 3, tzinfo=UTC)
    assert from_micros(report.source.extracted_at) == moment
    cancelled = history.milestones[history.milestones["milestone"] == "order_cancelled"]
    assert set(cancelled["record_time"]) == {to_micros(moment)}
    assert len(history.before(to_micros(moment)).milestones) == 170_109


def test_outcomes_and_time_problems_are_those_of_the_files(
    imported: tuple[ImportReport, History, Path],
) -> None:
    report, _, _ = imported
    assert report.outcomes == Outcomes(
        on_time=50_934, late=2_710, open=3_617, open_past_promise=1_226, cancelled=940
    )
    assert report.time_problems == {
        "dispatched before validated": 121,
        "delivered before dispatched": 23,
    }


def test_promises_end_their_local_day_and_ship_limits_years_ahead_are_left_out(
    imported: tuple[ImportReport, History, Path],
) -> None:
    _, history, _ = imported
    assert {from_micros(each).hour for each in history.orders["promised_by"]} == {2, 3}
    approvals = history.milestones[history.milestones["milestone"] == "order_validated"]
    known = approvals[approvals["due_by"] != UNKNOWN_TIME]
    # 553 approved orders have no lines, 9 have a limit more than 60 days after approval
    assert len(approvals) - len(known) == 562
    assert (known["due_by"] - known["event_time"]).max() <= 60 * 86_400 * 1_000_000 + 3_600_000_000


def test_places_lie_in_brazil_and_areas_have_three_digits(
    imported: tuple[ImportReport, History, Path],
) -> None:
    _, history, _ = imported
    assert history.orders["destination_latitude"].dropna().between(-34, 6).all()
    assert history.orders["destination_longitude"].dropna().between(-75, -28).all()
    assert history.orders["destination_area"].str.fullmatch(r"\d{3}").all()
    assert history.lines["site_area"].str.fullmatch(r"\d{3}").all()
    assert history.orders["destination_latitude"].isna().mean() < 0.01


def test_a_second_import_adds_nothing(imported: tuple[ImportReport, History, Path]) -> None:
    _, _, home = imported
    before = Log(home).fingerprint
    again = import_extract("olist", EXTRACT, home)
    assert again.new == 0
    assert sum(record.conflicts for record in again.records.values()) == 0
    assert sum(record.duplicates for record in again.records.values()) == 297_590
    assert Log(home).fingerprint == before
