"""The distributor has what regional distributors have, in the proportions known of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from triage.simulation import demand, distributor, shocks
from triage.simulation.calendar import DAY, NEVER, Calendar
from triage.simulation.sample import Simulated
from triage.simulation.world import CHANNELS, EXPRESS, World


@pytest.fixture(scope="module")
def place() -> World:
    return distributor.build(3, 420)


def test_it_is_a_regional_distributor_of_the_promised_size(place: World) -> None:
    assert 3 <= (~place.sites.third_party).sum() <= 6
    assert place.sites.third_party.any()
    assert len(place.carriers.code) >= 8
    assert len(place.skus.code) >= 2_000
    assert len(place.customers.code) >= 500
    assert len(set(place.customers.name)) == len(place.customers.name)
    assert {"EDI", "eCommerce", "Portal", "Field sales", "Customer service", "Marketplace"} == set(
        CHANNELS
    )


def test_some_items_are_dangerous_goods_and_none_of_them_lies_at_the_3pl(place: World) -> None:
    kept = place.skus.stocked[:, np.flatnonzero(place.sites.third_party)]
    assert 0.01 < place.skus.regulated.mean() < 0.1
    assert not kept[place.skus.regulated].any()


def test_a_substitute_is_another_item_of_the_category_and_never_dangerous(place: World) -> None:
    have = np.flatnonzero(place.skus.substitute >= 0)
    other = place.skus.substitute[have]
    assert 0.4 < len(have) / len(place.skus.code) < 0.7
    assert (other != have).all()
    assert (place.skus.category[other] == place.skus.category[have]).all()
    assert not place.skus.regulated[other].any()


def test_customers_differ_in_tier_terms_credit_and_penalties(place: World) -> None:
    customers = place.customers
    assert len(set(customers.tier)) == len(set(customers.terms)) == 3
    assert customers.credit_limit.max() > 20 * customers.credit_limit.min()
    assert (
        customers.penalty[customers.tier == 0].mean()
        > customers.penalty[customers.tier == 1].mean()
        > 0
    )
    assert (customers.penalty[customers.tier == 2] == 0).all()


def test_every_customer_can_be_served_by_its_carriers(place: World) -> None:
    serves = place.serves()[place.customers.carriers.T, place.customers.town]
    assert serves.all()


def test_dangerous_goods_never_go_by_express_and_a_carrier_sells_what_it_is_booked_for(
    small: Simulated,
) -> None:
    orders, carriers = small.orders, small.world.carriers
    assert not orders.regulated[orders.service == EXPRESS].any()
    assert carriers.services[orders.carrier, orders.service].all()


def test_items_come_from_where_they_are_kept_and_no_item_stands_twice_in_an_order(
    small: Simulated,
) -> None:
    own, skus = small.orders.own, small.world.skus
    assert skus.stocked[own.sku, small.orders.site[own.order]].all()
    pairs = own.order * len(skus.code) + own.sku
    assert len(np.unique(pairs)) == len(pairs)
    assert (own.quantity >= 1).all()


def test_values_line_counts_and_lead_times_are_heavy_tailed(small: Simulated) -> None:
    value = np.sort(small.orders.value)
    assert value[-len(value) // 10 :].sum() > 0.4 * value.sum()
    assert np.percentile(small.orders.lines, 99) >= 4 * np.median(small.orders.lines)
    done = small.run.delivered < NEVER
    lead = (small.run.delivered - np.maximum(small.orders.created, small.orders.not_before))[done]
    assert np.mean(lead) > np.median(lead)
    assert np.percentile(lead, 99) > 3 * np.median(lead)


def test_promises_are_working_days_after_the_ship_by_day(small: Simulated) -> None:
    calendar, orders = small.world.calendar, small.orders
    assert calendar.is_workday(orders.promised).all()
    assert (orders.promised > orders.ship_by).all()
    assert (orders.ship_by >= orders.created // DAY).all()


def test_the_year_has_seasons_and_bad_weeks(place: World) -> None:
    weeks = shocks.draw(place)
    by_month = [weeks.demand[month * 30 : month * 30 + 30].mean() for month in range(12)]
    assert max(by_month) > 1.15 * min(by_month)
    assert {s.kind for s in weeks.listed} == {
        *("labour", "carrier", "weather", "supplier", "desk", "demand", "outage"),
    }


def test_another_seed_is_another_distributor_and_the_same_is_the_same() -> None:
    def drawn(seed: int) -> demand.Orders:
        place = distributor.build(seed, 100)
        return demand.draw(place, shocks.draw(place), 500)

    one, again, other = drawn(1), drawn(1), drawn(2)
    assert (one.created == again.created).all()
    assert (one.value == again.value).all()
    assert (one.luck == again.luck).all()
    assert (one.created != other.created).any()
    assert (one.value != other.value).any()


def test_office_time_counts_no_nights_weekends_or_holidays() -> None:
    calendar = Calendar(60)
    friday_four = np.array([4 * DAY + 16 * 60])
    assert calendar.after(friday_four, np.array([120])).tolist() == [7 * DAY + 9 * 60]
    saturday = np.array([5 * DAY + 600])
    assert calendar.after(saturday, np.array([0])).tolist() == [7 * DAY + 8 * 60]
    before_new_year_26 = np.array([359 * DAY + 16 * 60])
    assert Calendar(420).after(before_new_year_26, np.array([120])).tolist() == [361 * DAY + 9 * 60]


@given(minute=st.integers(0, 400 * DAY), work=st.integers(0, 20_000))
def test_office_time_of_one_moment_is_that_of_many(minute: int, work: int) -> None:
    calendar = Calendar(420)
    many = calendar.after(np.array([minute]), np.array([work]))
    assert calendar.after_one(minute, work) == many[0]
