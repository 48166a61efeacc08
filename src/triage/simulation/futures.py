"""What may still come: an order's luck drawn anew, as far as it has not shown by a moment.

Each column of luck shows at one point of an order's way: its entry, the desk's answer, the message
to the floor, the pick. What has shown stays as it was. What a customer has not done yet (change,
cancel) is drawn anew, given that it was not done so far.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from triage.simulation.calendar import DAY, NEVER, Ints
from triage.simulation.demand import Luck, Orders
from triage.simulation.result import Result
from triage.simulation.world import World

Bools = npt.NDArray[np.bool_]

_ENTRY = (Luck.ENTRY_FAILS, Luck.ENTRY_REPAIR, Luck.ENTRY_LAG)
_DESK = (
    *(Luck.CREDIT, Luck.CREDIT_ANSWER, Luck.DATA, Luck.DATA_ANSWER, Luck.PRICE_CHECK),
    *(Luck.DESK_WORK, Luck.DESK_RECORDED),
)
_CHANGE = (Luck.CHANGE, Luck.CHANGE_AT, Luck.CHANGE_TAKES)
_REGRET = (Luck.REGRET, Luck.REGRET_AT)
_PICK = (Luck.PARTIAL, Luck.RECOUNT)
_OWN = (
    *("customer", "channel", "site", "service", "carrier", "first_line", "lines", "weight_kg"),
    *("value", "cost", "regulated", "penalty", "priority"),
)
"""What an order is, apart from its times and its luck."""
_MOST_TRIES = 200


@dataclass(frozen=True, slots=True)
class Shown:
    """Which luck of n orders has shown, and until when each is known.

    Attributes:
        until: (n,) minute up to which an order is known; -1 for one that has not been placed.
        entry, desk, release, repair, pick: (n,) whether that luck has shown.
    """

    until: Ints
    entry: Bools
    desk: Bools
    release: Bools
    repair: Bools
    pick: Bools


def shown(orders: Orders, real: Result, now: int, chosen: Ints, moments: Ints) -> Shown:
    """Return what has shown when the world stands still at a minute, and some orders later.

    Args:
        orders: what was ordered.
        real: what became of it.
        now: minute up to which every order is known.
        chosen: (k,) orders that are known for longer.
        moments: (k,) until when.

    A case that the office has begun, and a message that is being repaired, end when they really
    ended, except for the chosen orders.
    """
    until = np.where(orders.created < now, now, -1)
    until[chosen] = moments
    known = np.zeros(len(orders), dtype=bool)
    known[chosen] = True
    begun = orders.created < now
    return Shown(
        until,
        known | begun,
        np.where(known, real.validated <= until, begun) | (real.entry.checked < now),
        real.first_allocated <= until,
        (real.released <= until) | (real.first_allocated < now),
        np.minimum(real.started, real.short_at) <= until,
    )


def redraw(orders: Orders, known: Shown, rng: np.random.Generator) -> Orders:
    """Return the orders with new luck wherever it has not shown.

    Luck on the road is left alone: `transit.chance_late` integrates it out.
    """
    fresh = rng.random(orders.luck.shape, dtype=np.float32)
    luck = orders.luck.copy()
    for columns, there in (
        (_ENTRY, known.entry), (_DESK, known.desk), ((Luck.RELEASE_FAILS,), known.release),
        ((Luck.RELEASE_REPAIR,), known.repair), (_PICK, known.pick),
    ):  # fmt: skip
        for column in columns:
            luck[:, column] = np.where(there, orders.luck[:, column], fresh[:, column])
    phantom = np.where(
        known.pick[orders.own.order], orders.own.phantom, rng.random(len(orders.own.phantom))
    )
    new = replace(orders, luck=luck, own=replace(orders.own, phantom=phantom))
    for columns, moment in ((_CHANGE, "changes_at"), (_REGRET, "gives_up")):
        _redraw_deed(new, columns, moment, known.until, rng)
    return new


def reshuffle(world: World, orders: Orders, since: int, rng: np.random.Generator) -> Orders:
    """Return the orders with those from a minute on in another sequence.

    When orders are placed stays, so busy weeks do; who orders what, from where and by whom is
    permuted among them.
    """
    first = int(np.searchsorted(orders.created, since))
    from_ = np.arange(len(orders))
    from_[first:] = first + rng.permutation(len(orders) - first)
    to = np.empty_like(from_)
    to[from_] = np.arange(len(orders))
    calendar, day = world.calendar, orders.created // DAY
    ahead = calendar.before[orders.not_before // DAY] - calendar.before[day]
    later = calendar.ahead(day, np.maximum(ahead[from_], 0)) * DAY
    moved = {name: getattr(orders, name)[from_] for name in _OWN}
    return replace(
        orders,
        **moved,
        not_before=np.where(
            np.arange(len(orders)) < first,
            orders.not_before,
            np.where(orders.not_before[from_] > 0, later, 0),
        ),
        own=replace(orders.own, order=to[orders.own.order]),
    )


def _redraw_deed(
    orders: Orders, columns: tuple[Luck, ...], moment: str, until: Ints, rng: np.random.Generator
) -> None:
    """Draw anew, in place, what customers do, given that they have not done it so far."""
    left = np.flatnonzero(getattr(orders, moment) > until)
    place = np.array(columns)
    for _ in range(_MOST_TRIES):
        orders.luck[left[:, None], place] = rng.random((len(left), len(place)), dtype=np.float32)
        left = left[getattr(orders, moment)[left] <= until[left]]
        if not len(left):
            return
    orders.luck[left, columns[0]] = 1.0  # so long after the order nobody does it


def happened_alike(real: Result, chosen: Ints, moments: Ints, future: dict[str, Ints]) -> Bools:
    """Return (k,) whether a future agrees with what had really happened to orders by a moment.

    Args:
        real: what really happened.
        chosen: (k,) orders.
        moments: (k,) up to when each is known.
        future: (n,) moments of a future by name, such as `released`.
    """
    alike = np.ones(len(chosen), dtype=bool)
    for name, came in future.items():
        was, now = getattr(real, name)[chosen], came[chosen]
        alike &= np.where(was <= moments, now == was, (now > moments) | (now >= NEVER))
    return alike
