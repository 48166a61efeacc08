from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from tests.histories import START, history_of, milestone, moment, order, records

from triage.domain.clock import MICROS_PER_DAY, MICROS_PER_HOUR, NEVER
from triage.domain.records import Record
from triage.features.book import OrderBook
from triage.models.landmarks import Rows, landmark_rows

LANDMARKS = ("order_created", "order_validated", "shipment_dispatched")
MICROSECOND = 1 / MICROS_PER_HOUR
PROMISE = 100.0


def at(hours: float) -> int:
    return START + round(hours * MICROS_PER_HOUR)


def rows_of(
    *given_records: Record, landmark: str = "order_created", tolerance_hours: float = 0
) -> Rows:
    book = OrderBook.of(history_of(given_records), ())
    return landmark_rows(book, landmark, round(tolerance_hours * MICROS_PER_HOUR))


@pytest.mark.parametrize("tolerance", [0.0, 6.0])
def test_delivered_at_the_very_promise_is_late_and_a_microsecond_before_is_not(
    tolerance: float,
) -> None:
    for off, late in ((-MICROSECOND, 0), (0.0, 1), (MICROSECOND, 1)):
        delivered = milestone("A", "delivered", PROMISE + tolerance + off)
        rows = rows_of(order("A", 0, PROMISE), delivered, tolerance_hours=tolerance)
        assert rows.late().tolist() == [late]
        assert rows.late_at.tolist() == [at(PROMISE + tolerance)]


def test_delivery_is_judged_by_when_it_happened_not_by_when_it_became_known() -> None:
    delivered = milestone("A", "delivered", PROMISE - 1, known_hours=PROMISE + 50)
    rows = rows_of(order("A", 0, PROMISE), delivered)
    assert rows.late().tolist() == [0]
    assert rows.known_late(at(PROMISE + 50)).tolist() == [True]  # nobody could know better yet
    assert rows.known_late(at(PROMISE + 50) + 1).tolist() == [False]


def test_an_order_that_is_undelivered_when_its_promise_passes_is_late() -> None:
    rows = rows_of(order("A", 0, PROMISE))
    assert rows.late().tolist() == [1]
    assert rows.delivered.tolist() == rows.delivered_known.tolist() == [NEVER]
    assert rows.mature(at(PROMISE)).tolist() == [True]
    assert rows.known_late(at(PROMISE)).tolist() == [True]


def test_a_row_is_mature_from_its_promise_on_however_early_it_was_delivered() -> None:
    rows = rows_of(
        order("A", 0, PROMISE), milestone("A", "delivered", 5), order("B", 0, 2 * PROMISE)
    )
    assert rows.mature(at(PROMISE) - 1).tolist() == [False, False]
    assert rows.mature(at(PROMISE)).tolist() == [True, False]
    assert rows.mature(at(2 * PROMISE)).tolist() == [True, True]


def test_a_cancellation_takes_a_row_out_only_once_it_is_known() -> None:
    rows = rows_of(order("A", 0, PROMISE), milestone("A", "order_cancelled", 10, known_hours=150))
    assert rows.mature(at(149)).tolist() == [True]
    assert rows.mature(at(150)).tolist() == [True]  # known at that moment is not known before it
    assert rows.mature(at(150) + 1).tolist() == [False]


@pytest.mark.parametrize(
    ("kind", "hours"), [("delivered", 20), ("order_cancelled", 20), (None, PROMISE)]
)
def test_a_landmark_after_the_end_of_an_order_gives_no_row(kind: str | None, hours: float) -> None:
    def dispatched(when: float) -> Rows:
        ended = [] if kind is None else [milestone("A", kind, hours)]
        dispatch = milestone("A", "shipment_dispatched", when)
        return rows_of(order("A", 0, PROMISE), dispatch, *ended, landmark="shipment_dispatched")

    assert len(dispatched(hours - MICROSECOND)) == 1
    assert len(dispatched(hours)) == 0
    assert len(dispatched(hours + 1)) == 0


def test_a_landmark_is_at_the_moment_it_became_known() -> None:
    known_late = milestone("A", "order_validated", 3, known_hours=30)
    rows = rows_of(order("A", 0, PROMISE), known_late, landmark="order_validated")
    assert rows.as_of.tolist() == [at(30)]
    assert rows.promise_days().tolist() == [70 / 24]


def test_an_order_that_never_reached_a_landmark_has_no_row_there() -> None:
    assert len(rows_of(order("A", 0), landmark="order_validated")) == 0
    assert len(rows_of(order("A", 0))) == 1


def test_waiting_runs_to_the_delivery_that_is_known_else_to_the_moment() -> None:
    rows = rows_of(
        order("A", 0, PROMISE), milestone("A", "delivered", 24, known_hours=48), order("B", 0)
    )
    days, observed = rows.waited_days(at(48))
    assert (days.tolist(), observed.tolist()) == ([2.0, 2.0], [False, False])
    days, observed = rows.waited_days(at(48) + 1)
    assert days[0] == 1.0
    assert observed.tolist() == [True, False]


laws = settings(max_examples=100, deadline=None)


@laws
@given(records(), st.sampled_from(LANDMARKS), st.integers(0, 12))
def test_rows_are_sorted_by_moment_and_every_one_is_of_an_open_order(
    drawn: list[Record], landmark: str, tolerance: int
) -> None:
    rows = rows_of(*drawn, landmark=landmark, tolerance_hours=tolerance)
    assert (np.diff(rows.as_of) >= 0).all()
    assert len(np.unique(rows.order)) == len(rows)
    for end in (rows.late_at, rows.delivered_known, rows.cancelled_known):
        assert (rows.as_of < end).all()
    assert (rows.promise_days() > 0).all()
    assert ((rows.delivered == NEVER) == (rows.delivered_known == NEVER)).all()


@laws
@given(records(), st.sampled_from(LANDMARKS), st.integers(0, 400))
def test_mature_rows_and_their_outcomes_need_only_what_was_known_before(
    drawn: list[Record], landmark: str, hours: int
) -> None:
    history, moment = history_of(drawn), at(hours)
    whole = landmark_rows(OrderBook.of(history, ()), landmark, 0)
    then = landmark_rows(OrderBook.of(history.before(moment), ()), landmark, 0)
    then = then.take(then.as_of < moment)  # an order for a later day has its row in advance
    mature, mature_then = whole.mature(moment), then.mature(moment)
    before = whole.as_of < moment
    assert not (mature & ~before).any()
    assert whole.order[mature].tolist() == then.order[mature_then].tolist()
    assert whole.known_late(moment)[mature].tolist() == then.late()[mature_then].tolist()
    days, observed = whole.take(before).waited_days(moment)
    days_then, observed_then = then.waited_days(moment)
    assert days.tolist() == days_then.tolist()
    assert observed.tolist() == observed_then.tolist()


def test_taking_rows_keeps_their_columns_together() -> None:
    rows = rows_of(order("A", 0, 50), order("B", 1, 60), milestone("B", "delivered", 70))
    second = rows.take(np.array([False, True]))
    assert (second.landmark, len(second)) == ("order_created", 1)
    assert second.late().tolist() == [1]
    assert second.promise_days().tolist() == [60 * MICROS_PER_HOUR / MICROS_PER_DAY]


def test_an_order_placed_for_a_later_day_has_its_row_when_work_may_begin() -> None:
    later = order("A", 0, PROMISE, not_before=moment(60))
    validated = milestone("A", "order_validated", 5)
    for landmark in ("order_created", "order_validated"):
        rows = rows_of(later, validated, landmark=landmark)
        assert rows.as_of.tolist() == [at(60)]
        assert rows.promise_days().tolist() == [pytest.approx((PROMISE - 60) / 24)]
    left = milestone("A", "shipment_dispatched", 70)
    assert rows_of(later, left, landmark="shipment_dispatched").as_of.tolist() == [at(70)]


def test_an_earliest_start_before_the_order_changes_nothing() -> None:
    plain, early = order("A", 0, PROMISE), order("A", 0, PROMISE, not_before=moment(-50))
    assert rows_of(plain).as_of.tolist() == rows_of(early).as_of.tolist() == [at(0)]


def test_an_order_that_may_begin_only_after_its_promise_teaches_nothing() -> None:
    assert len(rows_of(order("A", 0, PROMISE, not_before=moment(PROMISE + 1)))) == 0


def test_where_records_come_late_nothing_is_concluded_from_the_last_hours() -> None:
    rows = rows_of(
        order("A", 0, PROMISE), milestone("A", "delivered", 30, known_hours=40),
        order("B", 0, PROMISE), milestone("B", "delivered", 45, known_hours=47),
        order("C", 0, PROMISE),
    )  # fmt: skip
    lag = rows.record_lag(at(50))
    assert lag == pytest.approx(9.2 * MICROS_PER_HOUR)  # nine in ten, between 2 and 10 hours
    days, observed = rows.waited_days(at(50), lag)
    by_order = dict(zip(rows.order.tolist(), zip(days * 24, observed, strict=True), strict=True))
    assert by_order[0] == (30, True)
    assert by_order[1] == (pytest.approx(40.8), False)  # delivered since, as some unknown ones are
    assert by_order[2] == (pytest.approx(40.8), False)


def test_a_waiting_order_has_rows_until_its_next_stage_is_known() -> None:
    given_records = (
        order("A", 0, PROMISE), milestone("A", "order_validated", 60),
        order("B", 0, PROMISE), milestone("B", "delivered", 99, known_hours=120),
        order("C", 0, PROMISE), milestone("C", "order_cancelled", 30),
    )  # fmt: skip
    book = OrderBook.of(history_of(given_records), ())
    rows = landmark_rows(book, "order_created:waiting", 0, LANDMARKS)
    shares = {
        book.ids[at_row]: ((rows.as_of[rows.order == at_row] - START) / MICROS_PER_HOUR).tolist()
        for at_row in sorted({*rows.order.tolist()})
    }
    assert shares == {"A": [25, 50], "B": [25, 50, 75], "C": [25]}
    assert (np.diff(rows.as_of) >= 0).all()


def test_an_order_is_given_up_only_so_many_days_after_its_promise() -> None:
    rows = rows_of(order("A", 0, PROMISE), order("B", 0, PROMISE), milestone("B", "delivered", 200))
    later = PROMISE + 30 * 24
    assert rows.abandoned(at(later) - 1, 30).tolist() == [False, False]
    assert rows.abandoned(at(later), 30).tolist() == [True, False]
    assert rows.abandoned(at(150), 1).tolist() == [True, True]  # not known to arrive by then


def test_the_first_moment_of_an_order_is_that_of_its_earliest_row() -> None:
    order, as_of = np.array([7, 2, 7, 2, 9]), np.array([30, 10, 5, 60, 40])
    never = np.full(5, NEVER)
    rows = Rows("order_created:waiting", order, as_of, never, never, never, never)
    assert rows.first_as_of().tolist() == [5, 10, 5, 10, 40]
    assert not len(rows.take(np.arange(0)).first_as_of())
