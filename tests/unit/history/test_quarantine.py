"""Rows that cannot be used: exactly where, which column, why, and what stood there."""

from __future__ import annotations

import pytest
from tests.unit.history.small import Row, Small, line, milestone, order, stock

from triage.errors import MappingError


def test_each_kind_of_fault_is_named_with_its_row_column_reason_and_value(small: Small) -> None:
    small.write(
        order=[
            order("A"),
            order("", customer_name="nobody"),
            order("B", event_time="2018-13-45"),
            order("C", promised_by=""),
            order("D", currency="eur"),
            order("E", payment_installments="1.5"),
            order("F", payment_installments="-1"),
            order("G", destination_latitude="91"),
            order("H", destination_latitude="north"),
            order("I", customer_name="x" * 81),
            order("J\u200b"),
            order("K", event_time="2024-06-01 00:00:01"),
            order("A"),
            order("L", event_time="bad", currency="?"),
        ],
        order_line=[
            line("A"),
            line("A", line_no=2, quantity=0),
            line("A", line_no=3, unit_price="1e400"),
            line("A", line_no=0),
            line("B"),
            line("Z"),
            line("A", sku="other"),
        ],
        milestone=[
            milestone("A"),
            milestone("A", milestone="teleported"),
            milestone("A", event_time="2024-03-06 00:00:00"),
            milestone("B"),
            milestone("A", milestone="order_validated", due_by="soon"),
        ],
        inventory_position=[stock(), stock(on_hand="nan"), stock(on_hand="-3"), stock(site="")],
    )
    report = small.load()
    assert small.quarantined() == [
        ("lines.csv", "3", "order_line", "quantity", "not more than 0", "0"),
        ("lines.csv", "4", "order_line", "unit_price", "not a finite number", "1e400"),
        ("lines.csv", "5", "order_line", "line_no", "less than 1", "0"),
        ("lines.csv", "6", "order_line", "order_id", "its order was rejected", "B"),
        ("lines.csv", "7", "order_line", "order_id", "no such order", "Z"),
        (
            "lines.csv",
            "8",
            "order_line",
            "order_id|line_no",
            "the same key as in row 2, which was kept",
            "A|1",
        ),
        (
            "milestones.csv",
            "3",
            "milestone",
            "milestone",
            "not one of order_created, order_validated, allocation_confirmed, pick_released,"
            " shipment_dispatched, delivered, order_cancelled, invoice_posted",
            "teleported",
        ),
        (
            "milestones.csv",
            "4",
            "milestone",
            "order_id|milestone",
            "the same key as in row 2, which was kept",
            "A|delivered",
        ),
        ("milestones.csv", "5", "milestone", "order_id", "its order was rejected", "B"),
        ("milestones.csv", "6", "milestone", "due_by", _NOT_A_TIME, "soon"),
        ("orders.csv", "3", "order", "order_id", "missing: a value is needed", ""),
        ("orders.csv", "4", "order", "event_time", _NOT_A_TIME, "2018-13-45"),
        ("orders.csv", "5", "order", "promised_by", "missing: a value is needed", ""),
        ("orders.csv", "6", "order", "currency", "does not have the form ^[A-Z]{3}$", "eur"),
        ("orders.csv", "7", "order", "payment_installments", "not a whole number", "1.5"),
        ("orders.csv", "8", "order", "payment_installments", "less than 0", "'-1"),
        ("orders.csv", "9", "order", "destination_latitude", "more than 90", "91"),
        ("orders.csv", "10", "order", "destination_latitude", "not a number", "north"),
        ("orders.csv", "11", "order", "customer_name", "longer than 80 characters", "x" * 81),
        ("orders.csv", "12", "order", "order_id", _INVISIBLE, "J\u200b"),
        ("orders.csv", "13", "order", "event_time", _TOO_LATE, "2024-06-01 00:00:01"),
        (
            "orders.csv",
            "14",
            "order",
            "order_id",
            "the same key as in row 2, which was kept",
            "A",
        ),
        ("orders.csv", "15", "order", "currency", "does not have the form ^[A-Z]{3}$", "?"),
        ("orders.csv", "15", "order", "event_time", _NOT_A_TIME, "bad"),
        ("stock.csv", "3", "inventory_position", "on_hand", "not a finite number", "nan"),
        ("stock.csv", "4", "inventory_position", "on_hand", "less than 0", "'-3"),
        ("stock.csv", "5", "inventory_position", "site", "missing: a value is needed", ""),
    ]
    assert {name: record.rejected for name, record in report.records.items()} == {
        "order": 13,
        "order_line": 6,
        "milestone": 4,
        "inventory_position": 3,
        "exception_event": 0,
        "inbound_supply": 0,
        "staffing": 0,
    }
    assert report.rejected == 26
    same_key = "the same key as, which was kept"
    assert report.records["order"].reasons["order_id", same_key] == 1
    assert len(small.log.read().orders) == 1


_NOT_A_TIME = "not a timestamp (YYYY-MM-DD HH:MM:SS, with or without an offset)"
_INVISIBLE = "contains control or invisible characters"
_TOO_LATE = "later than the moment the extract was taken"


@pytest.mark.parametrize("cell", ["=cmd()", "+1+1", "-2+3", "@SUM(A1)"])
def test_a_formula_in_a_rejected_cell_is_written_as_text(small: Small, cell: str) -> None:
    small.write(order=[order("A"), order("B", event_time=cell)])
    small.load()
    assert small.quarantined()[0][-1] == f"'{cell}"


def test_an_extract_whose_orders_are_all_rejected_is_not_loaded(small: Small) -> None:
    small.write(order=[order("A", event_time="never")], inventory_position=[stock()])
    with pytest.raises(MappingError, match=r"every order was rejected.*quarantine"):
        small.load()
    assert small.log.sources() == ()
    assert len(small.quarantined()) == 1


def test_lines_beyond_the_thousandth_are_rejected(small: Small) -> None:
    rows: list[Row] = [line("A", line_no=number) for number in range(1, 1003)]
    small.write(order=[order("A")], order_line=rows)
    assert small.load().records["order_line"].new == 1000
    assert [row[-1] for row in small.quarantined()] == ["1001", "1002"]


def test_the_same_extract_gives_the_same_quarantine_file(small: Small) -> None:
    small.write(order=[order("A"), order("B", event_time="never")])
    first, second = small.load().quarantine, small.load().quarantine
    assert first is not None
    assert first == second
    assert first.name.startswith("small-")


def test_the_row_is_the_line_of_the_file_also_after_blank_lines_and_texts_over_two_lines(
    small: Small,
) -> None:
    header, *_ = (small.extract / "orders.csv").read_text().splitlines()
    (small.extract / "orders.csv").write_text(
        f"{header}\n"
        'A,2024-03-01 10:00:00,,2024-03-05,"two\nlines",EUR,,\n'
        "\n"
        "B,2024-03-01 10:00:00,,2024-03-05,,EUR,,\n"
        "C,never,,2024-03-05,,EUR,,\n"
    )
    small.load()
    assert [(row[1], row[3]) for row in small.quarantined()] == [
        ("2", "customer_name"),
        ("6", "event_time"),
    ]
