from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from tests.histories import history_of, records

from triage.domain.records import Record
from triage.features import declarations
from triage.features.availability import available
from triage.features.book import OrderBook
from triage.features.bulk import coded, combined
from triage.features.compile import compile_features
from triage.features.facts import NUMBERS, Subject
from triage.history.tables import History

KEYSETS = ((), ("site",), ("site", "sku"), ("destination_region", "carrier"), ("order_id",))


OF_LINES = (2, 1)
"""Key sets by which lines are held: by site and product, and by site."""


def one_by_one(
    history: History, keysets: tuple[tuple[str, ...], ...], of_lines: tuple[int, ...]
) -> OrderBook:
    book = OrderBook(keysets, of_lines)
    for order in history.order_objects():
        book.add_order(order)
    return book


def assert_same(
    history: History, keysets: tuple[tuple[str, ...], ...], of_lines: tuple[int, ...]
) -> None:
    whole = OrderBook.of(history, keysets, of_lines)
    single = one_by_one(history, keysets, of_lines)
    n = len(single)
    for at, name in enumerate(NUMBERS):
        np.testing.assert_array_equal(whole.numbers[:n, at], single.numbers[:n, at], err_msg=name)
    for at in range(len(keysets)):
        numbers = zip(whole.keys[:n, at].tolist(), single.keys[:n, at].tolist(), strict=True)
        assert renamed(list(numbers)), keysets[at]
    first, second = (
        np.concatenate([book.row(row).lines for row in range(n)]) for book in (whole, single)
    )
    np.testing.assert_array_equal(first[:, 1], second[:, 1])
    by_line = whole.line_rows().keys, single.line_rows().keys
    assert set(by_line[0]) == set(by_line[1]) == set(of_lines)
    columns = [(first[:, 0], second[:, 0]), *((by_line[0][at], by_line[1][at]) for at in of_lines)]
    for one, other in columns:
        assert renamed(list(zip(one.tolist(), other.tolist(), strict=True)))


def renamed(pairs: list[tuple[int, int]]) -> bool:
    """Whether two numberings differ in the names of the numbers only; -1 is -1 in both."""
    there, back = dict(pairs), {b: a for a, b in pairs}
    return all(there[a] == b and back[b] == a and (a < 0) == (b < 0) for a, b in pairs)


@settings(max_examples=60, deadline=None)
@given(records())
def test_orders_described_at_once_are_those_described_one_by_one(drawn: list[Record]) -> None:
    assert_same(history_of(drawn), KEYSETS, OF_LINES)


def test_every_order_of_the_sample_is_described_to_the_last_bit(sample_history: History) -> None:
    features = compile_features(declarations.load(), available(sample_history))
    assert len(sample_history.orders) > 1000
    assert_same(sample_history, features.keysets, features.keysets_of(Subject.LINE))


def test_a_combination_with_a_missing_part_has_no_number() -> None:
    codes = {"a": (np.array([0, 1, -1, 0]), ["x", "y"]), "b": (np.array([0, -1, 0, 0]), ["z"])}
    numbers, parts = combined(("a", "b"), codes)
    assert numbers.tolist() == [0, -1, -1, 0]
    assert parts == [["x"], ["z"]]


@pytest.mark.parametrize("values", [[], [None, None]])
def test_a_field_without_any_value_has_no_code(values: list[None]) -> None:
    codes, known = coded(pd.Series(values, dtype="str"))
    assert (codes == -1).all()
    assert known == []
    assert combined(("a",), {"a": (codes, known)})[0].tolist() == [-1] * len(values)
