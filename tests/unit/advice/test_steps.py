"""How long steps took beyond the usual: working days, by what each step is put down to."""

from __future__ import annotations

from collections.abc import Sequence

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from triage.advice.steps import UsualSteps, WorkingTime
from triage.domain.clock import MICROS_PER_DAY, UNKNOWN_TIME
from triage.features.book import OrderBook
from triage.features.facts import TIME, TIMES

laws = settings(max_examples=100, deadline=None)
MONDAY = 1_768_197_600_000_000
"""2026-01-12 00:00 in Chicago; the Monday after is a public holiday."""
TIME_OF_WORK = WorkingTime("America/Chicago", "US")
STEPS = (
    "order_created", "order_validated", "allocation_confirmed", "pick_released",
    "shipment_dispatched", "delivered",
)  # fmt: skip


def at(days: float) -> int:
    return MONDAY + round(days * MICROS_PER_DAY)


def times(
    days: Sequence[float | None], promised: float = 4.0, known: float = 0.0, starts: float = 0.0,
    names: Sequence[str] = STEPS,
) -> tuple[list[int], list[int]]:  # fmt: skip
    """Event and known times of an order by days from Monday; `known` days later for the order."""
    event, learnt = [UNKNOWN_TIME] * len(TIMES), [UNKNOWN_TIME] * len(TIMES)
    for name, day in zip(names, days, strict=False):
        if day is not None:
            event[TIME[name]] = learnt[TIME[name]] = at(day)
    created = event[TIME["order_created"]]
    learnt[TIME["order_created"]] = created + round(known * MICROS_PER_DAY)
    event[TIME["promised_by"]] = at(promised)
    event[TIME["starts_at"]] = max(created, at(starts))
    return event, learnt


def usual_of(
    orders: Sequence[tuple[list[int], list[int]]], moment: float = 30.0
) -> UsualSteps:  # fmt: skip
    book = OrderBook(())
    book.ids = [str(number) for number in range(len(orders))]
    book.event = np.array([event for event, _ in orders], dtype=np.int64)
    book.known = np.array([known for _, known in orders], dtype=np.int64)
    return UsualSteps.of(book, at(moment), TIME_OF_WORK)


USUAL = usual_of([times([0, 0.25, 0.5, 0.5, 1.0, 2.0])] * 3)


@laws
@given(st.lists(st.integers(0, 600 * MICROS_PER_DAY), min_size=1, max_size=5))
def test_working_days_of_one_moment_are_those_of_many(moments: list[int]) -> None:
    many = np.array([MONDAY + moment for moment in moments], dtype=np.int64)
    one = [TIME_OF_WORK.of(moment) for moment in many.tolist()]
    assert TIME_OF_WORK.of_many(many) == pytest.approx(one, abs=1e-9)


@pytest.mark.parametrize(
    ("first", "last", "days"), [(0, 1, 1), (0.5, 2.25, 1.75), (4, 7, 1), (5, 7, 0), (4, 8.5, 1.5)]
)
def test_weekends_and_holidays_are_no_working_days(first: float, last: float, days: float) -> None:
    assert TIME_OF_WORK.of(at(last)) - TIME_OF_WORK.of(at(first)) == pytest.approx(days)


def test_a_holiday_on_which_the_company_works_is_a_working_day() -> None:
    worked = WorkingTime("America/Chicago", "US", ("Martin Luther King Jr. Day",))
    assert worked.of(at(8)) - worked.of(at(7)) == 1
    assert TIME_OF_WORK.of(at(8)) == TIME_OF_WORK.of(at(7))
    assert worked.of(at(-10)) == worked.of(at(-11))  # New Year's Day is free as before


def test_usual_is_the_median_of_steps_that_had_ended_by_the_moment() -> None:
    orders = [times([0, day]) for day in (0.1, 0.2, 0.9)] + [times([0, 3.5])] * 5
    assert usual_of(orders, moment=1.0).days == pytest.approx((0, 0.2, 0))


def test_a_finished_step_and_the_present_one_are_counted_beyond_their_usual_time() -> None:
    event, known = times([0, 1.25, 1.5])
    found = USUAL.delays(event, known, at(3.0))
    assert found.beyond == pytest.approx({"approval": 1.0, "integration": 1.5})
    assert found.following == "integration"
    assert found.buffer == pytest.approx(2.0)


def test_an_order_in_its_usual_time_is_not_beyond_it() -> None:
    event, known = times([0, 0.25, 0.5, 0.5, 1.0])
    assert USUAL.delays(event, known, at(1.5)).beyond == {}
    assert USUAL.delays(event, known, at(1.5)).following == "carrier"


def test_what_was_not_known_by_the_moment_does_not_count() -> None:
    event, known = times([0, 0.25, 0.5])
    known[TIME["allocation_confirmed"]] = at(3.0)
    found = USUAL.delays(event, known, at(2.0))
    assert found.following == "inventory"
    assert found.beyond == pytest.approx({"inventory": 1.5})


def test_an_order_that_came_late_into_the_system_is_put_down_to_integration() -> None:
    event, known = times([0], known=1.5)
    found = USUAL.delays(event, known, at(1.5))
    assert found.beyond == pytest.approx({"integration": 1.5})
    assert found.following == "approval"


def test_a_promise_shorter_than_the_usual_steps_is_short_by_the_difference() -> None:
    event, known = times([0], promised=1.5)
    found = USUAL.delays(event, known, at(0.0))
    assert found.beyond == pytest.approx({"promise": 0.5})
    assert found.buffer == pytest.approx(-0.5)


def test_no_step_takes_time_before_work_may_begin() -> None:
    event, known = times([0, 0.75], promised=4.0, starts=2.0)
    assert USUAL.delays(event, known, at(2.25)).beyond == {}


def test_a_milestone_without_record_leaves_its_time_to_the_next_step() -> None:
    event, known = times([0, 0.25, None, None, 3.0])
    found = USUAL.delays(event, known, at(3.0))
    assert found.beyond == pytest.approx({"warehouse": 2.0})


def test_a_log_without_allocation_leaves_the_time_to_the_warehouse() -> None:
    names = ("order_created", "order_validated", "shipment_dispatched", "delivered")
    usual = usual_of([times([0, 0.5, 1.0, 3.0], names=names)])
    event, known = times([0, 0.5], names=names)
    found = usual.delays(event, known, at(2.0))
    assert found.following == "warehouse"
    assert found.beyond == pytest.approx({"warehouse": 1.0})
