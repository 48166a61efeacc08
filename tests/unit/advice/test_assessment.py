from __future__ import annotations

from dataclasses import replace

import pytest
from tests.histories import START

from triage.advice.assessment import Assessment, Exposure, Reason
from triage.advice.show import listed
from triage.domain.clock import MICROS_PER_DAY

REASON = Reason(
    "carrier", "The carrier is slow", "transit", 5.0, 4.0, "days", 12.34, "Transport",
    actionable=True,
)  # fmt: skip
ITEM = Assessment(
    order_id="SO-1", state="at_risk", stage="shipment_dispatched", stage_at=START,
    as_of=START + MICROS_PER_DAY, promised_by=START + 6 * 3_600_000_000, p_late=0.42,
    bounds=(0.35, 0.5), typical=0.1,
    band="high", delay_days=(-1.0, 0.0, 2.0), reasons=(REASON,), other_pp=19.66, revenue=2500.0,
    currency="USD", customer=None, site="W1", destination=None, missing=(), unknown=(), unsure=(),
)  # fmt: skip


def test_expected_loss_is_probability_times_what_is_at_stake_or_else_the_value() -> None:
    assert ITEM.expected_loss == pytest.approx(1050.0)
    exposed = replace(ITEM, exposure=Exposure(500.0, 40.0, 100.0, "Key", regulated=False))
    assert exposed.expected_loss == pytest.approx(42.0)


def test_an_answer_is_degraded_when_something_was_absent_or_never_seen() -> None:
    assert not ITEM.degraded
    assert replace(ITEM, missing=("carrier",)).degraded
    assert replace(ITEM, unknown=("site",)).degraded


@pytest.mark.parametrize(("effect", "direction"), [(0.1, "raises"), (-0.1, "lowers")])
def test_a_reason_raises_or_lowers(effect: float, direction: str) -> None:
    assert replace(REASON, effect_pp=effect).direction == direction


def test_an_order_of_the_list_reads_as_lines_with_the_local_day_of_the_promise() -> None:
    """The promise is the end of 4 January in Chicago: that day is shown, not the next one."""
    first, second = listed(3, ITEM, "America/Chicago").splitlines()
    assert first == (
        "  3. 42 % high  SO-1  USD 1,050 expected loss, order of 2,500, promised 04 Jan, "
        "handed to the carrier"
    )
    assert second == "       +12.3  The carrier is slow"
