"""When the systems hear of what happened: batches, nightly files, clocks that are off.

`event` is what a system writes down as the moment, `record` is when the ERP could have known. Both
are functions of what happened and of the order's luck, so every reader sees the same.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from triage.simulation.calendar import DAY, HOUR, NEVER, Ints
from triage.simulation.demand import Luck, Orders
from triage.simulation.result import Result
from triage.simulation.world import World


class Told(NamedTuple):
    """Moments of one milestone by order, (n,): as written, and when known; NEVER where none."""

    event: Ints
    record: Ints


class Happened(NamedTuple):
    """What the systems report on, by order, (n,): moments, where, who, and the order's luck."""

    created: Ints
    entered: Ints
    held: npt.NDArray[np.bool_]
    site: Ints
    carrier: Ints
    validated: Ints
    allocated: Ints
    released: Ints
    dispatched: Ints
    delivered: Ints
    cancelled: Ints
    luck: npt.NDArray[np.float32]


def happened(orders: Orders, run: Result) -> Happened:
    """Return what the systems report on after a run."""
    return Happened(
        orders.created, run.entry.entered, run.entry.held, run.site, run.carrier, run.validated,
        run.first_allocated, run.released, run.dispatched, run.delivered, run.cancelled,
        orders.luck,
    )  # fmt: skip


def milestones(world: World, run: Happened) -> dict[str, Told]:
    """Return what the systems say of every order, by milestone."""
    site = run.site
    clock = world.sites.clock_minutes[site]
    batch = world.sites.third_party[site]
    known_approval = run.validated + (
        run.luck[:, Luck.DESK_RECORDED] ** 3 * 3 * HOUR * run.held
    ).astype(np.int64)
    left = _shifted(run.dispatched, clock)
    lag = (4 + 50 * run.luck[:, Luck.CONFIRMED] ** 2).astype(np.int64)
    confirmed = np.where(batch, _next_batch(run.dispatched, 21 * HOUR + 30), run.dispatched + lag)
    told = {
        "order_created": Told(run.created, run.entered),
        "order_validated": Told(
            run.validated, np.where(run.validated < NEVER, known_approval, NEVER)
        ),
        "allocation_confirmed": _heard(run.allocated, run.allocated + 6),
        "pick_released": _heard(
            _shifted(run.released, clock),
            np.where(batch, _next_batch(run.released, 13 * HOUR), run.released + 3),
        ),
        "shipment_dispatched": _heard(left, confirmed),
        "delivered": _heard(run.delivered, _file(world, run)),
        "invoice_posted": _invoices(run),
        "order_cancelled": _heard(run.cancelled, run.cancelled + 10),
    }
    return {name: Told(np.minimum(t.event, t.record), t.record) for name, t in told.items()}


def _heard(event: Ints, record: Ints) -> Told:
    return Told(event, np.where(event < NEVER, record, NEVER))


def _shifted(minute: Ints, clock: Ints) -> Ints:
    return np.where(minute < NEVER, minute + clock, NEVER)


def _next_batch(minute: Ints, at: int) -> Ints:
    """Return the next daily batch after a moment."""
    return (minute - at) // DAY * DAY + DAY + at


def _file(world: World, run: Happened) -> Ints:
    """Return when the carrier's file with the delivery arrives: in the night, or days later."""
    carriers, luck = world.carriers, run.luck
    late = luck[:, Luck.FILE_LATE] < carriers.file_late[run.carrier]
    days = 1 + np.where(late, 1 + (5 * luck[:, Luck.FILE_DAYS]).astype(np.int64), 0)
    return (run.delivered // DAY + days) * DAY + carriers.file_minute[run.carrier]


def _invoices(run: Happened) -> Told:
    """Return invoices: mostly the evening of dispatch, some at release, some days after."""
    u, when = run.luck[:, Luck.INVOICE], run.luck[:, Luck.INVOICE_AT].astype(np.float64)
    evening = run.dispatched // DAY * DAY + 20 * HOUR
    before = run.released + (5 + 60 * when).astype(np.int64)
    after = evening + (1 + (4 * when).astype(np.int64)) * DAY
    posted = np.where(u < 0.05, run.released, run.dispatched) < NEVER
    event = np.where(u < 0.05, before, np.where(u > 0.9, after, evening))
    event = np.where(posted, event, NEVER)
    return _heard(event, event + 5)
