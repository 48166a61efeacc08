from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from tests import exception_cases as cases
from tests.histories import START, history_of, milestone, order

from triage.domain.clock import MICROS_PER_DAY, MICROS_PER_HOUR
from triage.domain.records import Record
from triage.models.exceptions_context import LogContext
from triage.models.exceptions_next import LEVELS, NONE, NextRates
from triage.training.exception_next import fit_next, judge_next, learn_next
from triage.training.exception_recipe import NextSettings
from triage.training.exception_rows import exception_rows

CODES = ("carrier_delay", "credit_hold", "pick_short")
SETTINGS = NextSettings(days=2, weight=20)
UNTIL = START + 60 * MICROS_PER_DAY


def world(days: int = 80) -> list[Record]:
    """Return orders of which every third is held for credit at once, every third late when out."""
    made: list[Record] = []
    for at in range(days * 4):
        begun, name = 6.0 * at, f"O{at}"
        made.append(order(name, begun))
        if at % 3 == 0:
            raised = cases.event(f"E{at}", begun + 30, name, "erp", "blocked")
            made += [raised, cases.closing(raised, begun + 40, "credit_hold")]
        else:
            made.append(milestone(name, "shipment_dispatched", begun + 3))
        if at % 3 == 1:
            raised = cases.event(f"E{at}", begun + 45, name, "tms", "no scan")
            made += [raised, cases.closing(raised, begun + 50, "carrier_delay")]
        made.append(milestone(name, "delivered", begun + 70))
    return made


HISTORY = history_of(world())
CONTEXT = LogContext(HISTORY, "UTC")
ROWS = exception_rows(HISTORY, CONTEXT)


def test_what_comes_next_depends_on_where_the_order_stands() -> None:
    rates = learn_next(CONTEXT, ROWS, CODES, SETTINGS, UNTIL)
    waiting, on_the_road = (rates.ranked((stage, 0, 5, 0, 4)) for stage in (0, 4))
    likeliest = [next(code for code, _ in each if code != NONE) for each in (waiting, on_the_road)]
    assert likeliest == ["credit_hold", "carrier_delay"]


def test_probabilities_sum_to_one_in_every_cell_and_after_being_written_and_read() -> None:
    rates = learn_next(CONTEXT, ROWS, CODES, SETTINGS, UNTIL)
    assert NextRates.read(rates.written()) == rates
    for each in (rates.base, *rates.cells.values()):
        assert math.isclose(sum(each), 1.0, abs_tol=1e-9)
        assert min(each) >= 0


def test_a_cell_never_counted_answers_as_the_one_that_holds_it() -> None:
    rates = learn_next(CONTEXT, ROWS, CODES, SETTINGS, UNTIL)
    assert rates.of((4, 99, 0, 0, 0)) == rates.cells["4"]
    assert rates.of((77, 0, 0, 0, 0)) == rates.base


def test_few_orders_leave_a_cell_near_the_one_above() -> None:
    where = np.array([[0] * LEVELS] * 99 + [[1] * LEVELS])
    came = np.array([3] * 99 + [0])
    rates = NextRates.learn(3, (*CODES, NONE), where, came, 400.0)
    assert rates.cells["1"][0] < 0.02
    assert NextRates.learn(3, (*CODES, NONE), where, came, 0.1).cells["1"][0] > 0.9


def test_a_record_after_the_moment_changes_no_rate() -> None:
    then = [record for record in world() if record.record_time.timestamp() * 1e6 < UNTIL]
    early = LogContext(history_of(then), "UTC")
    alone = learn_next(early, exception_rows(history_of(then), early), CODES, SETTINGS, UNTIL)
    assert alone.written() == learn_next(CONTEXT, ROWS, CODES, SETTINGS, UNTIL).written()


def test_on_days_that_taught_nothing_it_beats_the_share_of_each_class() -> None:
    rates, found = fit_next(CONTEXT, ROWS, CODES, SETTINGS, UNTIL, 20)
    assert found.rows > 100
    assert found.log_loss < found.base_log_loss
    assert found.top3 >= found.base_top3
    assert abs(found.stated - found.share) < 0.05
    assert rates.cells


def test_where_it_would_not_beat_the_shares_only_these_are_kept() -> None:
    mixed = replace(ROWS, labels=tuple(CODES[at % 3] for at in range(len(ROWS))))
    heavy = SETTINGS.model_copy(update={"weight": 1e12})
    rates, found = fit_next(CONTEXT, mixed, CODES, heavy, UNTIL, 20)
    assert (not rates.cells) == (not found.log_loss < found.base_log_loss)


def test_without_days_to_judge_by_there_are_no_figures_and_no_cells() -> None:
    rates = NextRates.learn(3, (*CODES, NONE), np.zeros((1, LEVELS), int), np.array([3]), 1.0)
    found = judge_next(rates, np.empty((0, LEVELS), dtype=np.int64), np.empty(0, dtype=np.int64))
    assert found.rows == 0
    assert math.isnan(found.log_loss)


def test_an_order_is_open_from_when_it_is_known_until_it_is_delivered() -> None:
    begun = START + 6 * MICROS_PER_HOUR
    for hours, expected in ((0.0, False), (0.1, True), (70.0, True), (70.1, False)):
        rows, _ = CONTEXT.open_orders.at(begun + round(hours * MICROS_PER_HOUR))
        assert (1 in rows.tolist()) is expected
