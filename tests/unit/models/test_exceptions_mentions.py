from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
from hypothesis import given
from tests import exception_cases as cases
from tests.histories import history_of, moment, order

from triage.domain.clock import to_micros
from triage.domain.records import Order, Record
from triage.models.exceptions_context import LogContext
from triage.models.exceptions_facts import NUMBERS
from triage.models.exceptions_mentions import Mentions

LINE = order("O", 0).lines[0]


def placed(name: str, hours: float, sku: str, quantity: float, customer: str) -> Order:
    line = LINE.model_copy(update={"sku": sku, "quantity": quantity, "unit_price": 12.5})
    return order(name, hours, lines=(line,), customer_id=customer, customer_name=f"{customer} Labs")


ORDERS: list[Record] = [
    placed("O1", 0, "HA-1", 2, "Blue"),
    placed("O2", 1, "HA-1", 4, "Red"),
    placed("O3", 2, "HB-2", 8, "Red"),
]
MENTIONS = Mentions(history_of(ORDERS))
LATER = to_micros(moment(10))


def test_goods_and_customer_together_point_to_the_one_order_that_has_both() -> None:
    assert MENTIONS.find("Hi, red labs waits for HA-1.", LATER) == (1, 1)


def test_an_amount_points_to_the_order_that_is_worth_it() -> None:
    assert MENTIONS.find("need approval (25.00)", LATER) == (0, 1)


def test_of_those_that_fit_alike_the_newest_is_taken_and_all_are_counted() -> None:
    assert MENTIONS.find("HA-1 is missing", LATER) == (1, 2)


def test_a_message_that_mentions_nothing_points_nowhere() -> None:
    assert MENTIONS.find("see my voicemail, thanks", LATER) == (-1, 0)
    assert MENTIONS.find("", LATER) == (-1, 0)


def test_an_order_that_is_older_than_two_months_is_not_meant() -> None:
    assert MENTIONS.find("HB-2 is missing", to_micros(moment(24 * 61))) == (-1, 0)


@given(st.sampled_from(["HA-1", "red labs", "25.00 HB-2", "blue"]), st.floats(0, 4))
def test_an_order_counts_only_once_it_was_known(text: str, hours: float) -> None:
    at = to_micros(moment(hours))
    known = [record for record in ORDERS if to_micros(record.record_time) < at]
    alone = Mentions(history_of(known)).find(text, at) if known else (-1, 0)
    assert MENTIONS.find(text, at) == alone


def test_a_guessed_order_gives_its_facts_and_is_named_as_a_guess() -> None:
    context = LogContext(history_of(ORDERS), "UTC")
    unnamed = context.of(cases.event("E1", 5.0, None, "mail", "red labs waits for HA-1"))
    named = context.of(cases.event("E1", 5.0, "O2", "mail", "red labs waits for HA-1"))
    same = [at for at, name in enumerate(NUMBERS) if name != "orders_that_fit"]
    assert (unnamed.guessed, named.guessed) == ("O2", None)
    assert np.array_equal(unnamed.numbers[same], named.numbers[same], equal_nan=True)
    assert unnamed.numbers[NUMBERS.index("orders_that_fit")] == 1.0
    assert unnamed.categories == named.categories


def test_an_order_that_the_record_names_is_never_replaced_by_a_guess() -> None:
    context = LogContext(history_of(ORDERS), "UTC")
    facts = context.of(cases.event("E1", 5.0, "unheard of", "mail", "red labs waits for HA-1"))
    assert facts.guessed is None
    assert facts.numbers[NUMBERS.index("order_known")] == 0.0
