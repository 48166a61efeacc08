"""The report: what a person should know about the extract before trusting it."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from tests.unit.history.small import Row, Small, line, milestone, order

from triage.history.report import ImportReport, Outcomes, render


def event(order_id: str, kind: str, day: int, **changes: object) -> Row:
    moment = f"2024-03-{day:02d} 12:00:00"
    return milestone(order_id, milestone=kind, event_time=moment, **changes)


def load(small: Small) -> ImportReport:
    small.write(
        order=[order(name) for name in ("on-time", "late", "cancelled", "lost")]
        + [order("open", promised_by="2024-07-01 00:00:00")]
        + [order("to the second", promised_by="2024-03-04 12:00:00")]
        + [order("odd", promised_by="2026-01-01 00:00:00"), order("bad", event_time="x")],
        order_line=[line("late"), line("open", unit_price="")],
        milestone=[
            event("on-time", "order_validated", 2, due_by="2027-01-01 00:00:00"),
            event("on-time", "delivered", 4),
            event("late", "delivered", 6),
            event("cancelled", "order_cancelled", 3),
            event("to the second", "delivered", 4),
            event("odd", "order_validated", 9),
            event("odd", "shipment_dispatched", 8),
            milestone("odd", event_time="2024-02-01 00:00:00"),
        ],
    )
    return small.load()


def test_outcomes_are_as_of_the_moment_the_extract_was_taken(small: Small) -> None:
    # a delivery at the very moment of the promise is late: promised_by is the first late moment
    assert load(small).outcomes == Outcomes(
        on_time=2, late=2, open=1, open_past_promise=1, cancelled=1
    )


def test_times_out_of_order_are_counted_and_loaded(small: Small) -> None:
    report = load(small)
    assert report.time_problems == {
        "dispatched before validated": 1,
        "delivered before dispatched": 1,
        "delivered before the order was placed": 1,
        "promised more than a year ahead": 1,
        "a deadline more than a year ahead": 1,
    }
    assert report.records["milestone"].new == 8


def test_rows_spans_and_missing_shares_are_counted(small: Small) -> None:
    report = load(small)
    orders = report.records["order"]
    assert (orders.rows, orders.new, orders.rejected) == (8, 7, 1)
    assert orders.event_time == orders.record_time == (1_709_287_200_000_000,) * 2
    assert orders.null_share["customer_name"] == 1.0
    assert orders.null_share["order_id"] == 0.0
    assert report.records["order_line"].null_share["unit_price"] == 0.5
    assert report.records["order_line"].event_time is None
    rows = {"orders.csv": 8, "lines.csv": 2, "milestones.csv": 8}
    empty = {"stock.csv": 0, "exceptions.csv": 0, "supplies.csv": 0, "hours.csv": 0}
    assert report.files == rows | empty


def shown(report: ImportReport) -> str:
    console = Console(width=200, record=True, file=Path("/dev/null").open("w"))  # noqa: SIM115
    with console.file:
        console.print(render(report))
    return console.export_text()


def test_the_shown_report_names_the_quarantine_file_and_the_missing_list(small: Small) -> None:
    report = load(small)
    text = shown(report)
    assert "Small, as it stood on 2024-06-01 00:00Z" in text
    assert "2 on time, 2 late (50.0% of the delivered), 1 open, 1 open past their promise" in text
    assert "order.event_time: 1 x not a timestamp" in text
    assert str(report.quarantine) in text.replace("\n", "")
    assert "cut short at the end of a line cannot be noticed" in text
    assert "Nothing new" not in text
    assert "Nothing new: the log is unchanged." in shown(small.load())
