"""Rows are drawn anew when they say other things, and not before."""

from __future__ import annotations

from dataclasses import replace

from tests import fakes

from triage.serving.pages.drawn_rows import DrawnRows
from triage.serving.pages.rows import LateRow, RiskRow, risk_row

ITEM = fakes.worklist().items[0]
ROW = risk_row(ITEM, fakes.NOW, "America/Sao_Paulo")
COLUMNS = ("risk", "order")


class Drawing:
    def __init__(self) -> None:
        self.drawn = 0

    def __call__(self, row: RiskRow | LateRow, columns: tuple[str, ...], pick: object) -> str:
        self.drawn += 1
        return f"{row.order.order_id} {row.owner} {columns} {pick}"


def test_a_row_that_says_the_same_is_not_drawn_again() -> None:
    drawing = Drawing()
    rows = DrawnRows(drawing)
    again = risk_row(ITEM, fakes.NOW, "America/Sao_Paulo")
    assert rows.of(ROW, COLUMNS, pick=True) == rows.of(again, COLUMNS, pick=True)
    assert drawing.drawn == 1


def test_a_row_that_says_something_else_is_drawn_as_it_is_now() -> None:
    rows = DrawnRows(Drawing())
    rows.of(ROW, COLUMNS, pick=True)
    assert "Ana" in rows.of(replace(ROW, owner=("Ana", "")), COLUMNS, pick=True)
    other = replace(ROW, order=replace(ROW.order, p_late=0.123))
    drawing = Drawing()
    fresh = DrawnRows(drawing)
    fresh.of(ROW, COLUMNS, pick=True)
    fresh.of(other, COLUMNS, pick=True)
    assert drawing.drawn == 2


def test_columns_and_whether_it_can_be_selected_are_told_apart() -> None:
    rows = DrawnRows(Drawing())
    told = {
        rows.of(ROW, columns, pick=pick)
        for columns in (COLUMNS, ("order",))
        for pick in (True, False)
    }
    assert len(told) == 4
