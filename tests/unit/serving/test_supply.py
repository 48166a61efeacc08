"""When a shortage ends, by what was on its way as known at a moment."""

from __future__ import annotations

from dataclasses import replace

import hypothesis.strategies as st
import pandas as pd
from hypothesis import given, settings
from tests.histories import START, history_of

from triage.domain.clock import NEVER, UNKNOWN_TIME, from_micros
from triage.domain.records import InboundSupply, SupplyPhase
from triage.serving.supply import Leads, SupplyBook


def book(rows: list[tuple[str, str, int, float, int]]) -> SupplyBook:
    """Return a book of (id, phase, known, pieces, expected) for product A at site W."""
    table = pd.DataFrame(
        rows, columns=["supply_id", "phase", "record_time", "quantity", "expected_by"]
    )
    table = table.assign(site="W", sku="A", event_time=table["record_time"])
    return SupplyBook.of(replace(history_of([]), supplies=table))


ROWS = [
    ("1", "ordered", 10, 5.0, 90),
    ("2", "ordered", 20, 8.0, 60),
    ("3", "ordered", 20, 50.0, UNKNOWN_TIME),
    ("2", "received", 70, 8.0, 60),
]


NOBODY_KNOWS = Leads()


def test_a_shortage_ends_with_the_delivery_that_covers_it() -> None:
    supply = book(ROWS)
    assert supply.comes("W", "A", 8.0, 30, NOBODY_KNOWS) == 60
    assert supply.comes("W", "A", 9.0, 30, NOBODY_KNOWS) == 90
    assert supply.comes("W", "A", 14.0, 30, NOBODY_KNOWS) == NEVER


def test_what_is_not_known_yet_or_has_come_is_not_on_its_way() -> None:
    supply = book(ROWS)
    assert supply.comes("W", "A", 8.0, 20, NOBODY_KNOWS) == NEVER
    assert supply.comes("W", "A", 5.0, 20, NOBODY_KNOWS) == 90
    assert supply.comes("W", "A", 5.0, 71, NOBODY_KNOWS) == 90
    assert supply.comes("W", "A", 8.0, 71, NOBODY_KNOWS) == NEVER
    assert (
        supply.comes("W", "B", 1.0, 30, NOBODY_KNOWS)
        == supply.comes("V", "A", 1.0, 30, NOBODY_KNOWS)
        == NEVER
    )


def test_what_is_not_on_its_way_comes_no_sooner_than_a_soon_delivery_ordered_now() -> None:
    supply = book(
        [(str(at), "ordered", 0, 1.0, 99) for at in range(5)]
        + [(str(at), "received", took, 1.0, 99) for at, took in enumerate((9, 5, 7, 3, 40))]
    )
    leads = supply.leads(30)
    assert leads == Leads({"A": 3}, 3)
    assert supply.leads(41) == Leads({"A": 5}, 5)
    assert supply.comes("W", "A", 8.0, 50, leads) == 53
    assert supply.comes("W", "A", 1.0, 35, leads) == 99, "what is on its way counts first"
    assert supply.leads(3) == NOBODY_KNOWS


def test_a_product_with_little_history_takes_what_all_products_take() -> None:
    leads = book([("1", "ordered", 0, 1.0, 99), ("1", "received", 9, 1.0, 99)]).leads(10)
    assert leads == Leads({}, 9)
    assert leads.of("A") == leads.of("B") == 9


def test_a_log_without_supply_says_so() -> None:
    assert not SupplyBook.of(history_of([])).kept
    assert book(ROWS).kept


@settings(deadline=None)
@given(
    orders=st.lists(
        st.tuples(st.integers(0, 50), st.integers(1, 9), st.integers(0, 99)),
        min_size=1,
        max_size=6,
    ),
    missing=st.integers(1, 20),
    as_of=st.integers(0, 60),
)
def test_more_missing_never_comes_sooner(
    orders: list[tuple[int, int, int]], missing: int, as_of: int
) -> None:
    rows = [
        (str(at), "ordered", known, float(pieces), expected)
        for at, (known, pieces, expected) in enumerate(orders)
    ]
    supply = book(rows)
    first = supply.comes("W", "A", float(missing), as_of, NOBODY_KNOWS)
    assert first <= supply.comes("W", "A", missing + 1.0, as_of, NOBODY_KNOWS)
    there = sum(pieces for known, pieces, _ in orders if known < as_of)
    assert (first == NEVER) == (there < missing)


def test_a_receipt_without_an_order_is_no_supply() -> None:
    assert not book([("9", "received", 10, 5.0, 90)]).kept


@settings(deadline=None)
@given(data=st.data())
def test_records_taken_in_one_by_one_say_the_same_as_a_log_that_holds_them(
    data: st.DataObject,
) -> None:
    found = [
        InboundSupply(
            supply_id=str(at), phase=SupplyPhase(phase), event_time=from_micros(START + known),
            record_time=from_micros(START + known), sku="A", site="W", quantity=float(at + 1),
            expected_by=from_micros(START + expected),
        )
        for at, (phases, known, expected) in enumerate(
            data.draw(
                st.lists(
                    st.tuples(
                        st.sampled_from([("ordered",), ("ordered", "received")]),
                        st.integers(0, 9), st.integers(0, 99),
                    ),
                    min_size=1, max_size=5,
                )
            )
        )
        for phase in phases
    ]  # fmt: skip
    log, late = SupplyBook.of(history_of(found)), SupplyBook()
    for each in data.draw(st.permutations(found)):
        late.add(each)
    for missing in range(1, 8):
        for as_of in range(12):
            said = log.comes("W", "A", float(missing), START + as_of, NOBODY_KNOWS)
            assert late.comes("W", "A", float(missing), START + as_of, NOBODY_KNOWS) == said
