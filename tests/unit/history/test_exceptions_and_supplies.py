"""Exceptions and inbound supplies come through the mapping like every other record."""

from __future__ import annotations

import shutil
from datetime import timedelta

from tests.unit.history.small import Small, order, supply, trouble

from triage.domain.clock import UNKNOWN_TIME, to_micros
from triage.history.objects import exceptions_of, supplies_of


def test_an_exception_keeps_its_order_and_one_of_nobody_stays(small: Small) -> None:
    small.write(
        order=[order("A"), order("B", event_time="2024-03-03 08:00:00")],
        exception_event=[
            trouble("E1", order_id="B", code="E17", text="no stock"),
            trouble("E1", order_id="B", phase="resolved", event_time="2024-03-05 10:00:00"),
            trouble("E2"),
        ],
    )
    report = small.load()
    history = small.log.read()
    assert report.rejected == 0
    assert report.records["exception_event"].new == 3
    assert history.exceptions["order"].tolist() == [1, -1, 1]
    first, second, last = exceptions_of(history)
    assert (first.exception_id, first.code, first.text) == ("E1", "E17", "no stock")
    assert (second.order_id, second.code) == (None, None)
    assert last.phase == "resolved"


def test_an_exception_of_an_order_that_is_nowhere_is_put_in_quarantine(small: Small) -> None:
    rows = [trouble("E1", order_id="X"), trouble("E2", phase="closed"), trouble("E3")]
    small.write(order=[order("A")], exception_event=rows)
    report = small.load()
    assert report.records["exception_event"].new == 1
    assert {(row[3], row[4]) for row in small.quarantined()} == {
        ("order_id", "no such order"),
        ("phase", "not one of raised, resolved"),
    }


def test_an_exception_known_before_its_order_names_it_once_the_order_is_known(
    small: Small,
) -> None:
    small.write(order=[order("A")], exception_event=[trouble("E", order_id="A",
                event_time="2024-03-01 09:00:00")])  # fmt: skip
    small.load()
    created = small.log.read().orders["record_time"].iloc[0]
    assert small.log.read(before=int(created)).exceptions["order"].tolist() == [-1]
    assert small.log.read().exceptions["order"].tolist() == [0]


def test_a_supply_keeps_its_quantity_and_its_date_and_may_have_none(small: Small) -> None:
    due = "2024-03-09 00:00:00"
    small.write(
        order=[order("A")],
        inbound_supply=[
            supply("P1", quantity="2.5", expected_by=due),
            supply("P1", quantity="2.5", phase="received", event_time="2024-03-10 00:00:00"),
            supply("P2", quantity="0"),
        ],
    )
    report = small.load()
    history = small.log.read()
    assert report.records["inbound_supply"].new == 2
    assert [row[3:5] for row in small.quarantined()] == [("quantity", "not more than 0")]
    assert history.supplies["expected_by"].tolist()[1] == UNKNOWN_TIME
    ordered, received = supplies_of(history)
    assert ordered.expected_by is not None
    assert to_micros(ordered.expected_by + timedelta(days=1)) == to_micros(received.event_time)
    assert ordered.quantity == 2.5


def test_a_log_written_before_these_records_existed_reads_without_them(small: Small) -> None:
    small.write(order=[order("A")], exception_event=[trouble()], inbound_supply=[supply()])
    small.load()
    whole = small.log.read()
    shutil.rmtree(small.home)
    small.write(order=[order("A")])
    small.load()
    without = small.log.read()
    assert (len(whole.exceptions), len(whole.supplies)) == (1, 1)
    assert (len(without.exceptions), len(without.supplies)) == (0, 0)
    assert whole.exceptions.dtypes.equals(without.exceptions.dtypes)
