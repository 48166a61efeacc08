"""Laws of the price model: what was agreed explains a price, known errors leave known traces."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from triage.domain.records import Order, OrderLine
from triage.errors import BundleError
from triage.models.bundle import write_bundle
from triage.models.price_kinds import KINDS
from triage.models.priced_line import EVERYWHERE, PricedLine
from triage.models.prices import (
    EDGES,
    FILE,
    LEAST_PRICE,
    NAME,
    WIDTHS,
    PriceModel,
    PriceNumbers,
    bin_of,
    dumped,
)


def numbers(**changed: object) -> PriceNumbers:
    """Return numbers of a company where deviations are rare and lie within 40 % below."""
    granted = [1e-6] * len(WIDTHS)
    for off in (-0.35, -0.25, -0.15, -0.05):
        granted[bin_of(math.exp(off), 1.0)] = 0.2
    total = sum(granted)
    values: dict[str, object] = {
        "usual": {EVERYWHERE: -0.1, "tier|Key": -0.2},
        "by_quantity": {},
        "level": {"BARE": math.log(30.0)},
        "spread": {EVERYWHERE: 0.0},
        "agreed_spread": {EVERYWHERE: 0.0},
        "background": {EVERYWHERE: tuple(x / total for x in granted)},
        "errors": {EVERYWHERE: (0.1, 0.1, 0.1, 0.1, 0.01)},
        "width_factor": 3.0,
        "least_width": 0.002,
        "rates": {"CAD": 1.37, "MXN": 18.2},
        "rate_width": 0.06,
        "threshold": 0.6,
        "trained_as_of": 0,
        "lines": 1,
        "recipe": "test",
    }
    return PriceNumbers.model_validate(values | changed)


MODEL = PriceModel(numbers())
CONTRACT = PricedLine(
    price=20.0, quantity=5.0, sku="A", category="Tools", customer="C", tier="Key", channel="EDI",
    list_price=30.0, contract_price=20.0, former_contract_price=19.0, volume_price=28.0,
    case_quantity=12.0,
)  # fmt: skip
prices = st.floats(min_value=2.0, max_value=5000.0).map(lambda x: round(x, 2))
cases = st.sampled_from([6, 12, 24, 25, 48, 50])


@given(price=prices, case=cases, inverse=st.booleans())
def test_scaling_a_price_by_a_case_size_is_named_a_unit_error(
    price: float, case: int, inverse: bool
) -> None:
    wrong = round(price / case if inverse else price * case, 2)
    assume(wrong >= 0.5)
    line = replace(CONTRACT, price=wrong, contract_price=price, former_contract_price=None,
                   case_quantity=float(case))  # fmt: skip
    verdict = MODEL.judge(line)
    assert verdict is not None
    assert verdict.anomalous
    assert verdict.kind == "unit"


@given(price=prices, factor=st.sampled_from([10.0, 100.0, 0.1, 0.01]))
def test_a_decimal_point_in_the_wrong_place_is_named(price: float, factor: float) -> None:
    wrong = round(price * factor, 2)
    assume(wrong >= 0.5)
    line = replace(CONTRACT, price=wrong, contract_price=price, former_contract_price=None)
    verdict = MODEL.judge(line)
    assert verdict is not None
    assert (verdict.anomalous, verdict.kind, verdict.factor) == (True, "decimal", factor)


@given(price=prices, moved=st.floats(min_value=-0.2, max_value=0.2))
def test_the_price_of_the_contract_before_is_named_stale(price: float, moved: float) -> None:
    former = round(price * (1 + moved), 2)
    line = replace(CONTRACT, price=former, contract_price=price, former_contract_price=former)
    expected = MODEL.expect(line)
    assert expected is not None
    assume(not expected.low <= former <= expected.high)
    verdict = MODEL.judge(line)
    assert verdict is not None
    assert (verdict.anomalous, verdict.kind) == (True, "stale_contract")


@given(
    price=prices,
    contract=st.none() | prices,
    promotion=st.none() | prices,
    volume=st.none() | prices,
    former=st.none() | prices,
    spread=st.floats(min_value=0, max_value=0.5),
    share=st.floats(min_value=0, max_value=1),
)
def test_a_price_inside_the_range_is_never_flagged(
    price: float, contract: float | None, promotion: float | None, volume: float | None,
    former: float | None, spread: float, share: float,
) -> None:  # fmt: skip
    model = PriceModel(
        numbers(spread={EVERYWHERE: spread}, agreed_spread={EVERYWHERE: spread / 10}, threshold=0.0)
    )
    line = replace(CONTRACT, price=price, contract_price=contract, promotion_price=promotion,
                   volume_price=volume, former_contract_price=former)  # fmt: skip
    expected = model.expect(line)
    assert expected is not None
    assert expected.low <= expected.price <= expected.high
    inside = expected.low + share * (expected.high - expected.low)
    verdict = model.judge(replace(line, price=inside))
    assert verdict is not None
    assert not verdict.anomalous
    assert verdict.p_error == 0.0
    assert verdict.kind is None


@given(
    price=st.floats(min_value=0, max_value=1e9),
    contract=st.none() | st.floats(min_value=0, max_value=1e9),
    former=st.none() | st.floats(min_value=0, max_value=1e9),
    promotion=st.none() | st.floats(min_value=0, max_value=1e9),
    volume=st.none() | st.floats(min_value=0, max_value=1e9),
    case=st.none() | st.floats(min_value=1e-3, max_value=1e9),
    quantity=st.floats(min_value=1e-3, max_value=1e9),
)
def test_whatever_a_record_may_say_is_judged_with_finite_figures(
    price: float, contract: float | None, former: float | None, promotion: float | None,
    volume: float | None, case: float | None, quantity: float,
) -> None:  # fmt: skip
    line = replace(CONTRACT, price=price, contract_price=contract, former_contract_price=former,
                   promotion_price=promotion, volume_price=volume, case_quantity=case,
                   quantity=quantity)  # fmt: skip
    verdict = MODEL.judge(line)
    if verdict is None:
        expected = MODEL.expect(line)
        assert expected is not None
        assert expected.price < LEAST_PRICE
        return
    assert math.isfinite(verdict.deviation)
    assert 0 <= verdict.p_error <= 1
    assert verdict.anomalous == (verdict.kind is not None)


def test_a_promotion_that_is_lower_is_expected_and_paying_the_contract_is_no_error() -> None:
    line = replace(CONTRACT, promotion_price=15.0)
    expected = MODEL.expect(line)
    assert expected is not None
    assert (expected.price, expected.basis) == (15.0, "promotion")
    for price in (15.0, 20.0):
        verdict = MODEL.judge(replace(line, price=price))
        assert verdict is not None
        assert not verdict.anomalous


def test_a_concession_as_people_grant_them_is_not_flagged() -> None:
    verdict = MODEL.judge(replace(CONTRACT, price=15.4))
    assert verdict is not None
    assert not verdict.anomalous
    assert not verdict.expected.low <= 15.4 <= verdict.expected.high


def test_without_a_contract_the_list_and_the_usual_discount_are_expected() -> None:
    free = replace(CONTRACT, contract_price=None, former_contract_price=None)
    expected = MODEL.expect(free)
    assert expected is not None
    assert expected.basis == "list"
    assert expected.price == pytest.approx(28.0 * math.exp(-0.2))
    stranger = MODEL.expect(replace(free, tier=None, volume_price=None))
    assert stranger is not None
    assert stranger.price == pytest.approx(30.0 * math.exp(-0.1))


def test_without_any_list_an_items_own_history_is_expected_or_nothing_is_said() -> None:
    bare = PricedLine(price=31.0, quantity=1.0, sku="BARE")
    expected = MODEL.expect(bare)
    assert expected is not None
    assert expected.basis == "history"
    assert expected.price == pytest.approx(30.0)
    assert MODEL.judge(replace(bare, sku="NEVER SEEN")) is None


def test_a_rate_is_named_with_its_currency() -> None:
    verdict = MODEL.judge(replace(CONTRACT, price=20.0 * 18.4))
    assert verdict is not None
    assert (verdict.kind, verdict.detail) == ("currency", "MXN")


def test_what_was_never_seen_is_flagged_as_unlike_anything_known() -> None:
    verdict = MODEL.judge(replace(CONTRACT, price=20.0 * 47.0))
    assert verdict is not None
    assert (verdict.kind, KINDS[-1]) == ("unknown", "unknown")
    assert math.isnan(verdict.factor)


def test_bins_are_as_wide_as_their_edges_say() -> None:
    assert len(WIDTHS) == len(EDGES) + 1
    assert bin_of(0.0, 1.0) == 1
    assert bin_of(1.0, 1.0) == EDGES.index(0.0) + 1
    assert sum(WIDTHS[1:-1]) == pytest.approx(EDGES[-1] - EDGES[0])


def test_the_same_numbers_give_the_same_bundle_and_come_back_as_they_were(tmp_path: Path) -> None:
    digest = write_bundle(tmp_path / "one", NAME, {FILE: dumped(numbers())})
    assert write_bundle(tmp_path / "two", NAME, {FILE: dumped(numbers())}) == digest
    loaded = PriceModel.load(tmp_path / "one", digest)
    assert loaded == PriceModel(numbers(), digest)


def test_a_bundle_of_another_form_is_refused_with_the_next_command(tmp_path: Path) -> None:
    write_bundle(tmp_path / "odd", NAME, {FILE: b'{"usual": {}}'})
    with pytest.raises(BundleError, match="triage train prices"):
        PriceModel.load(tmp_path / "odd")


def test_a_line_is_taken_from_its_order_and_none_without_a_price() -> None:
    line = OrderLine(line_no=1, sku="A", quantity=3, unit_price=9.5, contract_price=10.0)
    moment = datetime(2026, 1, 5, tzinfo=UTC)
    order = Order(
        order_id="O", event_time=moment, record_time=moment, promised_by=moment,
        customer_id="C", customer_tier="Key", channel="EDI", lines=(line,),
    )  # fmt: skip
    taken = PricedLine.of(order, line)
    assert taken is not None
    assert (taken.price, taken.customer, taken.tier, taken.channel) == (9.5, "C", "Key", "EDI")
    assert (taken.quantity, taken.contract_price, taken.list_price) == (3.0, 10.0, None)
    assert PricedLine.of(order, line.model_copy(update={"unit_price": None})) is None
