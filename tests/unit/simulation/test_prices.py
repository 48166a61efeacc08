from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from triage.simulation import demand, distributor, price_lists, price_tables, prices, shocks
from triage.simulation.calendar import DAY, Ints
from triage.simulation.price_tables import Columns, Tables
from triage.simulation.prices import (
    BASES,
    CLEARANCE,
    CONCESSION,
    CONTRACT,
    CURRENCY,
    DECIMAL_SLIP,
    ERRORS,
    LIST,
    MATCH,
    NONE,
    OUTLIERS,
    PROMOTION,
    SAMPLE,
    SMALL,
    STALE_CONTRACT,
    VOLUME_BREAK,
    WRONG_UNIT,
    Prices,
)
from triage.simulation.world import CATEGORIES, CHANNELS, World

DAYS = 420
HALF_A_CENT = 0.005 + 1e-9
BY_THE_LISTS = (LIST, CONTRACT, VOLUME_BREAK, PROMOTION, CLEARANCE, SMALL)


class Line(NamedTuple):
    day: int
    customer: int
    channel: int
    sku: int
    quantity: int


class Priced(NamedTuple):
    world: World
    asked: tuple[Ints, Ints, Ints, Ints, Ints]
    prices: Prices

    def line(self, place: int) -> Line:
        return Line(*(int(column[place]) for column in self.asked))


class Clerk:
    """Prices one line at a time from the published tables, and from nothing else."""

    def __init__(self, world: World, tables: Tables) -> None:
        self.world, self.tables = world, tables

    def rows(self, table: Columns, day: int | None = None, **wanted: int) -> list[dict[str, Any]]:
        kept = np.ones(len(next(iter(table.values()))), dtype=np.bool_)
        for name, value in wanted.items():
            kept &= table[name] == value
        if day is not None:
            kept &= (table["valid_from"] <= day) & (day <= table["valid_to"])
        found = np.flatnonzero(kept)
        return [{name: column[row] for name, column in table.items()} for row in found]

    def listed(self, line: Line) -> float:
        (row,) = self.rows(self.tables.list_prices, line.day, sku=line.sku)
        return float(row["price"])

    def volume(self, line: Line) -> float:
        rows = self.rows(self.tables.volume_breaks, category=self.category(line))
        return max((r["off"] for r in rows if line.quantity >= r["from_quantity"]), default=0.0)

    def category(self, line: Line) -> int:
        return int(self.world.skus.category[line.sku])

    def agreement(self, line: Line, day: int) -> dict[str, Any] | None:
        """Return the contract row that holds on a day: the item's own before the category's."""
        table, who = self.tables.contracts, line.customer
        own = self.rows(table, day, customer=who, sku=line.sku)
        wide = self.rows(table, day, customer=who, category=self.category(line))
        assert len(own) <= 1
        assert len(wide) <= 1
        return next(iter(own + wide), None)

    def by_contract(self, line: Line, row: dict[str, Any]) -> tuple[float, int]:
        if row["sku"] >= 0:
            return float(row["price"]), CONTRACT
        off = self.volume(line) if row["volume_breaks"] else 0.0
        price = self.listed(line) * (1 - row["discount"]) * (1 - off)
        return price, VOLUME_BREAK if off else CONTRACT

    def price(self, line: Line) -> tuple[float, int]:
        """Return the price before rounding, and its basis."""
        tier = int(self.world.customers.tier[line.customer])
        row = self.agreement(line, line.day)
        if row is not None:
            price, basis = self.by_contract(line, row)
        else:
            off = self.volume(line)
            group = price_lists.GROUP_DISCOUNT[tier]
            price, basis = (
                self.listed(line) * (1 - group) * (1 - off),
                VOLUME_BREAK if off else LIST,
            )
        for offer in self.offers(line, tier):
            lower = self.listed(line) * (1 - offer["off"])
            if lower < price:
                price, basis = lower, CLEARANCE if offer["clearance"] else PROMOTION
        if CATEGORIES[self.category(line)] in price_lists.SURCHARGED:
            few = line.quantity < price_lists.SURCHARGED_BELOW_PIECES
            if basis == LIST and few and self.listed(line) < price_lists.SURCHARGED_BELOW_PRICE:
                price, basis = price * (1 + price_lists.SURCHARGE), SMALL
        return price, basis

    def offers(self, line: Line, tier: int) -> list[dict[str, Any]]:
        table, day = self.tables.promotions, line.day
        rows = self.rows(table, day, sku=line.sku)
        rows += self.rows(table, day, category=self.category(line))
        return [r for r in rows if r["channel"] in {-1, line.channel} and r["tier"] in {-1, tier}]


def ask(world: World, orders: int) -> Priced:
    drawn = demand.draw(world, shocks.draw(world), orders)
    of = drawn.own.order
    asked = (
        *(drawn.created[of] // DAY, drawn.customer[of], drawn.channel[of]),
        *(drawn.own.sku, drawn.own.quantity),
    )
    return Priced(world, asked, drawn.own.prices)


@pytest.fixture(scope="module")
def priced() -> Priced:
    return ask(distributor.build(11, DAYS), 120_000)


@pytest.fixture(scope="module")
def tables(priced: Priced) -> Tables:
    return price_tables.tables(priced.world)


@pytest.fixture(scope="module")
def clerk(priced: Priced, tables: Tables) -> Clerk:
    return Clerk(priced.world, tables)


def some(wanted: npt.NDArray[np.bool_], count: int) -> list[int]:
    places = np.flatnonzero(wanted)
    chosen = np.random.default_rng(5).choice(places, size=min(count, len(places)), replace=False)
    return [int(place) for place in chosen]


def same(a: Prices, b: Prices) -> bool:
    return all(
        np.array_equal(getattr(a, name), getattr(b, name))
        for name in ("entered", "right", "listed", "error", "basis")
    )


def first(lines: Prices, count: int) -> Prices:
    return Prices(
        *(lines.entered[:count], lines.right[:count], lines.listed[:count]),
        *(lines.error[:count], lines.basis[:count]),
    )


def test_the_same_seed_gives_the_same_prices_and_another_seed_others(priced: Priced) -> None:
    again = prices.draw(priced.world, *priced.asked)
    assert same(again, priced.prices)
    other = prices.draw(distributor.build(12, DAYS), *priced.asked)
    assert np.mean(other.right == again.right) < 0.2
    assert np.mean((other.error > 0) & (again.error > 0)) < 0.002


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 200_000))
def test_the_first_lines_cost_the_same_however_many_follow(priced: Priced, count: int) -> None:
    few = prices.draw(priced.world, *(column[:count] for column in priced.asked))
    assert same(few, first(priced.prices, count))


@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 2**31), days=st.integers(30, 800))
def test_every_world_has_prices_in_whole_cents_and_errors_exactly_where_they_differ(
    seed: int, days: int
) -> None:
    world = distributor.build(seed, days, customers=60, skus=300)
    rng = np.random.default_rng(seed)
    size = 4_000
    lines = prices.draw(
        world, rng.integers(0, days, size), rng.integers(0, 60, size),
        rng.integers(0, len(CHANNELS), size), rng.integers(0, 300, size),
        np.exp(rng.uniform(0, 8, size)).astype(np.int64),
    )  # fmt: skip
    for price in (lines.entered, lines.right, lines.listed):
        np.testing.assert_allclose(price * 100, np.round(price * 100), atol=1e-6)
    assert np.array_equal(lines.error > 0, lines.entered != lines.right)
    for_money = lines.basis != SAMPLE
    assert (lines.right[for_money] > 0).all()
    assert (lines.entered[for_money] > 0).all()
    assert (lines.right[~for_money] <= 0.01).all()
    assert not (lines.error[np.isin(lines.basis, OUTLIERS)] > 0).any()


def test_about_two_lines_in_a_hundred_are_wrong_and_no_kind_is_rare(priced: Priced) -> None:
    wrong = priced.prices.error[priced.prices.error > 0]
    assert 0.016 < len(wrong) / len(priced.prices.error) < 0.025
    share = np.bincount(wrong, minlength=len(ERRORS)) / len(wrong)
    assert share[NONE] == 0
    assert 0.22 < share[WRONG_UNIT] < 0.40
    assert 0.12 < share[STALE_CONTRACT] < 0.30
    assert 0.22 < share[DECIMAL_SLIP] < 0.40
    assert 0.10 < share[CURRENCY] < 0.26


def test_machines_send_stale_prices_people_slip_and_marketplaces_mix_up_currencies(
    priced: Priced,
) -> None:
    channel = priced.asked[2]
    share = {
        (name, kind): np.mean(priced.prices.error[channel == place] == kind)
        for place, name in enumerate(CHANNELS)
        for kind in range(len(ERRORS))
    }
    others = [name for name in CHANNELS if name != "EDI"]
    assert all(share["EDI", STALE_CONTRACT] > 1.4 * share[o, STALE_CONTRACT] for o in others)
    assert all(share["EDI", WRONG_UNIT] > share[other, WRONG_UNIT] for other in others)
    for keyed in ("Field sales", "Customer service"):
        assert share[keyed, DECIMAL_SLIP] > 4 * share["EDI", DECIMAL_SLIP]
    assert all(
        share["Marketplace", CURRENCY] > 3 * share[other, CURRENCY]
        for other in CHANNELS
        if other != "Marketplace"
    )


def test_every_right_price_of_the_lists_follows_from_the_published_tables(
    priced: Priced, clerk: Clerk
) -> None:
    for basis in BY_THE_LISTS:
        places = some(priced.prices.basis == basis, 120)
        assert len(places) >= 60, BASES[basis]
        for place in places:
            line = priced.line(place)
            exact, found = clerk.price(line)
            assert BASES[found] == BASES[basis], line
            assert abs(priced.prices.right[place] - exact) <= HALF_A_CENT, line
            assert priced.prices.listed[place] == clerk.listed(line), line


def test_prices_change_on_the_very_days_that_the_tables_say(
    priced: Priced, tables: Tables, clerk: Clerk
) -> None:
    world, rng = priced.world, np.random.default_rng(8)
    lines: list[Line] = []
    for name in ("promotions", "contracts", "list_prices"):
        table: Columns = getattr(tables, name)
        for row in rng.choice(len(table["valid_from"]), size=80, replace=False):
            start, end = int(table["valid_from"][row]), int(table["valid_to"][row])
            sku = int(table["sku"][row])
            if sku < 0:
                sku = int(rng.choice(np.flatnonzero(world.skus.category == table["category"][row])))
            tier = int(table["tier"][row]) if name == "promotions" else -1
            anybody = np.flatnonzero((world.customers.tier == tier) | (tier < 0))
            who = int(table["customer"][row]) if name == "contracts" else int(rng.choice(anybody))
            channel = max(int(table["channel"][row]), 0) if name == "promotions" else 0
            lines += [
                Line(day, who, channel, sku, 1)
                for day in (start - 1, start, end, end + 1)
                if 0 <= day < DAYS
            ]
    assert len(lines) > 300
    found = prices.draw(world, *np.array(lines, dtype=np.int64).T)
    for place, line in enumerate(lines):
        if found.basis[place] in BY_THE_LISTS:
            exact, basis = clerk.price(line)
            assert BASES[basis] == BASES[found.basis[place]], line
            assert abs(found.right[place] - exact) <= HALF_A_CENT, line


def test_a_stale_price_is_the_one_of_the_version_before(priced: Priced, clerk: Clerk) -> None:
    places = some(priced.prices.error == STALE_CONTRACT, 200)
    assert len(places) == 200
    for place in places:
        line = priced.line(place)
        now = clerk.agreement(line, line.day)
        assert now is not None, line
        before = clerk.agreement(line, int(now["valid_from"]) - 1)
        assert before is not None, line
        exact, _ = clerk.by_contract(line, before)
        assert abs(priced.prices.entered[place] - exact) <= HALF_A_CENT, line


def test_most_stale_prices_are_off_by_a_few_percent_only(priced: Priced) -> None:
    stale = priced.prices.error == STALE_CONTRACT
    off = np.abs(priced.prices.entered[stale] / priced.prices.right[stale] - 1)
    assert off.min() > 0.01
    assert np.mean((off > 0.03) & (off < 0.08)) > 0.5
    assert np.mean(priced.prices.entered[stale] < priced.prices.right[stale]) > 0.6


def test_a_wrong_unit_is_off_by_the_pieces_in_a_box_or_a_case(priced: Priced) -> None:
    wrong = priced.prices.error == WRONG_UNIT
    right, entered, sku = (
        priced.prices.right[wrong],
        priced.prices.entered[wrong],
        priced.asked[3][wrong],
    )
    lists = price_lists.build(priced.world)
    boxed = [pieces[sku] for pieces in (lists.inner, priced.world.skus.pack)]
    factors = np.stack([boxed[0], boxed[1], 1 / boxed[0], 1 / boxed[1]])
    near = np.abs(entered - np.maximum(right * factors, 0.01)) <= HALF_A_CENT
    assert near.any(axis=0).all()
    assert 0.1 < np.mean(boxed[0] == np.round(entered / right)) < 0.2
    assert near.any(axis=1).all()


def test_a_slip_moves_the_point_by_one_place_and_sometimes_by_two(priced: Priced) -> None:
    slip = priced.prices.error == DECIMAL_SLIP
    right, entered = priced.prices.right[slip], priced.prices.entered[slip]
    near = np.abs(entered - np.array([[10.0], [0.1], [100.0]]) * right) <= HALF_A_CENT
    assert (near.sum(axis=0) >= 1).all()
    assert 0.05 < near[2].mean() < 0.2


def test_a_wrong_currency_is_off_by_a_rate_of_the_week(priced: Priced, tables: Tables) -> None:
    wrong = priced.prices.error == CURRENCY
    right, entered, day = (
        priced.prices.right[wrong],
        priced.prices.entered[wrong],
        priced.asked[0][wrong],
    )
    rates = tables.exchange_rates["rate"].reshape(len(price_lists.CURRENCIES), -1)
    near = np.abs(entered - rates[:, day // 7] * right) <= HALF_A_CENT
    assert near.any(axis=0).all()
    assert (near.mean(axis=1) > 0.05).all()


def test_a_customer_abroad_enters_its_own_currency_far_more_often(priced: Priced) -> None:
    abroad = price_lists.build(priced.world).abroad[priced.asked[1]]
    wrong = priced.prices.error == CURRENCY
    assert wrong[abroad].mean() > 3 * wrong[~abroad].mean()


def test_unusual_prices_that_are_right_carry_no_error(priced: Priced) -> None:
    outlier = np.isin(priced.prices.basis, OUTLIERS)
    assert set(np.unique(priced.prices.basis[outlier])) == set(OUTLIERS)
    assert 0.01 < outlier.mean() < 0.04
    assert (priced.prices.error[outlier] == NONE).all()
    assert np.array_equal(priced.prices.entered[outlier], priced.prices.right[outlier])


def test_clearances_concessions_and_matches_are_as_deep_as_they_should_be(
    priced: Priced, clerk: Clerk
) -> None:
    lines = priced.prices
    cleared = lines.basis == CLEARANCE
    off = 1 - lines.right[cleared] / lines.listed[cleared]
    assert ((off > 0.38) & (off < 0.72)).all()
    for basis, least, most in ((CONCESSION, 0.08, 0.35), (MATCH, 0.05, 0.45)):
        cut = []
        for place in some((lines.basis == basis) & (lines.right > 5), 150):
            usual, _ = clerk.price(priced.line(place))
            cut.append(1 - lines.right[place] / usual)
        assert min(cut) > least - 0.002, BASES[basis]
        usual_ones = np.array(cut) < most + 0.002
        assert usual_ones.mean() > 0.95, BASES[basis]


def test_only_people_grant_samples_and_only_marketplaces_match(priced: Priced) -> None:
    channel, quantity = priced.asked[2], priced.asked[4]
    sample, matched = priced.prices.basis == SAMPLE, priced.prices.basis == MATCH
    people = {CHANNELS.index("Field sales"), CHANNELS.index("Customer service")}
    assert set(np.unique(channel[sample])) == people
    assert quantity[sample].max() <= 3
    assert set(np.unique(channel[matched])) == {CHANNELS.index("Marketplace")}
    assert 0 < sample.mean() < 0.003
    assert set(np.unique(priced.prices.right[sample])) == {0.0, 0.01}


def test_a_concession_that_looks_like_a_slip_is_rare_but_happens() -> None:
    priced = ask(distributor.build(3, DAYS), 250_000)
    conceded = priced.prices.basis == CONCESSION
    deep = priced.prices.right[conceded] / priced.prices.listed[conceded] < 0.2
    assert 0.002 < deep.mean() < 0.03


def test_contract_versions_follow_each_other_and_reach_back_before_the_first_day(
    priced: Priced, tables: Tables
) -> None:
    table, customers = tables.contracts, priced.world.customers
    assert set(np.unique(table["customer"])) == set(np.flatnonzero(customers.contract))
    order = np.lexsort((table["valid_from"], table["sku"], table["category"], table["customer"]))
    kinds = np.stack([table[name][order] for name in ("customer", "category", "sku")])
    starts, ends = table["valid_from"][order], table["valid_to"][order]
    follows = (kinds[:, 1:] == kinds[:, :-1]).all(axis=0)
    assert np.array_equal(starts[1:][follows], ends[:-1][follows] + 1)
    opens, closes = np.append(True, ~follows), np.append(~follows, True)
    assert (ends[opens] < 0).all()
    assert (starts[opens] >= -800).all()
    assert (ends[closes] >= DAYS - 1).all()
    assert np.isin(ends - starts, [*range(180, 186), 364, 365]).all()


def test_contract_prices_go_up_mostly_and_by_a_few_percent(tables: Tables) -> None:
    table = tables.contracts
    own = table["sku"] >= 0
    order = np.lexsort((table["valid_from"][own], table["sku"][own], table["customer"][own]))
    who, sku, price = (table[name][own][order] for name in ("customer", "sku", "price"))
    follows = (who[1:] == who[:-1]) & (sku[1:] == sku[:-1])
    change = (price[1:] / price[:-1] - 1)[follows]
    assert np.mean(change > 0) > 0.5
    assert 0.005 < np.mean(change) < 0.05
    assert np.mean(np.abs(change) < 0.12) > 0.9
    assert 0.1 < np.mean(change == 0) < 0.3


def test_list_prices_are_raised_once_or_twice_by_category(priced: Priced, tables: Tables) -> None:
    table, category = tables.list_prices, priced.world.skus.category
    within = (table["valid_from"] >= 0) & (table["valid_from"] < DAYS)
    for kind in range(len(CATEGORIES)):
        days = np.unique(table["valid_from"][within & (category[table["sku"]] == kind)])
        assert len(days) in {1, 2}
    order = np.lexsort((table["valid_from"], table["sku"]))
    sku, price = table["sku"][order], table["price"][order]
    change = (price[1:] - price[:-1])[sku[1:] == sku[:-1]]
    base = price[:-1][sku[1:] == sku[:-1]]
    assert (change >= 0.015 * base - HALF_A_CENT).all()
    assert (change <= 0.06 * base + 2 * HALF_A_CENT).all()


def test_promotions_last_up_to_five_weeks_and_are_for_some_only(tables: Tables) -> None:
    table = tables.promotions
    weeks = (table["valid_to"] - table["valid_from"] + 1) / 7
    usual = ~table["clearance"]
    assert set(np.unique(weeks[usual])) == {1, 2, 3, 4, 5}
    assert ((table["off"][usual] >= 0.08) & (table["off"][usual] <= 0.30)).all()
    assert ((table["off"][~usual] >= 0.40) & (table["off"][~usual] <= 0.70)).all()
    assert ((table["sku"] >= 0) ^ (table["category"] >= 0)).all()
    assert (table["channel"][usual] >= 0).mean() > 0.95


@pytest.mark.parametrize("days", [90, DAYS, 730])
def test_the_tables_stay_small_whatever_the_span(days: int) -> None:
    tables = price_tables.tables(distributor.build(4, days))
    assert 3_000 < (tables.contracts["sku"] >= 0).sum() <= 15_000
    for name in ("contracts", "list_prices", "promotions", "volume_breaks", "exchange_rates"):
        columns: Columns = getattr(tables, name)
        assert len({len(column) for column in columns.values()}) == 1, name
        assert len(next(iter(columns.values()))) < 40_000, name


def test_more_pieces_never_cost_more_a_piece_by_the_lists(priced: Priced) -> None:
    off = price_lists.build(priced.world).break_off
    assert (np.diff(off, axis=1) >= 0).all()
    assert (off[:, 0] == 0).all()
    assert off.max() == pytest.approx(0.12)
    assert len(np.unique(off, axis=0)) >= 3
