"""What a policy is worth: one world, with and without it, in orders, USD and minutes."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from triage.simulation.calendar import DAY, NEVER
from triage.simulation.causes import EVERY
from triage.simulation.demand import Orders
from triage.simulation.economics import (
    MOVE_COST,
    SPLIT_COST,
    SUBSTITUTE_COST,
    freight,
    freight_of,
    lateness_cost,
)
from triage.simulation.interventions import People
from triage.simulation.operations import Operations
from triage.simulation.policies import Action, Deed, Policy, Staff, nobody
from triage.simulation.result import Result
from triage.simulation.shocks import Shocks
from triage.simulation.world import World

TOLD_IN_TIME = 0.5
"""Share of the cost of lateness that is left when the customer was told beforehand."""

HANDLING = {
    Action.OTHER_WAREHOUSE: MOVE_COST,
    Action.SPLIT: SPLIT_COST,
    Action.SUBSTITUTE: SUBSTITUTE_COST,
}
"""USD of handling, by action that causes any."""


@dataclass(frozen=True, slots=True)
class Value:
    """Figures of one run, over the orders promised within its days and not cancelled.

    Attributes:
        orders: how many.
        late: share that was late.
        otif: share that was on time and in full.
        penalties: USD owed and lost by being late.
        freight: USD.
        margin: USD left after goods, freight, handling, lateness and people's time.
        minutes: of people's time.
        proposals, followed, worked: how many were taken on, followed, and still possible.
    """

    orders: int
    late: float
    otif: float
    penalties: float
    freight: float
    margin: float
    minutes: float
    proposals: int
    followed: int
    worked: int

    def as_dict(self) -> dict[str, float]:
        """Return the figures by name."""
        return asdict(self)


def run_policy(
    world: World,
    shocks: Shocks,
    orders: Orders,
    policy: Policy = nobody,
    staff: Staff | None = None,
) -> tuple[Value, Result, list[Deed]]:
    """Run a world under a policy.

    Args:
        world: the distributor.
        shocks: its bad weeks.
        orders: what was ordered; another policy meets the same orders with the same luck.
        policy: what to propose, session by session.
        staff: who acts on it; by default two people for three hours a day.

    Returns:
        The figures, what happened, and what people did.
    """
    staff = staff or Staff()
    run = Operations(world, shocks, orders, EVERY)
    people = People(run, policy, staff)
    people.start()
    result = people.parts.together(run.run())
    return value(world, orders, result, people.deeds, people.minutes, staff), result, people.deeds


def value(
    world: World, orders: Orders, run: Result, deeds: list[Deed], minutes: float, staff: Staff
) -> Value:
    """Return the figures of a run (see `Value`)."""
    chosen = np.flatnonzero(
        (run.cancelled >= NEVER) & (orders.late_from <= world.calendar.days * DAY)
    )
    on_time = run.delivered[chosen] < orders.late_from[chosen]
    lost = lateness_cost(orders, chosen, run.delivered[chosen])
    lost *= np.where(told_in_time(orders, run, deeds)[chosen], TOLD_IN_TIME, 1.0)
    carried = freight(
        world, orders, chosen, run.site[chosen], run.service[chosen], run.carrier[chosen]
    )
    handling = extra_costs(world, orders, run, deeds)
    earned = float((orders.value - orders.cost)[chosen].sum())
    margin = earned - float(carried.sum()) - float(lost.sum()) - handling - minutes * staff.wage
    count = max(len(chosen), 1)
    return Value(
        len(chosen), float((~on_time).sum() / count),
        float((on_time & run.in_full[chosen]).sum() / count),
        round(float(lost.sum()), 2), round(float(carried.sum()), 2), round(margin, 2),
        round(minutes, 1), len(deeds), sum(d.followed for d in deeds), sum(d.done for d in deeds),
    )  # fmt: skip


def extra_costs(world: World, orders: Orders, run: Result, deeds: list[Deed]) -> float:
    """Return USD of handling, and of second parts' freight, for what people did to any order."""
    done = [deed for deed in deeds if deed.done]
    parts = [deed for deed in done if deed.kg > 0]
    order = np.array([deed.proposal.order for deed in parts], dtype=np.int64)
    carried = freight_of(
        world, orders, order, np.array([deed.kg for deed in parts]),
        np.array([deed.proposal.site for deed in parts], dtype=np.int64),
        run.service[order], run.carrier[order],
    )  # fmt: skip
    handled = sum(HANDLING.get(deed.proposal.action, 0.0) for deed in done)
    return handled + float(carried.sum())


def told_in_time(
    orders: Orders, run: Result, deeds: list[Deed]
) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Return which customers were told before the promise passed or the goods came."""
    told = np.zeros(len(orders), dtype=bool)
    for deed in deeds:
        order = deed.proposal.order
        if deed.done and deed.proposal.action is Action.TELL_CUSTOMER:
            told[order] |= deed.minute < min(run.delivered[order], orders.late_from[order])
    return told
