from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest

from triage.simulation import demand, distributor, shocks, transit
from triage.simulation import exceptions as ex
from triage.simulation.calendar import DAY, NEVER
from triage.simulation.dialect_facts import order_number
from triage.simulation.dialect_sources import CARRIER, EDI_GATEWAY, MAIL, SOURCES, THIRD_PARTY
from triage.simulation.dialects import _SPEAKS, NAMES, Messages, messages
from triage.simulation.exception_causes import CAUSES, OUTAGE
from triage.simulation.operations import Operations
from triage.simulation.result import Result
from triage.simulation.world import World


@dataclass(frozen=True)
class Small:
    world: World
    shocks: shocks.Shocks
    orders: demand.Orders
    result: Result
    found: ex.Occurrences
    said: Messages


def simulate(seed: int, count: int = 15_000, *, watch: bool = True) -> Small:
    place = distributor.build(seed, 420)
    hits = shocks.draw(place)
    orders = demand.draw(place, hits, count)
    result = Operations(place, hits, orders, watch=watch).run()
    found = ex.occurrences(place, hits, orders, result)
    return Small(place, hits, orders, result, found, messages(place, orders, result, found))


@cache
def once() -> Small:
    return simulate(11)


@pytest.fixture
def small() -> Small:
    return once()


def of(small: Small, *kinds: int) -> ex.Occurrences:
    return small.found.take(np.isin(small.found.kind, kinds))


def test_a_seed_gives_the_same_exceptions_and_texts_and_another_seed_others(small: Small) -> None:
    again = simulate(11)
    assert again.said.text == small.said.text
    assert again.said.code == small.said.code
    assert np.array_equal(again.found.recorded, small.found.recorded)
    assert simulate(12, 3_000).said.text[:50] != small.said.text[:50]


def test_the_texts_of_some_orders_do_not_depend_on_the_others(small: Small) -> None:
    for half in (0, 1):
        mine = small.found.order % 2 == half
        some = messages(small.world, small.orders, small.result, small.found.take(mine))
        whole = [said for said, kept in zip(small.said.text, mine, strict=True) if kept]
        assert some.text == whole


def test_credit_data_and_price_were_held_at_entry_and_end_with_validation(small: Small) -> None:
    entry, own = small.result.entry, small.orders.own
    assert entry.credit[of(small, ex.CREDIT).order].all()
    assert entry.data[of(small, ex.CAPTURE, ex.DUPLICATE, ex.ADDRESS).order].all()
    price = of(small, ex.PRICE)
    assert entry.price[price.order].all()
    assert (own.prices.error[price.line] > 0).all()
    held = of(small, ex.CREDIT, ex.CAPTURE, ex.DUPLICATE, ex.ADDRESS, ex.PRICE)
    assert np.array_equal(held.raised, entry.checked[held.order])
    assert np.array_equal(held.resolved, small.result.validated[held.order])


def test_stock_exceptions_follow_from_the_shelves(small: Small) -> None:
    result, own = small.result, small.orders.own
    short = of(small, ex.SHORTAGE)
    assert np.array_equal(short.raised, result.short_since[short.order])
    picked = of(small, ex.PICK)
    assert np.array_equal(picked.raised, result.short_at[picked.order])
    assert own.phantom[picked.line].max() < 0.05
    assert result.held_release[of(small, ex.ALLOCATION).order].all()


def test_the_line_of_a_shortage_had_too_little_free_stock(small: Small) -> None:
    short, own = of(small, ex.SHORTAGE), small.orders.own
    stock = small.result.stock
    cells = small.result.site[short.order] * len(small.world.skus.code) + own.sku[short.line]
    enough = []
    for cell, minute, wanted in zip(
        cells.tolist(), short.raised.tolist(), own.quantity[short.line].tolist(), strict=True
    ):
        row = np.flatnonzero((stock.cell == cell) & (stock.minute <= minute))[-1]
        enough.append(stock.on_hand[row] - stock.taken[row] >= wanted)
    assert len(enough) > 100
    assert np.mean(enough) < 0.03


def test_without_watched_shelves_a_shortage_names_no_line() -> None:
    small = simulate(11, 3_000, watch=False)
    short = of(small, ex.SHORTAGE)
    assert len(short)
    assert (short.line == -1).all()


def test_what_happens_on_the_road_happens_between_dispatch_and_delivery(small: Small) -> None:
    result = small.result
    road = of(small, ex.DELAY, ex.DAMAGE)
    assert (road.raised > result.dispatched[road.order]).all()
    assert (road.raised < result.delivered[road.order]).all()
    assert transit.damaged(small.orders)[of(small, ex.DAMAGE).order].all()
    slow = of(small, ex.DELAY).order
    town = small.world.customers.town[small.orders.customer[slow]]
    nominal = small.world.lane_days[result.site[slow], town, result.service[slow]]
    due = small.world.calendar.ahead(result.dispatched[slow] // DAY, nominal)
    assert (result.delivered[slow] // DAY > due).all()


def test_messages_that_failed_did_fail(small: Small) -> None:
    failed, result = of(small, ex.INTEGRATION), small.result
    entry = result.entry.failed[failed.order] & (
        failed.resolved == result.entry.entered[failed.order]
    )
    release = result.held_release[failed.order] & (failed.resolved == result.queued[failed.order])
    assert (entry | release).all()
    assert (failed.cause == OUTAGE).any()


def test_changes_and_invoices_follow_from_the_run(small: Small) -> None:
    changed = of(small, ex.CHANGE)
    assert np.array_equal(changed.raised, small.result.change_seen[changed.order])
    billed = of(small, ex.INVOICE)
    assert (billed.raised > small.result.delivered[billed.order]).all()
    assert (~small.result.in_full[billed.order]).any()


def test_nothing_is_recorded_before_it_is_raised_or_resolved_before_it_began(small: Small) -> None:
    found = small.found
    assert (found.recorded >= found.raised).all()
    assert (found.resolved >= found.raised).all()
    assert (found.resolved_recorded >= found.resolved).all()
    assert (found.resolved_recorded >= found.recorded).all()
    assert np.array_equal(found.resolved >= NEVER, found.resolved_recorded >= NEVER)
    assert (np.diff(found.recorded) >= 0).all()
    assert ((found.cause >= 0) & (found.cause < len(CAUSES))).all()


def test_the_mix_is_near_the_published_one(small: Small) -> None:
    count = np.bincount(small.found.kind, minlength=len(ex.KINDS))
    assert (count > 0).all()
    assert 0.12 < count.sum() / len(small.orders) < 0.25
    bounds = {"inventory": (0.38, 0.52), "data": (0.24, 0.37), "credit": (0.11, 0.20)}
    for group, (least, most) in (bounds | {"shipping": (0.06, 0.14)}).items():
        assert least < count[list(ex.GROUPS[group])].sum() / count.sum() < most, group


def test_eight_sources_speak_and_only_where_they_can(small: Small) -> None:
    found, site = small.found, small.result.site[small.found.order]
    assert set(found.source.tolist()) == set(range(len(SOURCES)))
    assert (small.orders.channel[found.order[found.source == EDI_GATEWAY]] == demand.EDI).all()
    assert small.world.sites.third_party[site[found.source == THIRD_PARTY]].all()
    early = found.recorded < small.result.dispatched[found.order]
    assert not (
        early & (found.source == CARRIER) & np.isin(found.kind, (ex.DELAY, ex.DAMAGE))
    ).any()


def test_every_source_has_words_of_its_own_for_what_it_reports(small: Small) -> None:
    for source, kind in set(
        zip(small.found.source.tolist(), small.found.kind.tolist(), strict=True)
    ):
        assert _SPEAKS[source].clear[NAMES[kind]], (SOURCES[source], NAMES[kind])


def test_people_write_no_code_and_systems_do(small: Small) -> None:
    for source, code in zip(small.said.source.tolist(), small.said.code, strict=True):
        assert (code == "") == (source == MAIL)


def test_some_messages_lack_the_number_of_their_order(small: Small) -> None:
    with_number = [
        order_number(order)[2:] in said
        for order, said in zip(small.found.order.tolist(), small.said.text, strict=True)
    ]
    assert 0.2 < 1 - np.mean(with_number) < 0.6


def test_no_message_is_empty_or_names_its_class(small: Small) -> None:
    names = [*ex.KINDS, *(kind.replace("_", " ") for kind in ex.KINDS)]
    for said in small.said.text:
        assert len(said) > 3, said
        assert not any(name in said.lower() for name in names), said
        assert not re.search(r"[{}]|<\w|\w\||  ", said), said


def test_texts_are_hardly_ever_the_same(small: Small) -> None:
    assert len(set(small.said.text)) > 0.97 * len(small.said.text)


@pytest.mark.parametrize(
    "words",
    [r"\bpedido\b|\bcliente\b", r"Auftrag|bitte|Lager", r"livraison|client\b", r"nao|preco"],
)
def test_people_write_in_several_languages(small: Small, words: str) -> None:
    notes = [
        said
        for said, source in zip(small.said.text, small.said.source.tolist(), strict=True)
        if source == MAIL
    ]
    share = np.mean([re.search(words, said, re.IGNORECASE) is not None for said in notes])
    assert 0.002 < share < 0.3


def test_codes_tell_about_six_in_ten(small: Small) -> None:
    train = small.found.recorded < 300 * DAY
    keys = list(zip(small.said.source.tolist(), small.said.code, strict=True))
    seen: dict[tuple[int, str], np.ndarray] = {}
    for key, kind, known in zip(keys, small.found.kind.tolist(), train.tolist(), strict=True):
        if known:
            seen.setdefault(key, np.zeros(len(ex.KINDS)))[kind] += 1
    right = [
        key in seen and int(seen[key].argmax()) == kind
        for key, kind, known in zip(keys, small.found.kind.tolist(), train.tolist(), strict=True)
        if not known
    ]
    assert 0.5 < np.mean(right) < 0.7
