from __future__ import annotations

import hypothesis.strategies as st
import pytest
from hypothesis import given
from tests.fakes import NOW

from triage.advice.assessment import CauseShare
from triage.domain.clock import MICROS_PER_DAY, MICROS_PER_HOUR, to_micros
from triage.features.declarations import Cause
from triage.serving import texts, wording

ZONE = "America/Sao_Paulo"
H, D = MICROS_PER_HOUR, MICROS_PER_DAY


def test_sums_keep_currencies_apart() -> None:
    assert wording.total({"USD": 1500, "EUR": 2000}) == "€2,000 + US$1,500"
    assert wording.total({}) == "0"


def test_what_is_not_certain_is_never_said_to_be() -> None:
    assert [wording.percent(p) for p in (0, 0.001, 0.404, 0.996, 1)] == [
        "0%", "<1%", "40%", ">99%", "100%",
    ]  # fmt: skip


def test_a_promise_of_a_day_names_that_day_and_not_the_next() -> None:
    midnight = to_micros(wording.moment(NOW, ZONE).replace(hour=0)) + D
    assert wording.promise_day(midnight, NOW, ZONE) == "Wed 29 Aug"
    assert wording.promise_day(midnight + 16 * H, NOW, ZONE) == "Thu 30 Aug, 16:00"
    assert wording.promise_day(midnight + 200 * D, NOW, ZONE).endswith("2019")


@pytest.mark.parametrize(
    ("distance", "said"),
    [
        (40 * H // 60, "in 40\u00a0min"),
        (31 * H, "in 31\u00a0h"),
        (3 * D + H, "in 3\u00a0days"),
        (-5 * H, "5\u00a0h ago"),
        (-9 * D, "9\u00a0days ago"),
    ],
)
def test_moments_are_told_from_now(distance: int, said: str) -> None:
    assert wording.relative(NOW + distance, NOW) == said


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (-2, 5, "between 2 days before and 5 days after the promise"),
        (2, 10, "between 2 and 10 days after the promise"),
        (1, 3, "between 1 and 3 days after the promise"),
        (-9, -1, "between 9 and 1 day before the promise"),
        (-3, 0, "between 3 days before the promise and the promised day"),
        (0, 4, "between the promised day and 4 days after the promise"),
        (3, 3.2, "expect delivery 3 days after the promise"),
    ],
)
def test_the_range_of_delivery_is_a_sentence(low: float, high: float, said: str) -> None:
    assert said in texts.words.expectation(round(low), round(high))


def test_a_zone_without_abbreviation_is_named_by_its_offset() -> None:
    assert wording.stamp(NOW, ZONE) == "29 Aug 2018, 11:00 UTC\u221203"
    assert wording.stamp(NOW, "Europe/Berlin") == "29 Aug 2018, 16:00 CEST"


@pytest.mark.parametrize(
    ("shares", "said"),
    [
        ([0.6, 0.25, 0.15], "Inventory\u00a060%, Carrier\u00a025%, Demand\u00a015%"),
        ([0.92, 0.08], "Inventory\u00a092%"),
        ([0.3, 0.3, 0.2, 0.2], "Inventory\u00a030%, Carrier\u00a030%, Demand\u00a020%"),
    ],
)
def test_causes_are_named_with_their_shares_while_they_matter(
    shares: list[float], said: str
) -> None:
    names: tuple[Cause, ...] = ("inventory", "carrier", "demand", "other")
    told = [CauseShare(cause, share) for cause, share in zip(names, shares, strict=False)]
    assert wording.causes(told) == said


def test_expected_delivery_is_never_in_the_past() -> None:
    promised = NOW - 10 * D
    assert wording.delivery_days(promised, 2, 13, NOW, ZONE) == (
        "Wed 29 Aug", "Sat 1 Sept",
    )  # fmt: skip
    assert wording.delivery_days(promised, 2, 4, NOW, ZONE) == ("Wed 29 Aug", "Wed 29 Aug")


@given(st.integers(-60, 60), st.integers(-60, 60))
def test_any_range_of_delivery_can_be_said(one: int, other: int) -> None:
    said = texts.words.expectation(min(one, other), max(one, other))
    assert said.startswith("If nothing changes: expect delivery ")
    assert said.count("promise") <= 2


def test_a_last_moment_at_midnight_is_the_end_of_the_day_before() -> None:
    midnight = to_micros(wording.moment(NOW, ZONE).replace(hour=0, minute=0))
    assert wording.deadline(midnight, ZONE) == "the end of Tue 28 Aug"
    assert wording.deadline(midnight + 9 * H, ZONE) == "Wed 29 Aug, 09:00"


def test_of_what_a_model_has_seen_little_two_are_named_and_the_rest_counted() -> None:
    assert texts.words.little_like_it(["a", "b"]).endswith("in: a, b")
    assert texts.words.little_like_it(["a", "b", "c", "d"]).endswith("in: a, b and 2 more")


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [(0, 1, "by 1 day."), (1, 3, "by 1 to 3 days."), (4, 4, "by 4 days.")],
)
def test_if_late_by_how_much_is_told_in_whole_days(low: int, high: int, said: str) -> None:
    assert texts.order.looks_like("40", low, high).endswith(f"about 40 are late; if late, {said}")
