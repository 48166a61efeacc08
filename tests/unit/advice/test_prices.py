"""Prices in words: each kind of error says what it looks like, with both prices."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.unit.models.test_prices import CONTRACT, MODEL

from triage.advice.prices import assess_price
from triage.models.priced_line import PricedLine


def reason(line: PricedLine) -> str:
    found = assess_price(MODEL, 1, line)
    assert found is not None
    return found.reason


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            replace(CONTRACT, price=240.0),
            "240.00 is 12 times the contract price of 20.00: it looks like the price of a case of"
            " 12, entered for one piece",
        ),
        (
            replace(CONTRACT, price=5.0),
            "5.00 is 1/4 of the contract price of 20.00: it looks as if the price of one piece was"
            " taken for a box of 4 and divided",
        ),
        (
            replace(CONTRACT, price=200.0),
            "200.00 is 10 times the contract price of 20.00: the decimal point seems to be in the"
            " wrong place",
        ),
        (
            replace(CONTRACT, price=19.0),
            "19.00 is the price of the contract before; the one in force says 20.00",
        ),
        (
            replace(CONTRACT, price=27.4, contract_price=None, former_contract_price=None,
                    promotion_price=20.0),
            "27.40 is 37 % above the promotion price of 20.00: it looks like an amount in CAD",
        ),
        (
            replace(CONTRACT, price=940.0),
            "940.00 is 47 times the contract price of 20.00: neither what was agreed nor anything"
            " seen before explains it",
        ),
        (
            replace(CONTRACT, price=15.4),
            "15.40 is 23 % below the contract price of 20.00; no known error looks like this",
        ),
        (CONTRACT, ""),
    ],
)  # fmt: skip
def test_a_price_says_what_is_odd_about_it(line: PricedLine, said: str) -> None:
    assert reason(line) == said


def test_an_assessed_line_carries_range_and_what_it_is_held_against() -> None:
    found = assess_price(MODEL, 7, replace(CONTRACT, price=240.0))
    assert found is not None
    assert (found.line_no, found.against, found.anomalous, found.kind) == (
        7,
        "contract",
        True,
        "unit",
    )
    assert found.low < found.expected < found.high < found.price
    assert found.deviation == pytest.approx(11.0)


def test_a_line_without_price_or_without_anything_to_compare_is_not_assessed() -> None:
    assert assess_price(MODEL, 1, None) is None
    assert assess_price(MODEL, 1, PricedLine(price=3.0, quantity=1.0, sku="NEVER SEEN")) is None
