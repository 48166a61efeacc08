"""Token buckets: what is given, when the next one is, how much is kept."""

from __future__ import annotations

import hypothesis.strategies as st
import pytest
from hypothesis import given

from triage.serving.access.rate import MOST_CALLERS, Buckets, place


class Seconds:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def test_a_full_bucket_gives_its_burst_and_then_one_at_a_time() -> None:
    clock = Seconds()
    buckets = Buckets(2, 3, clock)
    assert [buckets.take("a").left for _ in range(3)] == [2, 1, 0]
    assert buckets.take("a").wait == pytest.approx(0.5)
    clock.now += 0.5
    assert buckets.take("a").wait == 0
    assert buckets.take("a").wait > 0


def test_callers_do_not_share_a_bucket() -> None:
    buckets = Buckets(1, 1, Seconds())
    assert buckets.take("a").wait == 0
    assert buckets.take("b").wait == 0
    assert buckets.take("a").wait > 0


@given(
    gaps=st.lists(st.floats(0, 3), min_size=1, max_size=80), rate=st.integers(1, 20),
    burst=st.integers(1, 30),
)  # fmt: skip
def test_no_more_than_the_burst_and_what_came_back_is_given(
    gaps: list[float], rate: int, burst: int
) -> None:
    clock = Seconds()
    buckets = Buckets(rate, burst, clock)
    given_out = 0
    for gap in gaps:
        clock.now += gap
        given_out += buckets.take("a").wait == 0
    assert given_out <= burst + rate * sum(gaps) + 1e-6


@given(gaps=st.lists(st.floats(0, 3), min_size=1, max_size=40))
def test_who_waits_as_told_gets_a_token(gaps: list[float]) -> None:
    clock = Seconds()
    buckets = Buckets(1.5, 4, clock)
    for gap in gaps:
        clock.now += gap
        level = buckets.take("a")
        if level.wait:
            clock.now += level.wait + 1e-6
            assert buckets.take("a").wait == 0


def test_memory_is_bounded_and_the_busy_are_kept() -> None:
    buckets = Buckets(1e-6, 1, Seconds())
    buckets.take("busy")
    for number in range(2 * MOST_CALLERS):
        buckets.take(str(number))
        if number % 1_000 == 0:
            assert buckets.take("busy").wait > 0
    assert len(buckets._full_at) == MOST_CALLERS


def test_one_client_cannot_have_many_buckets_of_one_ipv6_network() -> None:
    assert place("2001:db8:1:2::1") == place("2001:db8:1:2:ffff::9") == "2001:db8:1:2::/64"
    assert place("2001:db8:1:3::1") != place("2001:db8:1:2::1")
    assert place("203.0.113.7") == "203.0.113.7"
    assert place("") == ""
