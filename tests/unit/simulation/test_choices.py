"""Ways chosen at any moment, as they came and by chance."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from triage.simulation.alternatives import alternatives
from triage.simulation.calendar import DAY, NEVER
from triage.simulation.causes import EVERY
from triage.simulation.chances import worths
from triage.simulation.choices import Choice, Chooser
from triage.simulation.economics import SUBSTITUTE_COST
from triage.simulation.interventions import People
from triage.simulation.operations import Operations
from triage.simulation.policies import Action, Proposal, Staff, nobody
from triage.simulation.sample import Simulated
from triage.simulation.ways import FASTER, MOVE


@pytest.fixture(scope="module")
def chooser(small: Simulated) -> Chooser:
    return Chooser(small)


def waiting(small: Simulated, every: int = 9) -> list[tuple[int, int]]:
    """Return orders that wait for stock for more than a day, each a day after that began."""
    run = small.run
    short = np.flatnonzero(
        (run.short_since < NEVER) & (run.cancelled >= NEVER)
        & (run.first_allocated > run.short_since + DAY) & (run.short_since < 380 * DAY)
    )  # fmt: skip
    return [(order, int(run.short_since[order]) + DAY) for order in short[::every].tolist()]


def test_chosen_when_the_checks_were_through_it_is_what_alternatives_say(
    small: Simulated, chooser: Chooser
) -> None:
    ways = alternatives(small.world, small.shocks, small.orders, small.run)
    ready = np.maximum(small.run.validated, small.orders.not_before)
    at = np.flatnonzero(
        np.isin(ways.action, (MOVE, FASTER)) & (ready[ways.order] < 400 * DAY)
    )[::41]  # fmt: skip
    choices = []
    for place in at.tolist():
        order = int(ways.order[place])
        if ways.action[place] == MOVE:
            every = tuple(range(int(small.orders.lines[order])))
            choices.append(Choice(order, int(ready[order]) - 1, int(ways.site[place]), every))
        else:
            choices.append(Choice(order, int(ready[order]) - 1, express=True))
    came = chooser.came(choices)
    assert len(choices) > 40
    assert came.possible.mean() > 0.98
    same = came.delivered[came.possible] == ways.delivered[at][came.possible]
    assert same.mean() > 0.98
    assert np.allclose(came.cost[came.possible], ways.cost[at][came.possible])


def test_a_later_choice_agrees_with_the_world_run_anew(small: Simulated, chooser: Chooser) -> None:
    agree = tried = 0
    for order, minute in waiting(small):
        every = tuple(range(int(small.orders.lines[order])))
        sites = chooser.stocking(order, every).tolist()
        there = [site for site in sites if not chooser.short(order, minute, site)]
        if not there or tried == 5:
            continue
        choice = Choice(order, minute, there[0], every)
        run = Operations(small.world, small.shocks, small.orders, EVERY)
        people = People(run, nobody, Staff())
        people.at(minute, Proposal(order, Action.OTHER_WAREHOUSE, choice.site))
        again = run.run()
        assert [deed.done for deed in people.deeds] == [True]
        came = chooser.came([choice])
        tried += 1
        agree += int(again.delivered[order] // DAY == came.delivered[0] // DAY)
    assert tried == 5
    assert agree >= 4


def test_both_at_once_cost_the_faster_freight_of_all_that_ships(
    small: Simulated, chooser: Chooser
) -> None:
    seen: set[str] = set()
    for order, minute in waiting(small, 1):
        every = tuple(range(int(small.orders.lines[order])))
        if not chooser.may_express(order):
            continue
        faster = chooser.came([Choice(order, minute, express=True)]).cost[0]
        ways = [Choice(order, minute, int(s), every) for s in chooser.stocking(order, every)[:1]]
        ways += [
            Choice(order, minute, int(s), every[:1])
            for s in chooser.stocking(order, every[:1])[:1]
            if len(every) > 1
        ]
        ways += [each for each in chooser.completing(order, minute)[:1] if len(every) > 1]
        for way in ways:
            whole = len(way.moves) == len(every) and not way.pieces
            plain, both = chooser.came([way, replace(way, express=True)]).cost
            seen.add("whole" if whole else "pieces" if way.pieces else "lines")
            assert both > plain
            assert whole or both > plain + faster
    assert seen == {"whole", "lines", "pieces"}


def test_what_has_its_stock_cannot_move_and_costs_nothing(
    small: Simulated, chooser: Chooser
) -> None:
    order = int(np.flatnonzero((small.run.packed < NEVER) & (small.run.cancelled >= NEVER))[7])
    every = tuple(range(int(small.orders.lines[order])))
    after = int(small.run.first_allocated[order])
    came = chooser.came([Choice(order, after, int(s), every) for s in range(3)])
    assert not came.possible.any()
    assert (came.saved == 0).all()
    assert (came.cost == 0).all()
    assert (came.delivered == NEVER).all()


def test_by_chance_a_way_is_worth_the_same_each_time_and_errors_shrink(small: Simulated) -> None:
    chooser = Chooser(small)
    choices = []
    for order, minute in waiting(small):
        every = tuple(range(int(small.orders.lines[order])))
        sites = chooser.stocking(order, every).tolist()
        choices += [Choice(order, minute, site, every) for site in sites[:2]]
    choices = choices[:4]
    first, again = worths(small, choices, 3), worths(small, choices, 3)
    for name in ("futures", "late_staying", "late_this_way", "cost", "saved"):
        assert (getattr(first, name) == getattr(again, name)).all()
    assert (first.futures <= 3).all()
    assert first.futures.sum() > 0
    counted = first.futures > 0
    assert ((first.late_staying >= 0) & (first.late_staying <= 1))[counted].all()


def test_missing_pieces_from_elsewhere_arrive_no_sooner_than_in_the_world_run_anew(
    small: Simulated, chooser: Chooser
) -> None:
    """A replay looks at what a wave left on the shelves, so it may be a day too late."""
    agree, tried = 0, 0
    for order, minute in waiting(small):
        ways = chooser.completing(order, minute)
        if not ways or tried == 8:
            continue
        run = Operations(small.world, small.shocks, small.orders, EVERY)
        people = People(run, nobody, Staff())
        people.at(minute, Proposal(order, Action.SPLIT, ways[0].site))
        again = people.parts.together(run.run())
        assert [deed.done for deed in people.deeds] == [True]
        came = chooser.came(ways[:1])
        tried += 1
        agree += int(again.delivered[order] // DAY == came.delivered[0] // DAY)
        assert again.delivered[order] // DAY <= came.delivered[0] // DAY
        assert came.cost[0] > 0
        pieces = small.orders.own.quantity[small.orders.own.order == order]
        assert sum(ways[0].pieces) < pieces.sum()
    assert tried == 8
    assert agree >= 5


def test_a_substitute_arrives_when_it_does_in_the_world_run_anew(
    small: Simulated, chooser: Chooser
) -> None:
    agree = tried = 0
    for order, minute in waiting(small, 1):
        ways = chooser.substituted(order, minute)
        if not ways or tried == 4:
            continue
        run = Operations(small.world, small.shocks, small.orders, EVERY)
        people = People(run, nobody, Staff())
        people.at(minute, Proposal(order, Action.SUBSTITUTE))
        again = run.run()
        assert [deed.done for deed in people.deeds] == [True]
        came = chooser.came(ways)
        tried += 1
        agree += int(again.delivered[order] // DAY == came.delivered[0] // DAY)
        assert came.cost[0] == SUBSTITUTE_COST
    assert tried == 4
    assert agree >= 3
