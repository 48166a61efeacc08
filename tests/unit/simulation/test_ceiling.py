"""The ceiling is the true chance given the past: the past stays, the rest is drawn anew."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from triage.errors import SimulationError
from triage.simulation import distributor, transit
from triage.simulation import shocks as weeks
from triage.simulation.branching import Branching
from triage.simulation.calendar import DAY, NEVER
from triage.simulation.causes import EVERY
from triage.simulation.ceiling import DISPATCHED, STAGES, Ceiling, ceiling, moments
from triage.simulation.ceiling_figures import figures, judged, share_of_lift
from triage.simulation.demand import Luck
from triage.simulation.floor import INBOUND
from triage.simulation.futures import redraw, reshuffle, shown
from triage.simulation.operations import LINGERS
from triage.simulation.sample import Simulated, simulate

DAYS = range(50, 100, 7)
MOMENTS = ("first_allocated", "allocated", "released", "queued", "started", "cancelled")


@pytest.fixture(scope="module")
def dense() -> Simulated:
    """A distributor with fifty orders a day for 130 days."""
    return simulate(seed=11, orders=6_500, days=130)


@pytest.fixture(scope="module")
def created(dense: Simulated) -> Ceiling:
    return ceiling(dense, STAGES[0], DAYS, 10, processes=2)


def nobody() -> np.ndarray:
    return np.zeros(0, dtype=np.int64)


def test_a_branching_run_that_is_never_turned_is_the_real_one(dense: Simulated) -> None:
    run = Branching(dense.world, dense.shocks, dense.orders)
    run.until(40 * DAY)
    run.until((dense.world.calendar.days + LINGERS) * DAY)
    assert (run.result().delivered == dense.run.delivered).all()
    assert (run.validated == dense.run.validated).all()


@pytest.mark.parametrize("day", [37, 75])
def test_what_happened_before_the_turn_stays_and_what_comes_later_is_another(
    dense: Simulated, day: int
) -> None:
    now, rng = day * DAY, np.random.default_rng(day)
    run = Branching(dense.world, dense.shocks, dense.orders)
    run.until(now)
    known = shown(dense.orders, dense.run, now, nobody(), nobody())
    later = reshuffle(dense.world, dense.orders, now + DAY, rng)
    before = {name: getattr(run.floor, name).copy() for name in MOMENTS}
    shocks = weeks.redraw(dense.world, dense.shocks, now + DAY, rng)
    run.turn(redraw(later, known, rng), shocks, rng, now + DAY)
    run.until(now + 30 * DAY)
    for name in MOMENTS:
        was, came = before[name], getattr(run.floor, name)
        if name not in ("allocated", "queued"):  # these are the last times
            assert (came[was < now] == was[was < now]).all(), name
        real = getattr(dense.run, name)
        assert (was[real < now] == real[real < now]).all(), name
    packed = dense.run.packed
    soon = (dense.orders.created < now) & (packed > now + DAY) & (packed < now + 30 * DAY)
    assert (run.floor.packed != packed)[soon].mean() > 0.1
    assert (run.floor.packed == packed)[packed < now].all()


def test_luck_that_has_shown_stays_and_no_customer_does_earlier_what_he_did_not(
    dense: Simulated,
) -> None:
    now, rng = 60 * DAY, np.random.default_rng(1)
    known = shown(dense.orders, dense.run, now, nobody(), nobody())
    new = redraw(dense.orders, known, rng)
    old = dense.orders
    placed, packed = old.created < now, dense.run.started < now
    for column in (Luck.ENTRY_FAILS, Luck.CREDIT, Luck.DATA):
        assert (new.luck[placed, column] == old.luck[placed, column]).all()
        assert (new.luck[~placed, column] != old.luck[~placed, column]).mean() > 0.99
    assert (new.own.phantom == old.own.phantom)[packed[old.own.order]].all()
    for name in ("changes_at", "gives_up"):
        was, came = getattr(old, name), getattr(new, name)
        done = was < now
        assert (came[done] == was[done]).all()
        assert (came[placed & ~done] >= now).all()
    assert (new.changes_at[~placed] < NEVER).mean() == pytest.approx(0.035, abs=0.01)


def test_another_sequence_of_orders_keeps_their_lines_and_their_times(dense: Simulated) -> None:
    since = 60 * DAY
    new = reshuffle(dense.world, dense.orders, since, np.random.default_rng(2))
    old, first = dense.orders, int(np.searchsorted(dense.orders.created, since))
    assert (new.created == old.created).all()
    assert (new.customer[:first] == old.customer[:first]).all()
    assert (new.own.order[: old.first_line[first]] == old.own.order[: old.first_line[first]]).all()
    assert sorted(new.value[first:]) == sorted(old.value[first:])
    assert (np.bincount(new.own.order) == new.lines).all()
    assert (new.own.order[new.first_line] == np.arange(len(new))).all()
    assert ((new.not_before > 0) <= (new.not_before >= new.created // DAY * DAY)).all()


@settings(max_examples=25, deadline=None)
@given(until=st.integers(1, 131 * DAY), seed=st.integers(0, 1000))
def test_shocks_drawn_anew_agree_with_what_was_known(until: int, seed: int) -> None:
    place = distributor.build(11, 130)
    real = weeks.draw(place)
    new = weeks.redraw(place, real, until, np.random.default_rng(seed))
    day = (until - 1) // DAY
    for name in ("labour", "transit", "weather", "lead", "desk"):
        assert (getattr(new, name)[: day + 1] == getattr(real, name)[: day + 1]).all()
    assert (new.demand == real.demand).all()
    begun, again = (
        [
            shock._replace(last=0)
            for shock in some.listed
            if shock.first <= day and shock.kind != "outage"
        ]
        for some in (real, new)
    )
    assert again == begun
    old, came = (some.outages[some.outages[:, 1] < until] for some in (real, new))
    assert (came[:, :2] == old[:, :2]).all()
    over = old[:, 2] < until
    assert (came[over] == old[over]).all()
    assert (came[~over, 2] >= until).all()


def test_neither_the_shocks_nor_the_deliveries_of_a_day_are_known_at_its_midnight(
    dense: Simulated,
) -> None:
    now = int(dense.world.calendar.workdays[50]) * DAY
    run = Branching(dense.world, dense.shocks, dense.orders)
    run.until(now)

    def due_today() -> int:
        floor = run.floor
        return sum(
            int((floor.due_time[site, INBOUND, : floor.due_size[site, INBOUND]] < now + DAY).sum())
            for site in range(len(dense.world.sites.code))
        )

    known = shown(dense.orders, dense.run, now, nobody(), nobody())
    orders = redraw(dense.orders, known, np.random.default_rng(1))
    real = due_today()
    run.turn(orders, dense.shocks, np.random.default_rng(1), now + DAY)
    assert due_today() == real > 0
    counts = []
    for seed in range(5):
        run.turn(orders, dense.shocks, np.random.default_rng(seed), now)
        counts.append(due_today())
    assert len(set(counts)) > 1

    first = next(shock for shock in dense.shocks.listed if shock.kind == "labour" and shock.first)
    begins = first.first * DAY
    for until, there in ((begins, False), (begins + 1, True)):
        new = weeks.redraw(dense.world, dense.shocks, until, np.random.default_rng(2))
        same = (first.kind, first.whom, first.first, first.factor)
        assert (same in [(s.kind, s.whom, s.first, s.factor) for s in new.listed]) is there


def test_the_chance_of_being_late_on_the_road_is_that_of_many_shipments(dense: Simulated) -> None:
    orders, rng = dense.orders, np.random.default_rng(3)
    chosen = np.flatnonzero(dense.run.dispatched < NEVER)
    left = dense.run.dispatched[chosen]
    chance = transit.chance_late(dense.world, dense.shocks, orders, left, chosen)
    late, repeats = np.zeros(len(chosen)), 150
    for _ in range(repeats):
        again = replace(
            orders,
            luck=rng.random(orders.luck.shape, dtype=np.float32),
            drift=rng.standard_normal(len(orders), dtype=np.float32),
        )
        came = transit.deliver(
            dense.world, dense.shocks, again, left, EVERY, chosen=chosen
        )  # fmt: skip
        late += came >= orders.late_from[chosen]
    error = late / repeats - chance
    assert abs(error.mean()) < 0.001
    spread = np.sqrt(np.maximum(chance * (1 - chance), 1e-4) / repeats)
    assert np.abs(error / spread).max() < 6
    assert (error**2).mean() == pytest.approx((spread**2).mean(), rel=0.1)


def test_what_never_leaves_is_late(dense: Simulated) -> None:
    never = np.array([NEVER])
    chance = transit.chance_late(dense.world, dense.shocks, dense.orders, never, np.array([0]))
    assert chance.tolist() == [1.0]


def test_chances_are_right_on_average_and_where_they_are_high_or_low(
    dense: Simulated, created: Ceiling
) -> None:
    """Sorted by one half of the futures, so that the other half is free of the sorting's noise."""
    chosen = judged(dense, created)
    late = (dense.run.delivered[created.order] >= dense.orders.late_from[created.order])[chosen]
    first, second = created.halves[:, chosen]
    assert late.sum() > 20
    assert second.mean() == pytest.approx(late.mean(), abs=0.04)
    for group in (first < 0.1, first >= 0.5):
        assert second[group].mean() == pytest.approx(late[group].mean(), abs=0.1)


def test_nearly_every_future_agrees_with_what_is_known_of_an_order(created: Ceiling) -> None:
    assert (created.futures <= created.tried).all()
    assert (created.futures >= created.tried / 2).mean() > 0.97


def test_more_futures_rank_no_worse_and_half_a_ceiling_is_below_the_whole(
    dense: Simulated, created: Ceiling
) -> None:
    late = dense.run.delivered[created.order] >= dense.orders.late_from[created.order]
    found = figures(created, late, judged(dense, created))
    assert found.base_rate < found.pr_auc_half <= found.pr_auc_full + 0.005
    assert found.pr_auc == pytest.approx(2 * found.pr_auc_full - found.pr_auc_half)
    assert found.expected == pytest.approx(found.pr_auc_full, abs=0.15)


def test_at_dispatch_more_is_known_than_at_creation(dense: Simulated, created: Ceiling) -> None:
    later = ceiling(dense, DISPATCHED, range(130), 0)
    both, at, there = np.intersect1d(created.order, later.order, return_indices=True)
    late = dense.run.delivered[both] >= dense.orders.late_from[both]
    brier = [((p - late) ** 2).mean() for p in (created.p[at], later.p[there])]
    assert brier[1] < brier[0]
    assert later.tried == 0


def test_the_number_of_processes_changes_nothing(dense: Simulated, created: Ceiling) -> None:
    alone = ceiling(dense, STAGES[0], DAYS[:1], 10)
    same = np.isin(created.order, alone.order)
    assert (created.order[same] == alone.order).all()
    assert (created.p[same] == alone.p).all()


def test_an_order_for_a_later_day_is_scored_when_its_day_begins(dense: Simulated) -> None:
    when = moments(dense, STAGES[0])
    assert (when[when < NEVER] >= dense.orders.not_before[when < NEVER]).all()
    assert (when >= dense.orders.created).all()


def test_each_stage_has_its_ceiling(dense: Simulated) -> None:
    for stage in STAGES[1:4]:
        found = ceiling(dense, stage, [60], 4, processes=2)
        assert len(found.order) > 10
        assert (found.futures >= 2).mean() > 0.9
        known = found.p[found.futures > 0]
        assert ((known >= 0) & (known <= 1)).all()


def test_odd_questions_are_refused_in_words(dense: Simulated) -> None:
    with pytest.raises(SimulationError, match="no stage"):
        ceiling(dense, "delivered", [60], 4)
    with pytest.raises(SimulationError, match="two futures"):
        ceiling(dense, STAGES[0], [60], 1)


def test_the_share_of_the_lift_counts_from_the_base_rate() -> None:
    assert share_of_lift(0.1, 0.4, 0.7) == pytest.approx(0.5)
    assert share_of_lift(0.1, 0.1, 0.7) == 0
    assert np.isnan(share_of_lift(0.1, 0.1, 0.1))
