"""A rule that blames each late order on its slowest step, by records alone: the bar to beat.

At the moment when a promise passes the rule looks at the milestones that the ERP has heard of by
then, and blames the step that has taken longest beyond its usual time. It knows no truth, and no
cause that leaves no step of its own (changes by the customer, weather, a tight promise).
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from triage.simulation.calendar import DAY, NEVER, Calendar, Ints
from triage.simulation.columns import order_no
from triage.simulation.draws import Floats
from triage.simulation.sample import Simulated
from triage.simulation.systems import Told, happened, milestones

_STEPS = {
    "integration": ("order_created", "entered"),
    "approval": ("entered", "order_validated"),
    "stock": ("may_begin", "allocation_confirmed"),
    "message": ("allocation_confirmed", "pick_released"),
    "capacity": ("pick_released", "shipment_dispatched"),
    "carrier": ("shipment_dispatched", "delivered"),
}


def slowest_step(done: Simulated) -> pd.DataFrame:
    """Return, of every order whose promise passed unkept, working days beyond the usual by cause.

    Usual is the median of the step by service (on the road: by nominal days of the lane too). A
    step that goes on when the promise passes has taken as long as until then.

    Returns:
        One row an order that is not known as delivered in time: order_id, integration, approval,
        stock, capacity, carrier.
    """
    orders, run = done.orders, done.run
    told = milestones(done.world, happened(orders, run))
    late = (run.cancelled >= NEVER) & (run.delivered >= orders.late_from)
    at = _as_heard(done, told)
    town = done.world.customers.town[orders.customer]
    nominal = done.world.lane_days[orders.site, town, orders.service]
    excess = {}
    for name, (first, last) in _STEPS.items():
        days = _days(done.world.calendar, at[first], at[last], orders.late_from)
        like = orders.service * 100 + (nominal if name == "carrier" else 0)
        begun = at[first] < orders.late_from
        excess[name] = np.where(begun, days - _usual(days, like, at[last] < NEVER), 0.0)
    excess["integration"] += excess.pop("message")
    rows = np.flatnonzero(late)
    frame = {name: values[rows] for name, values in excess.items()}
    return pd.DataFrame({"order_id": order_no(rows).to_pylist(), **frame})


def _as_heard(done: Simulated, told: dict[str, Told]) -> dict[str, Ints]:
    """Return when each milestone happened, as far as it is heard of before the promise passes."""
    late_from = done.orders.late_from
    at = {
        name: np.where(moment.record < late_from, moment.event, NEVER)
        for name, moment in told.items()
    }
    at["entered"] = np.where(
        told["order_created"].record < late_from, told["order_created"].record, NEVER
    )
    at["order_created"] = told["order_created"].event
    at["may_begin"] = np.where(
        at["order_validated"] < NEVER,
        np.maximum(at["order_validated"], done.orders.not_before), NEVER,
    )  # fmt: skip
    return at


def _days(calendar: Calendar, first: Ints, last: Ints, until: Ints) -> Floats:
    """Return working days from one moment to another, or until a third if that comes before."""
    return np.maximum(
        _working(calendar, np.minimum(last, until)) - _working(calendar, np.minimum(first, until)),
        0.0,
    )


def _working(calendar: Calendar, minute: Ints) -> Floats:
    day = minute // DAY
    part: Floats = np.where(calendar.is_workday(day), minute % DAY / DAY, 0.0)
    return part + calendar.before[day]


def _usual(days: Floats, like: Ints, ended: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Floats:
    medians = pd.Series(days[ended]).groupby(like[ended]).median()
    return np.asarray(medians.reindex(like).fillna(0.0), dtype=np.float64)
