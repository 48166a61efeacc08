"""The business exceptions that really happened in a run: what, why, when, and who heard of it.

Each follows from an event of the run. Not every event becomes an exception: some are settled before
anybody writes them down. What is written down keeps the mix that is published for distribution:
about 45 % inventory, 30 % address and data, 15 % credit, 10 % shipping.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from triage.simulation import exception_causes as causes
from triage.simulation import transit
from triage.simulation.calendar import DAY, HOUR, NEVER, Ints
from triage.simulation.demand import Orders
from triage.simulation.dialect_sources import heard_by, hears_at
from triage.simulation.draws import Floats, uniforms
from triage.simulation.exception_causes import Bools
from triage.simulation.result import Result
from triage.simulation.shocks import Shocks
from triage.simulation.world import World

KINDS = (
    *("order_capture_error", "duplicate_order", "address_constraint", "credit_hold"),
    *("price_discrepancy", "inventory_shortage", "allocation_mismatch", "pick_short"),
    *("carrier_delay", "carrier_damage", "integration_failure", "invoice_mismatch"),
    "customer_change",
)
(
    CAPTURE, DUPLICATE, ADDRESS, CREDIT, PRICE, SHORTAGE, ALLOCATION, PICK, DELAY, DAMAGE,
    INTEGRATION, INVOICE, CHANGE,
) = range(13)  # fmt: skip
GROUPS = {
    "inventory": (SHORTAGE, ALLOCATION, PICK),
    "data": (CAPTURE, DUPLICATE, ADDRESS, PRICE, INTEGRATION, INVOICE, CHANGE),
    "credit": (CREDIT,),
    "shipping": (DELAY, DAMAGE),
}

_MIX = {"inventory": 0.45, "data": 0.30, "credit": 0.15, "shipping": 0.10}
_WRITTEN = np.array(
    [0.66, 0.66, 0.66, 0.98, 0.52, 0.98, 0.98, 0.98, 0.09, 0.98, 0.38, 0.0, 0.50], dtype=np.float64
)
"""At most so large a share of the events of each kind is written down, before the mix is kept;
invoices and late parcels below."""
_LATE_WRITTEN = 0.15
_BILLED_WRONG = {"price": 0.13, "short": 0.25, "slip": 0.002}
_ROW = 7_000
_COLUMNS = 16
(_IS_WRITTEN, _WHICH, _WHEN, _TAKES, _SOURCE, _RECORDED, _CLOSED, _IS_KEPT) = range(8)


@dataclass(frozen=True, slots=True)
class Occurrences:
    """Exceptions in the sequence in which they were recorded. Moments are minutes.

    Attributes:
        order: number of the order.
        kind: number in KINDS: the truth.
        cause: number in `exception_causes.CAUSES`: what lies behind it.
        line: number of the line in question, or -1.
        source: number in `dialect_sources.SOURCES`: who reports it.
        raised, recorded: when it began, and when that source shows it.
        resolved, resolved_recorded: when it ended, NEVER if it has not.
    """

    order: Ints
    kind: Ints
    cause: Ints
    line: Ints
    source: Ints
    raised: Ints
    recorded: Ints
    resolved: Ints
    resolved_recorded: Ints

    def __len__(self) -> int:
        return len(self.order)

    def take(self, which: npt.NDArray[np.integer] | Bools) -> Occurrences:
        """Return some of them."""
        return Occurrences(*(getattr(self, field.name)[which] for field in fields(self)))


class _Book:
    """What has been written down so far."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.rows: list[tuple[Ints, ...]] = []

    def luck(self, kind: int, column: int, order: Ints) -> Floats:
        return uniforms(
            self.world.seed, order, np.full_like(order, _ROW + kind * _COLUMNS + column)
        )

    def some(self, kind: int, happened: Bools, share: Floats | float | None = None) -> Ints:
        """Return those orders to which something happened that somebody writes down."""
        order = np.flatnonzero(happened)
        wanted = np.broadcast_to(_WRITTEN[kind] if share is None else share, happened.shape)
        return order[self.luck(kind, _IS_WRITTEN, order) < wanted[order]]

    def between(self, kind: int, order: Ints, first: Ints, last: Ints) -> Ints:
        """Return moments between two others, not at the very ends."""
        share = 0.1 + 0.75 * self.luck(kind, _WHEN, order)
        found: Ints = first + (share * (last - first)).astype(np.int64)
        return found

    def add(
        self, kind: int | Ints, order: Ints, cause: int | Ints, line: int | Ints, raised: Ints,
        resolved: Ints,
    ) -> None:  # fmt: skip
        whole = [np.broadcast_to(np.asarray(part), order.shape) for part in (kind, cause, line)]
        self.rows.append((order, *whole, raised, np.where(resolved < raised, NEVER, resolved)))


def occurrences(world: World, shocks: Shocks, orders: Orders, result: Result) -> Occurrences:
    """Return every exception of a run that somebody wrote down."""
    book = _Book(world)
    _at_the_desk(book, orders, result)
    _in_messages(book, shocks, orders, result)
    _on_the_shelf(book, shocks, orders, result)
    _on_the_road(book, shocks, orders, result)
    _on_paper(book, orders, result)
    order, kind, cause, line, raised, resolved = (
        np.concatenate(column).astype(np.int64) for column in zip(*book.rows, strict=True)
    )
    site, carrier = result.site[order], result.carrier[order]
    luck = np.zeros((4, len(order)))
    for number in range(len(KINDS)):
        mine = kind == number
        for row, column in enumerate((_SOURCE, _RECORDED, _CLOSED, _IS_KEPT)):
            luck[row, mine] = book.luck(number, column, order[mine])
    kept = luck[3] < _kept(kind)[kind]
    source = heard_by(orders.channel[order], world.sites.third_party[site], kind, luck[0])
    recorded = hears_at(world, source, site, carrier, raised, luck[1])
    ended = np.where(resolved < NEVER, resolved, 0)
    closed = np.maximum(hears_at(world, source, site, carrier, ended, luck[2]), recorded)
    found = Occurrences(
        order, kind, cause, line, source, raised, recorded, resolved,
        np.where(resolved < NEVER, closed, NEVER),
    )  # fmt: skip
    found = found.take(kept)
    return found.take(np.lexsort((found.kind, found.order, found.raised, found.recorded)))


def _kept(kind: Ints) -> Floats:
    """Return, by kind, the share that is kept so that the groups stand in the published mix.

    The scarcest group is kept whole.
    """
    count = np.bincount(kind, minlength=len(KINDS))
    sizes = {group: max(int(count[list(kinds)].sum()), 1) for group, kinds in GROUPS.items()}
    whole = min(sizes[group] / share for group, share in _MIX.items())
    kept = np.ones(len(KINDS))
    for group, kinds in GROUPS.items():
        kept[list(kinds)] = _MIX[group] * whole / sizes[group]
    return kept


def _at_the_desk(book: _Book, orders: Orders, result: Result) -> None:
    """Credit, data and price: found by the automatic checks, over when the order is validated."""
    entry = result.entry
    held = book.some(CREDIT, entry.credit)
    reason = causes.of_credit(book.world, orders, held)
    book.add(CREDIT, held, reason, -1, entry.checked[held], result.validated[held])
    held = book.some(CAPTURE, entry.data)
    luck = book.luck(CAPTURE, _WHICH, held)
    kind = np.where(luck < 0.42, CAPTURE, np.where(luck < 0.60, DUPLICATE, ADDRESS))
    why = np.array([causes.ENTRY_MISTAKE, causes.SENT_TWICE, causes.ADDRESS_DATA])[kind]
    why = np.where((kind == ADDRESS) & orders.regulated[held], causes.DANGEROUS_GOODS, why)
    line = np.where(kind == CAPTURE, orders.first_line[held], -1)
    line += (line >= 0) * (book.luck(CAPTURE, _TAKES, held) * orders.lines[held]).astype(np.int64)
    book.add(kind, held, why, line, entry.checked[held], result.validated[held])
    held = book.some(PRICE, entry.price)
    line = _wrong_line(orders, held)
    reason = causes.of_price(orders, line)
    book.add(PRICE, held, reason, line, entry.checked[held], result.validated[held])


def _in_messages(book: _Book, shocks: Shocks, orders: Orders, result: Result) -> None:
    """Messages that failed or stood still: on the way in, and on the way to the floor."""
    entry = result.entry
    lost = book.some(INTEGRATION, entry.failed)
    raised = book.between(INTEGRATION, lost, orders.created[lost], entry.entered[lost])
    reason = causes.of_message(shocks, 0, orders.created[lost] + 5)
    book.add(INTEGRATION, lost, reason, -1, raised, entry.entered[lost])
    lost = book.some(ALLOCATION, result.held_release)
    reason = causes.of_message(shocks, 1, result.allocated[lost])
    luck = book.luck(ALLOCATION, _WHICH, lost)
    kind = np.where(luck < np.where(reason == causes.OUTAGE, 0.25, 0.80), ALLOCATION, INTEGRATION)
    raised = book.between(ALLOCATION, lost, result.allocated[lost], result.queued[lost])
    line = orders.first_line[lost]
    line = line + (book.luck(ALLOCATION, _TAKES, lost) * orders.lines[lost]).astype(np.int64)
    book.add(
        kind, lost, reason, np.where(kind == ALLOCATION, line, -1), raised, result.queued[lost]
    )


def _on_the_shelf(book: _Book, shocks: Shocks, orders: Orders, result: Result) -> None:
    """Stock that is short, shelves that are empty, changes that reach an order under way."""
    short = book.some(SHORTAGE, result.short_since < NEVER)
    line = causes.short_line(book.world, orders, result, short)
    sku = orders.own.sku[np.where(line >= 0, line, orders.first_line[short])]
    reason = causes.of_shortage(book.world, shocks, result, short, sku)
    since = result.short_since[short]
    book.add(SHORTAGE, short, reason, line, since, _next(result, short, since))
    short = book.some(PICK, result.short_at < NEVER)
    at = result.short_at[short]
    every, _ = causes.lines_of(orders, short)
    line = causes.worst_line(orders, short, -orders.own.phantom[every])
    again = _next(result, short, at)
    over = np.where(result.in_full[short], again, np.minimum(result.packed[short], again))
    book.add(PICK, short, causes.PHANTOM_STOCK, line, at, over)
    changed = book.some(CHANGE, result.change_seen < NEVER)
    seen = result.change_seen[changed]
    over = np.minimum(seen + orders.change_takes[changed], _next(result, changed, seen))
    book.add(CHANGE, changed, causes.CUSTOMER, -1, seen, over)


def _on_the_road(book: _Book, shocks: Shocks, orders: Orders, result: Result) -> None:
    """Shipments that are slower than the lane, or damaged."""
    world, left = book.world, result.dispatched < NEVER
    arrived = result.delivered < NEVER
    town = world.customers.town[orders.customer]
    day = np.where(left, result.dispatched, 0) // DAY
    nominal = world.calendar.ahead(day, world.lane_days[result.site, town, result.service])
    broken = book.some(DAMAGE, arrived & transit.damaged(orders))
    raised = book.between(DAMAGE, broken, result.dispatched[broken], result.delivered[broken])
    book.add(DAMAGE, broken, causes.HANDLING, -1, raised, result.delivered[broken])
    missed_day = arrived & (result.delivered // DAY > nominal) & ~transit.damaged(orders)
    missed = result.delivered >= orders.late_from
    slow = book.some(DELAY, missed_day, np.where(missed, _LATE_WRITTEN, _WRITTEN[DELAY]))
    raised = book.between(DELAY, slow, result.dispatched[slow], result.delivered[slow])
    reason = causes.of_delay(world, shocks, orders, result, slow)
    book.add(DELAY, slow, reason, -1, raised, result.delivered[slow])


def _on_paper(book: _Book, orders: Orders, result: Result) -> None:
    """Invoices: wrong prices that no check found, pieces billed that were not shipped, slips."""
    n, own = len(orders), orders.own
    wrong = np.bincount(own.order, own.prices.error > 0, n) > 0
    wrong &= ~result.entry.price
    share = np.where(wrong, _BILLED_WRONG["price"], _BILLED_WRONG["slip"])
    share = np.where(result.in_full, share, _BILLED_WRONG["short"])
    billed = book.some(INVOICE, result.delivered < NEVER, share)
    line = np.where(wrong[billed], _wrong_line(orders, billed), -1)
    every, _ = causes.lines_of(orders, billed)
    missing = causes.worst_line(orders, billed, -own.phantom[every])
    line = np.where(result.in_full[billed], line, missing)
    reason = np.where(wrong[billed], causes.of_price(orders, line), causes.BILLING_SLIP)
    reason = np.where(result.in_full[billed], reason, causes.SHORT_SHIPMENT)
    calendar = book.world.calendar
    wait = (HOUR + 72 * HOUR * book.luck(INVOICE, _WHEN, billed)).astype(np.int64)
    raised = calendar.after(result.delivered[billed], wait)
    takes = (2 * HOUR + 80 * HOUR * book.luck(INVOICE, _TAKES, billed) ** 2).astype(np.int64)
    book.add(INVOICE, billed, reason, line, raised, calendar.after(raised, takes))


def _wrong_line(orders: Orders, order: Ints) -> Ints:
    line, _ = causes.lines_of(orders, order)
    return causes.worst_line(orders, order, (orders.own.prices.error[line] > 0).astype(np.float64))


def _next(result: Result, order: Ints, after: Ints) -> Ints:
    """Return when orders went on after a moment: allocated (again) or cancelled."""
    again, gone = result.allocated[order], result.cancelled[order]
    return np.minimum(np.where(again > after, again, NEVER), np.where(gone >= after, gone, NEVER))
