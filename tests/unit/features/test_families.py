"""What the streams beside orders mean, told by small histories with known answers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from tests.histories import START, history_of, milestone, moment, order
from tests.unit.features.declared import declarations, feature_set

from triage.domain.clock import MICROS_PER_HOUR
from triage.domain.records import (
    ExceptionEvent,
    ExceptionPhase,
    InboundSupply,
    InventoryPosition,
    OrderLine,
    Record,
    Staffing,
    SupplyPhase,
)
from triage.errors import DeclarationError
from triage.features.engine import FeatureEngine
from triage.features.kernel import LOOKED_AT

FEATURES = feature_set()


def values(records: Sequence[Record], hours: float, order_id: str = "A") -> dict[str, float]:
    """Return every feature of an order as of some hours after START."""
    engine = FeatureEngine.of(history_of(records), FEATURES)
    at = np.array([START + round(hours * MICROS_PER_HOUR)])
    row = engine.matrix(np.array([engine.book.row_of[order_id]]), at)[0]
    return dict(zip(engine.names, row.tolist(), strict=True))


def count(sku: str, on_hand: float, hours: float = 0) -> InventoryPosition:
    return InventoryPosition(
        sku=sku, site="W1", event_time=moment(hours), record_time=moment(hours), on_hand=on_hand
    )


def exception(phase: str, hours: float, known: float, whose: str | None = "A") -> ExceptionEvent:
    return ExceptionEvent(
        exception_id="E", phase=ExceptionPhase(phase), event_time=moment(hours),
        record_time=moment(known), order_id=whose,
    )  # fmt: skip


def supply(phase: str, hours: float, due: float | None = None) -> InboundSupply:
    return InboundSupply(
        supply_id="P", phase=SupplyPhase(phase), event_time=moment(hours),
        record_time=moment(hours), sku="S1", site="W1", quantity=7.5,
        expected_by=None if due is None else moment(due),
    )  # fmt: skip


def test_the_scarcest_line_is_the_one_that_its_stock_covers_least_as_of_the_moment() -> None:
    lines = (
        OrderLine(line_no=1, sku="S1", quantity=2, unit_price=90.0, site="W1"),
        OrderLine(line_no=2, sku="S2", quantity=5, unit_price=1.0, site="W1"),
    )
    records: list[Record] = [
        order("A", 10, lines=lines),
        count("S1", 3),
        count("S2", 50),
        count("S2", 6, 20),
    ]
    before, after = values(records, 15), values(records, 21)
    assert (before["scarce"], before["scarce_units"]) == (3, 2)
    assert (after["scarce"], after["scarce_units"]) == (6, 5)
    assert before["free"] == after["free"] == 3  # the main line's


def test_a_step_has_no_time_before_its_milestone_is_known() -> None:
    records: list[Record] = [
        order("A", 0),
        milestone("A", "order_validated", 2, known_hours=6),
        milestone("A", "allocation_confirmed", 26, known_hours=30),
    ]
    assert math.isnan(values(records, 5)["since_ready"])
    waiting = values(records, 10)
    assert waiting["since_ready"] == pytest.approx(math.log1p(8 / 24))
    assert math.isnan(waiting["readied"])
    assert values(records, 30)["readied"] == pytest.approx(math.log1p(1))


def test_an_order_for_a_later_day_waits_for_stock_from_that_day_on() -> None:
    records: list[Record] = [
        order("A", 0, not_before=moment(48)),
        milestone("A", "order_validated", 1),
        order("B", 1),
    ]
    assert math.isnan(values(records, 40, "B")["unready"])
    assert values(records, 49, "B")["unready"] == 1


def test_the_ship_by_time_of_the_order_holds_and_that_of_the_validation_where_it_has_none() -> None:
    validated = milestone("A", "order_validated", 2).model_copy(update={"due_by": moment(50)})
    planned: list[Record] = [order("A", 0, ship_by=moment(30)), validated]
    unplanned: list[Record] = [order("A", 0), validated]
    assert [values(planned, hours)["to_ship"] for hours in (1, 10)] == [29, 20]
    assert math.isnan(values(unplanned, 1)["to_ship"])
    assert values(unplanned, 10)["to_ship"] == 40


def test_working_days_leave_out_weekends_and_holidays() -> None:
    """START is a Sunday evening in Chicago; Monday the 19th of January is a holiday."""
    records: list[Record] = [
        order("A", 0, promise_hours=24 * 15 + 12, ship_by=moment(24 * 4 + 12)),
        milestone("A", "shipment_dispatched", 24 * 4 + 12),
        milestone("A", "delivered", 24 * 8 + 12),
    ]
    known = values(records, 24 * 9)
    assert known["planned"] == 6  # from Friday the 9th to Tuesday the 20th
    assert known["road_9d"] == 2  # from Friday to Tuesday


def test_working_time_stands_still_where_nobody_works() -> None:
    records: list[Record] = [order("A", 0, not_before=moment(54), promise_hours=240)]
    gone = [values(records, hours)["time_gone"] for hours in (6, 18, 114, 138, 186)]
    assert gone == [0, 0.5, 4.5, 5, 5.5]  # Monday 0:00, noon; Friday noon, Saturday, Monday
    early, late = values(records, 18), values(records, 66)
    assert (early["time_ahead"], late["time_ahead"]) == (1.5, 0)  # until Wednesday 0:00
    assert early["time_left"] == 5.75  # from Wednesday to Wednesday evening of the week after
    assert late["time_left"] == 5.25


def test_a_queue_is_as_far_behind_as_the_newest_that_has_left_it() -> None:
    records: list[Record] = [
        order("A", 6),
        order("B", 18),
        order("C", 20),
        milestone("B", "shipment_dispatched", 30),
        milestone("A", "shipment_dispatched", 42),
    ]
    behind = [values(records, hours, "C")["newest_4d"] for hours in (30, 42, 54, 150)]
    assert np.isnan(behind[0])  # of what is known before the moment, nothing has left
    assert behind[1:3] == [1.0, 1.5]  # B came at noon on Monday, also after A has left
    assert np.isnan(behind[3])  # in four days nothing has left


def test_more_than_are_looked_at_leave_the_same_state_in_any_sequence() -> None:
    many = LOOKED_AT + 40
    orders: list[Record] = [order(f"O{n}", 6 + n / 100) for n in range(many)]
    left: list[Record] = [milestone(f"O{n}", "shipment_dispatched", 30) for n in range(many)]
    bulk = values([*orders, *left], 42, "O0")["newest_4d"]
    engine = FeatureEngine(FEATURES, time_zone="America/Chicago", country="US")
    engine.stream([*orders, *reversed(left)])
    at = np.array([START + 42 * MICROS_PER_HOUR])
    live = engine.matrix(np.array([engine.book.row_of["O0"]]), at)[0]
    assert bulk == live[engine.names.index("newest_4d")] == 1.5 - 330 / 1440


def test_what_waits_has_the_mean_age_of_those_that_are_still_there() -> None:
    records: list[Record] = [
        order("A", 6),
        order("B", 18),
        milestone("A", "shipment_dispatched", 30),
        milestone("B", "shipment_dispatched", 60),
    ]
    ages = [values(records, hours, "B")["mean_age"] for hours in (24, 42, 66)]
    assert ages == [0.5, 1.0, 0.0]


def test_the_newest_hours_of_a_site_are_those_whose_tally_has_come() -> None:
    def hours(at: float, known: float, count: float) -> Staffing:
        return Staffing(site="W1", event_time=moment(at), record_time=moment(known), hours=count)

    records: list[Record] = [order("A", 0), hours(12, 13, 40), hours(36, 37, 20)]
    assert [values(records, at)["hours"] for at in (13.5, 36.5, 38)] == [40, 40, 20]
    assert values(records, 38)["hours_usual_6d"] == 30


def test_declarations_of_before_keep_their_digest() -> None:
    frozen = declarations().model_dump(mode="json")
    values = [value for stream in frozen["streams"].values() for value in stream["values"].values()]
    assert [set(each) - {"worktime", "clock"} == set(each) for each in values].count(False) == 4


def test_lines_that_wait_count_one_by_one_until_their_order_is_handed_over() -> None:
    two = (
        OrderLine(line_no=1, sku="S1", quantity=1, site="W1"),
        OrderLine(line_no=2, sku="S2", quantity=1, site="W1"),
    )
    records: list[Record] = [
        order("A", 0, lines=two),
        order("B", 1),
        milestone("B", "shipment_dispatched", 5),
    ]
    assert [values(records, hours)["open_lines"] for hours in (0.5, 3, 6)] == [2, 3, 2]


def test_an_exception_is_open_until_its_end_is_known_and_not_only_over() -> None:
    records: list[Record] = [order("A", 0), exception("raised", 2, 3), exception("resolved", 5, 24)]
    found = [values(records, hours)["my_open"] for hours in (2.5, 4, 20, 25)]
    assert found == [0, 1, 1, 0]
    assert [values(records, hours)["my_troubles_30d"] for hours in (3, 4)] == [0, 1]
    assert values(records, 10)["my_last"] == 7


def test_an_exception_of_another_order_or_of_nobody_is_not_this_ones() -> None:
    others: list[Record] = [order("A", 0), order("B", 0), exception("raised", 2, 2, "B")]
    nobodys: list[Record] = [order("A", 0), exception("raised", 2, 2, None)]
    assert values(others, 5)["my_troubles_30d"] == 0
    assert values(others, 5)["troubles_site_3d"] == 1
    assert values(nobodys, 5)["my_troubles_30d"] == 0
    assert values(nobodys, 5)["troubles_all_3d"] == 1


def test_supply_counts_while_it_is_on_its_way_and_is_due_from_two_days_before() -> None:
    records: list[Record] = [order("A", 0), supply("ordered", 1, due=100), supply("received", 120)]
    assert values(records, 2)["inbound"] == 7.5
    assert [values(records, hours)["due"] for hours in (53, 110, 121)] == [7.5, 7.5, 0]
    assert math.isnan(values(records, 51)["due"])
    assert values(records, 121)["received_late_6d"] == 1


def test_what_is_due_is_so_many_working_days_away_and_then_overdue() -> None:
    """Hour 54 is Wednesday 0:00; the deliveries are expected on Thursday and on Monday, 0:00."""
    other = supply("ordered", 1, due=174).model_copy(update={"supply_id": "Q"})
    one: list[Record] = [order("A", 0), supply("ordered", 1, due=78)]
    assert [values(one, hours)["due_in"] for hours in (54, 66, 90)] == [1, 0.5, -0.5]
    assert values([*one, other], 130)["due_in"] == -1  # Saturday: one 2 days overdue, one at 0


def test_a_priority_ranks_by_the_number_that_its_code_begins_with() -> None:
    for code, rank in (("01", 1), ("2 standard", 2), ("10", 10), ("3rd", 3)):
        assert values([order("A", 0, priority=code)], 1)["rank"] == rank
    for other in ("rush", "A1", None):
        assert math.isnan(values([order("A", 0, priority=other)], 1)["rank"])


def test_a_clock_is_the_local_minute_and_a_table_that_of_the_orders_themselves() -> None:
    records: list[Record] = [
        order("A", 0, transit_days=2.5),
        order("B", 0, transit_days=4),
        order("C", 0),
        *(milestone(name, "delivered", hours) for name, hours in (("A", 5), ("B", 32), ("C", 33))),
    ]
    assert math.isnan(values(records, 1, "C")["table"])
    found = values(records, 40)
    assert found["table"] == 2.5
    assert found["table_usual_9d"] == pytest.approx((2.5 + 4) / 2)
    local = [(moment(hours).astimezone(ZoneInfo("America/Chicago"))) for hours in (5, 32, 33)]
    minutes = [each.hour * 60 + each.minute for each in local]
    assert found["delivered_at_9d"] == pytest.approx(np.mean(minutes))


def test_live_records_go_on_from_a_whole_history_as_if_all_had_come_live() -> None:
    records: list[Record] = [
        order("A", 0),
        count("S1", 3),
        exception("raised", 2, 3),
        supply("ordered", 1),
    ]
    engine = FeatureEngine.of(history_of(records), FEATURES)
    later: list[Record] = [exception("resolved", 5, 6), supply("received", 7), count("S1", 3)]
    engine.stream([*records, *later])
    asked = np.array([0]), np.array([START + 9 * MICROS_PER_HOUR])
    whole = FeatureEngine.of(history_of([*records, *later]), FEATURES)
    np.testing.assert_array_equal(engine.matrix(*asked), whole.matrix(*asked))


def test_what_orders_wait_for_is_taken_from_the_count_until_they_get_it_or_are_cancelled() -> None:
    lines = (OrderLine(line_no=1, sku="S1", quantity=3, site="W1"),)
    past: list[Record] = [
        count("S1", 10),
        order("A", 0, 100, lines=lines),
        *(order(name, 1, 100, lines=lines) for name in "BCD"),
        *(milestone(name, "order_validated", 2) for name in "BCD"),
        milestone("C", "allocation_confirmed", 5),
        milestone("D", "order_cancelled", 7),
    ]
    assert [values(past, hours)["unserved"] for hours in (2, 3, 6, 8)] == [0, 9, 6, 3]
    assert [values(past, hours)["unserved_item"] for hours in (2, 3, 6, 8)] == [
        pytest.approx(math.nan, nan_ok=True), 3, 2, 1,
    ]  # fmt: skip


def test_what_came_and_what_was_promised_since_the_last_count_starts_anew_with_each_count() -> None:
    lines = (OrderLine(line_no=1, sku="S1", quantity=3, site="W1"),)
    past: list[Record] = [
        order("A", 0, 100, lines=lines),
        milestone("A", "order_validated", 1),
        supply("ordered", 1), supply("received", 5),
        count("S1", 10, 3),
        milestone("A", "allocation_confirmed", 6),
        count("S1", 14, 20),
    ]  # fmt: skip
    told = [values(past, hours) for hours in (2, 4, 7, 21)]
    assert [each["received_since"] for each in told] == [0, 0, 7.5, 0]
    assert [each["receipts_since"] for each in told] == [0, 0, 1, 0]
    assert [each["served_since"] for each in told] == [0, 0, 3, 0]
    assert [each["there"] for each in told[1:]] == [10, 17.5, 14]


def test_without_any_count_nothing_has_come_since_the_last() -> None:
    lines = (OrderLine(line_no=1, sku="S1", quantity=3, site="W1"),)
    past: list[Record] = [
        order("A", 0, 100, lines=lines),
        supply("ordered", 1),
        supply("received", 5),
    ]
    told = values(past, 6)
    assert told["received_since"] == 0
    assert math.isnan(told["there"])


def test_what_was_recorded_together_with_a_count_is_in_it() -> None:
    lines = (OrderLine(line_no=1, sku="S1", quantity=3, site="W1"),)
    came = (supply("ordered", 1), supply("received", 5), count("S1", 10, 5))
    told = values([order("A", 0, 100, lines=lines), *came], 6)
    assert told["received_since"] == 0
    assert told["there"] == 10


@pytest.mark.parametrize("step", ["pick_released", "shipment_dispatched", "delivered"])
def test_what_was_shipped_waits_for_no_stock_though_nobody_recorded_its_allocation(
    step: str,
) -> None:
    lines = (OrderLine(line_no=1, sku="S1", quantity=3, site="W1"),)
    past: list[Record] = [
        order("A", 0, 100, lines=lines), order("B", 1, 100, lines=lines),
        milestone("B", "order_validated", 2), milestone("B", step, 6),
    ]  # fmt: skip
    assert [values(past, hours)["unserved"] for hours in (5, 7)] == [3, 0]


def test_columns_since_a_count_need_the_count_and_nothing_else_of_the_index() -> None:
    lines = (OrderLine(line_no=1, sku="S1", quantity=3, site="W1"),)
    came = (count("S1", 10, 1), supply("ordered", 1), supply("received", 5))
    history = history_of([order("A", 0, 100, lines=lines), *came])
    engine = FeatureEngine.of(history, FEATURES, columns=["received_since"])
    at = np.array([START + 6 * MICROS_PER_HOUR])
    assert engine.matrix(np.array([0]), at, ["received_since"]).tolist() == [[7.5]]


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"since": "lines"}, "since names a position stream"),
        ({"since": "counts"}, "counts is no stream"),
        ({"keys": ["item"]}, "under keys of site and sku"),
        ({"days": [3]}, "need days or since"),
        ({"since": None}, "need days or since"),
        ({"aggregate": "since_last"}, "have neither"),
        ({"aggregate": "since_last", "days": [3]}, "have neither"),
        ({"stream": None, "keys": (), "aggregate": None, "derive": "total", "of": ["a", "b"]},
         "since goes with a stream"),
    ],
)  # fmt: skip
def test_a_feature_that_counts_since_what_it_cannot_is_refused_with_what_is_wrong(
    changed: dict[str, object], fault: str
) -> None:
    feature = {
        "name": "came", "stream": "receipts", "keys": ["stock"], "aggregate": "sum",
        "value": "units", "since": "stock",
    }  # fmt: skip
    assert feature_set([feature]).names == ("came",)
    with pytest.raises((DeclarationError, ValueError), match=fault):
        feature_set([feature | changed])
