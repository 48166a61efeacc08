from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from itertools import product

import hypothesis.strategies as st
import pytest
from hypothesis import example, given, settings
from tests.unit.advice.test_priority import ORDER as SAID

from triage.advice.alternatives import (
    INSTEAD,
    STOCKS,
    Scored,
    Way,
    covering,
    possible,
    recommended,
    replaced,
    short_lines,
    taken,
    together,
)
from triage.advice.assessment import Recommendation
from triage.advice.policy import load
from triage.advice.sharing import Claim, shared_out
from triage.domain.records import Order, OrderLine

POLICY = load().work
NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
ORDER = Order(
    order_id="SO-1", event_time=NOW, record_time=NOW, promised_by=NOW + timedelta(days=5),
    service="Ground",
    lines=(
        OrderLine(line_no=1, sku="A", quantity=10, unit_price=2.0, site="W1"),
        OrderLine(line_no=2, sku="B", quantity=5, unit_price=9.0, site="W1"),
    ),
)  # fmt: skip
STOCK = {
    ("W1", "A"): 50.0, ("W1", "B"): 0.0, ("W2", "A"): 10.0, ("W2", "B"): 5.0,
    ("W3", "A"): 9.0, ("W3", "B"): 80.0,
}  # fmt: skip


def free(site: str, sku: str) -> float:
    return STOCK.get((site, sku), math.nan)


def actions(**changes: object) -> list[Way]:
    usual = {
        "regulated": False, "services": frozenset({"Express"}), "waits": lambda _: True
    } | changes  # fmt: skip
    return possible(POLICY, ORDER, "order_validated", free, ["W1", "W2", "W3", "W4"], **usual)  # type: ignore[arg-type]


def test_a_site_without_all_the_stock_or_without_a_record_of_it_is_never_offered() -> None:
    assert covering(ORDER, free, ["W1", "W2", "W3", "W4"]) == ["W2"]
    twice = ORDER.model_copy(update={"lines": (*ORDER.lines, ORDER.lines[0])})
    assert covering(twice, free, ["W2"]) == []


def test_only_the_lines_that_are_short_move_in_a_split() -> None:
    assert short_lines(ORDER, free) == {2}
    splits = [way for way in actions() if way.action == "split"]
    moves = frozenset({2})
    assert splits == [Way("split", "W3", moves), Way("split", "W3", moves, service="Express")]


def for_want_of_stock(order: Order, there: Mapping[tuple[str, str], float]) -> list[Way]:
    def shown(site: str, sku: str) -> float:
        return there.get((site, sku), math.nan)

    ways = possible(
        POLICY, order, "order_validated", shown, ["W2"], regulated=False, services=frozenset(),
        waits=lambda _: True,
    )  # fmt: skip
    return [way for way in ways if way.action in STOCKS]


def declared(**substitutes: str) -> Order:
    lines = [
        line.model_copy(update={"substitute_sku": substitutes.get(line.sku)})
        for line in ORDER.lines
    ]
    return ORDER.model_copy(update={"lines": tuple(lines)})


def substitutes(order: Order, has: dict[tuple[str, str], float]) -> list[Way]:
    return [way for way in for_want_of_stock(order, has) if way.action == "substitute"]


def test_a_substitute_is_offered_where_it_is_declared_and_lies_at_the_site() -> None:
    has = {("W1", "A"): 50.0, ("W1", "B"): 0.0, ("W1", "C"): 8.0, ("W1", "D"): 7.0}
    way = Way("substitute", None, frozenset({2}), ("C",))
    assert substitutes(declared(B="C"), has) == [way]
    assert not substitutes(declared(B="D"), has), "too little, with the margin"
    assert not substitutes(declared(A="C"), has), "not of what is short"
    assert not substitutes(declared(B="A"), has), "the order asks for it already"
    both_short = has | {("W1", "A"): 1.0, ("W1", "C"): 90.0}
    assert not substitutes(declared(B="C"), both_short), "not of all that is short"
    assert not substitutes(declared(A="C", B="C"), both_short), "one product for two lines"


def test_a_substitute_takes_the_place_of_its_line_and_of_no_other() -> None:
    changed = replaced(declared(A="C", B="D"), frozenset({2}))
    assert [line.sku for line in changed.lines] == ["A", "D"]
    assert [line.quantity for line in changed.lines] == [10, 5]


def test_a_part_ships_first_only_where_there_is_a_part() -> None:
    some = for_want_of_stock(ORDER, STOCK)
    assert Way("partial", None, frozenset({2})) in some
    nothing = for_want_of_stock(ORDER, {("W1", "A"): 0.0, ("W1", "B"): 0.0})
    assert "partial" not in {way.action for way in nothing}


def test_goods_move_only_for_want_of_stock_that_nothing_on_its_way_ends() -> None:
    assert not {"other_site", "split"} & {way.action for way in actions(waits=lambda _: False)}
    assert {"split"} <= {way.action for way in actions(waits=lambda lines: lines == {2})}
    enough = ORDER.model_copy(update={"lines": ORDER.lines[:1]})
    ways = possible(
        POLICY, enough, "order_validated", free, ["W2", "W3"], regulated=False,
        services=frozenset(), waits=lambda _: True,
    )  # fmt: skip
    assert {way.action for way in ways} == {"tell_customer"}


@given(
    there=st.dictionaries(
        st.tuples(st.sampled_from(["W1", "W2", "W3"]), st.sampled_from(["A", "B"])),
        st.floats(0.0, 40.0),
    ),
    margin=st.floats(1.0, 3.0),
)
def test_no_way_asks_for_stock_that_the_record_does_not_show_with_its_margin(
    there: dict[tuple[str, str], float], margin: float
) -> None:
    careful = POLICY.recommend.model_copy(update={"stock_margin": margin})
    ways = possible(
        POLICY.model_copy(update={"recommend": careful}), ORDER, "order_validated",
        lambda site, sku: there.get((site, sku), math.nan), ["W1", "W2", "W3"],
        regulated=False, services=frozenset(), waits=lambda _: True,
    )  # fmt: skip
    for way in ways:
        for line in ORDER.lines if way.site else ():
            if line.line_no in way.moves:
                assert there[way.site or "", line.sku] >= margin * line.quantity


def test_goods_services_and_stages_rule_ways_out() -> None:
    free_there = POLICY.recommend.model_copy(update={"stock_margin": 1.0})
    exact = possible(
        POLICY.model_copy(update={"recommend": free_there}), ORDER, "order_validated", free,
        ["W1", "W2"], regulated=False, services=frozenset({"Express"}), waits=lambda _: True,
    )  # fmt: skip
    assert {way.action for way in exact} == {
        "other_site", "split", "partial", "faster_service", "tell_customer"
    }  # fmt: skip
    assert "other_site" not in {way.action for way in actions()}
    assert "faster_service" not in {way.action for way in actions(regulated=True)}
    assert "faster_service" not in {way.action for way in actions(services=frozenset())}
    gone = possible(
        POLICY, ORDER, "shipment_dispatched", free, ["W2"], regulated=False, services=frozenset(),
        waits=lambda _: True,
    )  # fmt: skip
    assert [way.action for way in gone] == ["tell_customer"]


_SITES = [f"W{number}" for number in range(1, 8)]


@given(
    keep=st.dictionaries(st.sampled_from(_SITES), st.sampled_from(["A", "B", "AB", "ABC", "AC"])),
    stage=st.sampled_from(["order_created", "order_validated", "allocation_confirmed"]),
    own=st.sampled_from(["Ground", "Express", None]),
    services=st.sets(st.sampled_from(["Ground", "Express"])).map(frozenset),
    regulated=st.booleans(),
)
@example(
    keep={"W1": "A", "W2": "AB", "W3": "AB", "W4": "AB"}, stage="order_validated", own="Ground",
    services=frozenset({"Express"}), regulated=False,
)  # fmt: skip
def test_the_faster_service_is_booked_as_well_for_the_nearest_two_and_only_if_it_can_be_alone(
    keep: dict[str, str], stage: str, own: str | None, services: frozenset[str], regulated: bool
) -> None:  # fmt: skip
    ways = possible(
        POLICY, declared(B="C").model_copy(update={"service": own}), stage,
        lambda site, sku: 90.0 * (sku in keep.get(site, "")), _SITES,
        regulated=regulated, services=services, waits=lambda _: True,
    )  # fmt: skip
    alone = Way("faster_service") in ways
    assert not (alone and (regulated or own == "Express" or "Express" not in services))
    for name in POLICY.actions:
        plain = [way for way in ways if way.action == name and way.service is None]
        both = [way for way in ways if way.action == name and way.service is not None]
        assert [way.plain for way in both] == (plain[:2] if alone and name in INSTEAD else [])
        assert {way.service for way in both} <= {"Express"}


def test_a_service_that_a_policy_does_not_have_is_never_booked() -> None:
    without = {name: each for name, each in POLICY.actions.items() if name != "faster_service"}
    ways = possible(
        POLICY.model_copy(update={"actions": without}), ORDER, "order_validated", free, ["W3"],
        regulated=False, services=frozenset({"Express"}), waits=lambda _: True,
    )  # fmt: skip
    assert Way("split", "W3", frozenset({2})) in ways
    assert not any(way.service for way in ways)


def judged(scored: list[tuple[Way, Scored | None]], **changes: object) -> list[Recommendation]:
    recommend = POLICY.recommend.model_copy(update={"least_chance": 0.0, **changes})
    until = {way: at for at, (way, _) in enumerate(scored, start=5) if way.action != "split"}
    return list(
        recommended(POLICY.model_copy(update={"recommend": recommend}), SAID, scored, until, 20.0)
    )


def test_a_way_is_recommended_by_what_it_saves_and_only_if_it_is_in_time() -> None:
    near, far = Way("other_site", "W2"), Way("other_site", "W3")
    better = Scored(0.1, (-2.0, -1.0, 1.0), ("distance",))
    scored = [
        (far, Scored(0.3, (-1.0, 0.0, 1.0))), (near, better),
        (Way("faster_service"), Scored(0.49, (-1.0, 0.0, 1.0))), (Way("tell_customer"), None),
        (Way("split", "W2"), better),
    ]  # fmt: skip
    first, second = judged(scored)
    assert (first.action, first.site, first.support) == ("other_site", "W2", ("distance",))
    action = POLICY.actions["other_site"]
    gain = action.credited * 0.4
    assert first.delta_p == pytest.approx(-gain)
    assert first.p_late == pytest.approx(SAID.p_late - gain)
    assert first.delta_days == (-2.0, -1.0, 1.0)
    money = action.cost + 20.0 * action.cost_per_kg + action.minutes * POLICY.capacity.wage
    assert first.cost == pytest.approx(money)
    assert first.saves == pytest.approx(gain * 1000 - first.cost)
    assert (second.action, second.delta_p, second.p_late) == ("tell_customer", None, SAID.p_late)
    assert first.feasible_until == 6


def test_goods_move_only_where_it_is_likely_enough_that_they_have_to() -> None:
    scored: list[tuple[Way, Scored | None]] = [
        (Way("other_site", "W2"), Scored(0.2, (-2.0, -1.0, 1.0)))
    ]
    assert SAID.p_late == 0.5
    assert judged(scored, least_chance=0.39)
    assert not judged(scored, least_chance=0.41)


@given(share=st.floats(0.01, 1.0))
def test_of_what_the_model_promises_only_the_measured_share_is_told(share: float) -> None:
    action = POLICY.actions["other_site"].model_copy(update={"credited": share})
    recommend = POLICY.recommend.model_copy(update={"least_chance": 0.0, "least_gain": 1e-6})
    policy = POLICY.model_copy(update={"actions": {"other_site": action}, "recommend": recommend})
    way = Way("other_site", "W2")
    found = recommended(policy, SAID, [(way, Scored(0.1, (-2.0, -1.0, 1.0)))], {way: 5})
    for each in found:
        assert each.delta_p == pytest.approx(-share * (SAID.p_late - 0.1))


NEAR = Way("other_site", "W2", frozenset({1, 2}))
BOTH = Way("other_site", "W2", frozenset({1, 2}), service="Express")
_LATE = st.floats(0.0, 1.0)


def weighed(
    plain: float | None, both: float, *, in_time: bool = True, **shares: float
) -> list[Recommendation]:
    """Return what is recommended of a way and of the same by Express, whatever little it saves."""
    recommend = POLICY.recommend.model_copy(
        update={"least_chance": 0.0, "least_gain": 1e-9, "worth_times": 1.0}
    )
    changed = {
        name: POLICY.actions[name].model_copy(update={"credited": share})  # type: ignore[index]
        for name, share in shares.items()
    }
    policy = POLICY.model_copy(
        update={"recommend": recommend, "actions": POLICY.actions | changed}
    )  # fmt: skip
    answers = [(BOTH, Scored(both, (-2.0, -1.0, 1.0)))]
    answers += [] if plain is None else [(NEAR, Scored(plain, (-1.0, 0.0, 1.0)))]
    until = {BOTH: 7} | ({NEAR: 5} if in_time and plain is not None else {})
    return list(recommended(policy, SAID, answers, until, 20.0))


def money(*names: str) -> float:
    each = [POLICY.actions[name] for name in names]  # type: ignore[index]
    wage = POLICY.capacity.wage
    return sum(it.cost + 20.0 * it.cost_per_kg + it.minutes * wage for it in each)


@given(plain=_LATE, both=_LATE, share=st.floats(0.01, 1.0))
def test_both_are_done_only_where_that_saves_more_than_the_way_without_the_service(
    plain: float, both: float, share: float
) -> None:
    stays = {each.service: each for each in weighed(plain, 1.0, faster_service=share)}
    for each in weighed(plain, both, faster_service=share):
        alone = stays[None].saves if None in stays else 0.0
        assert each.saves > alone if each.service else each == stays[None]


def test_a_way_that_is_not_sure_enough_is_not_replaced_by_a_dearer_one_that_saves_less() -> None:
    answers = [(NEAR, Scored(0.2, (-2.0, -1.0, 1.0))), (BOTH, Scored(0.1, (-2.0, -1.0, 1.0)))]
    told_by_cost = []
    for cost in (8.0, 200.0):
        dear = POLICY.actions["faster_service"].model_copy(update={"cost": cost, "credited": 1.0})
        recommend = POLICY.recommend.model_copy(update={"least_chance": 0.42, "worth_times": 1.0})
        policy = POLICY.model_copy(
            update={
                "actions": POLICY.actions | {"faster_service": dear}, "recommend": recommend
            }
        )  # fmt: skip
        found = recommended(policy, SAID, answers, {NEAR: 5, BOTH: 7}, 20.0)
        told_by_cost.append([each.service for each in found])
    assert told_by_cost == [["Express"], []]


@given(plain=_LATE, both=_LATE, late=st.booleans())
def test_two_things_cost_what_each_costs_and_take_the_minutes_of_each(
    plain: float, both: float, late: bool
) -> None:
    for each in weighed(plain, both, in_time=not late, faster_service=1.0):
        names = ("other_site", "faster_service") if each.service else ("other_site",)
        assert each.cost == pytest.approx(money(*names), abs=0.006)
        assert taken(POLICY, each) == tuple(POLICY.actions[name] for name in names)  # type: ignore[index]


@given(plain=st.none() | _LATE, both=_LATE, own=st.floats(0.01, 1.0), faster=st.floats(0.01, 1.0))
def test_what_the_service_adds_is_credited_with_both_shares_and_the_rest_with_the_ways_own(
    plain: float | None, both: float, own: float, faster: float
) -> None:
    for each in weighed(plain, both, in_time=False, other_site=own, faster_service=faster):
        base = SAID.p_late if plain is None else plain
        adds = faster * (base - both) if both < base else base - both
        gain = own * (SAID.p_late - base) + own * adds
        assert each.service == "Express"
        assert each.delta_p == pytest.approx(-gain)
        assert each.saves == pytest.approx(gain * SAID.at_stake - each.cost, abs=0.02)


def test_goods_are_hurried_from_elsewhere_where_the_way_alone_is_not_enough() -> None:
    (only,) = weighed(0.45, 0.05, faster_service=1.0)
    assert (only.action, only.site, only.service) == ("other_site", "W2", "Express")
    assert only.approver == "planning and transport"
    assert only.detail == (
        "Ship it from W2, which has everything in stock as last recorded, by Express"
    )
    assert only.feasible_until == 7
    (alone,) = weighed(0.06, 0.05, faster_service=1.0)
    assert (alone.service, alone.approver, alone.feasible_until) == (None, "planning", 5)


def surely(way: Way, **service: object) -> Recommendation:
    """Return a way that the model takes for certain, as recommended; changes of the service."""
    faster = POLICY.actions["faster_service"].model_copy(update={"credited": 1.0, **service})
    policy = POLICY.model_copy(
        update={
            "actions": POLICY.actions | {"faster_service": faster},
            "recommend": POLICY.recommend.model_copy(update={"least_chance": 0.0}),
        }
    )
    (told,) = recommended(policy, SAID, [(way, Scored(0.0, (-2.0, -1.0, 1.0)))], {way: 5})
    return told


def test_who_has_to_agree_to_both_is_named_once() -> None:
    assert surely(BOTH).approver == "planning and transport"
    assert surely(BOTH, approver="planning").approver == "planning"
    assert surely(BOTH, approver="").approver == "planning"


def test_the_sentence_tells_both_things() -> None:
    moves = frozenset({2})
    assert surely(Way("split", "W3", moves, service="Express")).detail == (
        "Ship line 2 from W3, which has it as last recorded, the rest from where it is,"
        " all by Express"
    )
    assert surely(Way("substitute", None, moves, ("C",), "Express")).detail == (
        "Offer C for line 2, which its site has as last recorded, and ship it by Express"
    )


def test_a_split_is_in_time_only_if_both_parts_are() -> None:
    both = together(Scored(0.2, (0.0, 1.0, 2.0), ("a",)), Scored(0.5, (-1.0, 2.0, 2.5), ("a", "b")))
    assert both.p_late == pytest.approx(0.6)
    assert (both.delay_days, both.unfamiliar) == ((0.0, 2.0, 2.5), ("a", "b"))


def test_scarce_stock_goes_where_it_saves_most_and_the_other_takes_its_second_best() -> None:
    cell = ("W2", "A")
    claims = [
        Claim("x", 100.0, 5.0, {cell: 6.0}), Claim("x", 90.0, 5.0, {}),
        Claim("y", 80.0, 5.0, {cell: 6.0}),
    ]  # fmt: skip
    assert shared_out(claims, {cell: 10.0}, 60.0) == (False, True, True)
    assert shared_out(claims, {cell: 12.0}, 60.0) == (True, False, True)
    assert shared_out(claims, {}, 60.0) == (False, True, False)
    assert shared_out(claims, {cell: 12.0}, 5.0) == (True, False, False)
    assert shared_out([], {}, 5.0) == ()


_CLAIMS = st.lists(
    st.builds(
        Claim,
        st.sampled_from(["a", "b", "c"]),
        st.integers(1, 50).map(float),
        st.integers(1, 9).map(float),
        st.dictionaries(st.sampled_from([("W", "A"), ("W", "B")]), st.integers(1, 5).map(float)),
    ),
    min_size=1,
    max_size=7,
)


@settings(deadline=None, max_examples=40)
@given(claims=_CLAIMS, pieces=st.integers(0, 9), minutes=st.integers(0, 25))
def test_stock_is_shared_out_as_well_as_by_trying_everything(
    claims: list[Claim], pieces: int, minutes: int
) -> None:
    stock = {("W", "A"): float(pieces), ("W", "B"): 3.0}

    def worth(chosen: tuple[bool, ...]) -> float:
        taken = [claim for claim, is_taken in zip(claims, chosen, strict=True) if is_taken]
        if len({claim.order_id for claim in taken}) < len(taken):
            return -1.0
        if sum(claim.minutes for claim in taken) > minutes:
            return -1.0
        for cell, most in stock.items():
            if sum(claim.wants.get(cell, 0.0) for claim in taken) > most:
                return -1.0
        return sum(claim.saves for claim in taken)

    best = max(worth(each) for each in product([False, True], repeat=len(claims)))
    assert worth(shared_out(claims, stock, float(minutes))) == pytest.approx(best)
