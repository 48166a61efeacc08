"""What the log knew of an exception's order when the exception became known.

Every look-back is strict: a record counts if its record_time is before the exception's. The order
itself may have become known in the same moment, as the message names it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import TypeVar
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pandas as pd

from triage.domain.clock import (
    MICROS_PER_DAY,
    MICROS_PER_HOUR,
    UNKNOWN_TIME,
    from_micros,
    to_micros,
)
from triage.domain.records import ExceptionEvent, ExceptionPhase, Milestone, Order
from triage.history.tables import History
from triage.models.exceptions_facts import (
    CATEGORIES,
    NAN,
    NUMBERS,
    PRICES,
    STAGES,
    Floats,
    Line,
    OrderFacts,
    order_numbers,
)
from triage.models.exceptions_mentions import Mentions
from triage.models.exceptions_next import OpenOrders

Ints = npt.NDArray[np.int64]
K = TypeVar("K", bound=Hashable)
_KEPT = {
    "channel": "channel", "service": "service", "carrier": "carrier", "tier": "customer_tier",
    "payment": "payment_method", "region": "destination_region",
}  # fmt: skip
_OF_LINE = ("site", "sku", "category")
_RECENT, _DAYS, _MONTH = 6 * MICROS_PER_HOUR, 3 * MICROS_PER_DAY, 30 * MICROS_PER_DAY


@dataclass(frozen=True, slots=True)
class Facts:
    """What stood beside a message.

    Attributes:
        numbers: (len(NUMBERS),) NaN where not known.
        categories: value by name in CATEGORIES, None where not known.
        guessed: the order that the facts are about, where the record names none.
    """

    numbers: Floats
    categories: dict[str, str | None]
    guessed: str | None = None


@dataclass(slots=True)
class _Names:
    """Numbers of names, and back; -1 stands for none."""

    names: list[str]
    number: dict[str, int] = field(init=False)

    def __post_init__(self) -> None:
        self.number = {name: at for at, name in enumerate(self.names)}

    def find(self, name: str | None) -> int:
        return -1 if name is None else self.number.get(name, -1)

    def name(self, number: int) -> str | None:
        return None if number < 0 else self.names[number]


class LogContext:
    """The log's orders, stock and exceptions, arranged so that one moment is looked up quickly.

    Args:
        history: the log.
        time_zone: in which hours and weekdays are counted.
    """

    def __init__(self, history: History, time_zone: str) -> None:
        self._zone = ZoneInfo(time_zone)
        orders = history.orders
        self._ids = orders["order_id"].tolist()
        self._row = {order_id: at for at, order_id in enumerate(self._ids)}
        self._history = history
        self._times = orders[["promised_by", "ship_by", "not_before"]].to_numpy(np.int64)
        self._kept = {name: _coded(orders[column]) for name, column in _KEPT.items()}
        self._customer, self._customers = _coded(orders["customer_id"])
        self._happened, self._known = _milestones(history)
        self.open_orders = OpenOrders(history, self._happened, self._known)
        self._take_lines(history)
        self._take_positions(history.positions)
        self._take_exceptions(history.exceptions)

    @cached_property
    def _mentions(self) -> Mentions:
        """Orders by what messages mention; arranged for the first that names no order."""
        return Mentions(self._history)

    def _take_lines(self, history: History) -> None:
        lines, positions = history.lines, history.positions
        self._line_order = lines["order"].to_numpy(np.int64)
        self._site, self._sites = _coded(pd.concat([lines["site"], positions["site"]]))
        self._sku, self._skus = _coded(pd.concat([lines["sku"], positions["sku"]]))
        self._category, self._categories = _coded(lines["category"])
        names = ["quantity", "unit_price", *PRICES]
        self._line_numbers = lines.reindex(columns=names).to_numpy(np.float64)
        value = np.nan_to_num(self._line_numbers[:, 0] * self._line_numbers[:, 1])
        of_order = np.bincount(self._line_order, value, len(self._times)).astype(np.float64)
        created = history.orders["record_time"].to_numpy(np.int64)
        self._spent = _summed(self._customer, created, of_order)

    def _take_positions(self, positions: pd.DataFrame) -> None:
        lines = len(self._line_order)
        cell = self._site[lines:] * len(self._skus.names) + self._sku[lines:]
        known = positions["record_time"].to_numpy(np.int64)
        by_cell = np.lexsort((known, cell))
        self._cell, self._counted = cell[by_cell], known[by_cell]
        free = positions["on_hand"] - positions["allocated"].fillna(0.0)
        self._free = free.to_numpy(np.float64)[by_cell]

    def _take_exceptions(self, exceptions: pd.DataFrame) -> None:
        opens = (exceptions["phase"] == ExceptionPhase.RAISED.value).to_numpy(bool)
        raised, closed = exceptions[opens], exceptions[~opens]
        moments, order = (raised[x].to_numpy(np.int64) for x in ("record_time", "order"))
        codes = [_key(*pair) for pair in zip(raised["source"], raised["code"], strict=True)]
        self._raised_of = _grouped(order.tolist(), moments)
        self._raised_code = _grouped(codes, moments)
        self._raised_site = _grouped(_of(self._main_sites(), order), moments)
        self._raised_carrier = _grouped(_of(self._kept["carrier"][0], order), moments)
        said = closed[closed["disposition"].notna()]
        customer = _of(self._customer, said["order"].to_numpy(np.int64))
        self._said: dict[int, list[tuple[int, str]]] = {}
        for whose, moment, word in zip(
            customer, said["record_time"].tolist(), said["disposition"].tolist(), strict=True
        ):
            if whose >= 0:
                self._said.setdefault(whose, []).append((moment, word))

    def of(self, event: ExceptionEvent, order: OrderFacts | None = None) -> Facts:
        """Return what was known beside an exception.

        Args:
            event: the record that raised it; its record_time is the moment.
            order: an order that was sent with it; else the log's, if it was known by then; where
                the record names none, the one that fits best what the message mentions.
        """
        moment, happened = to_micros(event.record_time), to_micros(event.event_time)
        row, fitting = self._row.get(event.order_id or "", -1), 0
        if event.order_id is None and order is None:
            row, fitting = self._mentions.find(event.text or "", moment)
        if order is None and row >= 0 and self._known[row, 0] <= moment:
            order = self.stored(row)
        key = _key(event.source, event.code)
        local = from_micros(happened).astimezone(self._zone)
        numbers = {
            "order_known": 0.0, "lag": (moment - happened) / MICROS_PER_DAY,
            "hour": local.hour + local.minute / 60, "weekday": float(local.weekday()),
            "same_code_6h": _between(self._raised_code.get(key), moment - _RECENT, moment),
        }  # fmt: skip
        categories: dict[str, str | None] = {"source": event.source, "code": key}
        if order is not None:
            numbers |= order_numbers(order, happened, moment, partial(self._stock, moment))
            numbers |= self._around(row, order, moment)
            categories |= order.categories
            categories["customer_usual"] = self._usual(order.customer, moment)
        if fitting:
            numbers["orders_that_fit"] = float(fitting)
        return Facts(
            np.array([numbers.get(name, NAN) for name in NUMBERS]),
            {name: categories.get(name) for name in CATEGORIES},
            self._ids[row] if fitting else None,
        )

    def rows_of(self, order_ids: Iterable[str | None]) -> Ints:
        """Return the row of each order in the log, -1 where it holds none of that id."""
        return np.array([self._row.get(name or "", -1) for name in order_ids], dtype=np.int64)

    def _around(self, row: int, order: OrderFacts, moment: int) -> dict[str, float]:
        """Return what else happened lately: to the order, its site, its carrier, its customer."""
        site = self._raised_site.get(self._sites.find(order.site), None)
        carrier = self._kept["carrier"][1].find(order.categories["carrier"])
        of_carrier = self._raised_carrier.get(carrier) if carrier >= 0 else None
        times, sums = self._spent.get(self._customers.find(order.customer), _NOTHING)
        first, last = np.searchsorted(times, [moment - _MONTH, moment]).tolist()
        return {
            "earlier": _between(self._raised_of.get(row) if row >= 0 else None, 0, moment),
            "same_site_6h": _between(site, moment - _RECENT, moment),
            "same_carrier_3d": _between(of_carrier, moment - _DAYS, moment),
            "spent_30d": float(np.log1p(max(sums[last] - sums[first], 0.0))),
        }

    def _usual(self, customer: str | None, moment: int) -> str | None:
        """Return what the customer's exceptions mostly were, as far as that was known."""
        said = self._said.get(self._customers.find(customer), [])
        counts = Counter(word for known, word in said if known < moment)
        return min(counts, key=lambda word: (-counts[word], word)) if counts else None

    def stored(self, row: int) -> OrderFacts:
        """Return what the log holds of an order by its row."""
        first, last = np.searchsorted(self._line_order, [row, row + 1]).tolist()
        lines = [
            Line(site, sku, quantity, entered, prices)
            for site, sku, (quantity, entered, *prices) in zip(
                self._site[first:last].tolist(), self._sku[first:last].tolist(),
                self._line_numbers[first:last].tolist(), strict=True,
            )
        ]  # fmt: skip
        promised, ship_by, not_before = self._times[row].tolist()
        categories = {name: names.name(int(at[row])) for name, (at, names) in self._kept.items()}
        site = self._sites.name(lines[0].site) if lines else None
        categories["site"] = site
        if lines:
            categories["category"] = self._categories.name(int(self._category[first]))
        return OrderFacts(
            self._happened[row].tolist(), self._known[row].tolist(), promised, ship_by, not_before,
            categories, self._customers.name(int(self._customer[row])), site, lines,
        )  # fmt: skip

    def sent(self, order: Order, milestones: Iterable[Milestone] = ()) -> OrderFacts:
        """Return the same of an order that was sent whole."""
        happened, known = [UNKNOWN_TIME] * len(STAGES), [UNKNOWN_TIME] * len(STAGES)
        happened[0], known[0] = to_micros(order.event_time), to_micros(order.record_time)
        for milestone in milestones:
            at = STAGES.index(milestone.milestone.value)
            heard = max(to_micros(milestone.record_time), known[0])
            if at and (known[at] == UNKNOWN_TIME or heard < known[at]):
                happened[at], known[at] = to_micros(milestone.event_time), heard
        in_sequence = sorted(order.lines, key=lambda line: line.line_no)
        lines = [
            Line(
                self._sites.find(line.site), self._skus.find(line.sku), line.quantity,
                _number(line.unit_price), [_number(getattr(line, name, None)) for name in PRICES],
            )
            for line in in_sequence
        ]  # fmt: skip
        categories = {name: getattr(order, column) for name, column in _KEPT.items()}
        site = in_sequence[0].site if lines else None
        categories |= {"site": site, "category": in_sequence[0].category if lines else None}
        later, until = (
            UNKNOWN_TIME if time is None else to_micros(time)
            for time in (order.not_before, order.ship_by)
        )
        return OrderFacts(
            happened, known, to_micros(order.promised_by), until, later, categories,
            order.customer_id, site, lines,
        )  # fmt: skip

    def _main_sites(self) -> Ints:
        """Return the site of each order's first line, -1 for orders without lines."""
        found = np.full(len(self._times), -1, dtype=np.int64)
        order, first = np.unique(self._line_order, return_index=True)
        found[order] = self._site[first]
        return found

    def _stock(self, moment: int, site: int, sku: int) -> float:
        """Return the free pieces by the last count known before a moment; NaN if there is none."""
        if site < 0 or sku < 0:
            return NAN
        cell = site * len(self._skus.names) + sku
        first, last = np.searchsorted(self._cell, [cell, cell + 1]).tolist()
        at = first + int(np.searchsorted(self._counted[first:last], moment)) - 1
        return float(self._free[at]) if at >= first else NAN


_NOTHING = (np.empty(0, dtype=np.int64), np.zeros(1))


def _number(value: float | None) -> float:
    return NAN if value is None else float(value)


def _key(source: object, code: object) -> str:
    """Return a code with the source that uses it; a missing one is a dash."""
    return " ".join(part if isinstance(part, str) else "-" for part in (source, code))


def _coded(column: pd.Series[str]) -> tuple[Ints, _Names]:
    codes, names = pd.factorize(column)
    return codes.astype(np.int64), _Names([str(name) for name in names])


def _of(values: Ints, order: Ints) -> list[int]:
    """Return a value for each order row, -1 for those without an order."""
    if not len(values):
        return [-1] * len(order)
    found: list[int] = np.where(order >= 0, values[np.maximum(order, 0)], -1).tolist()
    return found


def _grouped(keys: Sequence[K], moments: Ints) -> dict[K, Ints]:
    """Return the sorted moments of each key; -1 stands for none."""
    found: dict[K, list[int]] = {}
    for key, moment in zip(keys, moments.tolist(), strict=True):
        if key != -1:
            found.setdefault(key, []).append(moment)
    return {key: np.sort(np.array(each, dtype=np.int64)) for key, each in found.items()}


def _summed(key: Ints, moments: Ints, amounts: Floats) -> dict[int, tuple[Ints, Floats]]:
    """Return the moments of each key, sorted, and the sum of the amounts before each."""
    by_key = np.lexsort((moments, key))
    by_key = by_key[key[by_key] >= 0]
    keys, first = np.unique(key[by_key], return_index=True)
    parts = np.split(by_key, first[1:]) if len(keys) else []
    return {
        int(whose): (moments[rows], np.concatenate([[0.0], np.cumsum(amounts[rows])]))
        for whose, rows in zip(keys, parts, strict=True)
    }


def _between(moments: Ints | None, first: int, last: int) -> float:
    """Return how many moments lie in [first, last)."""
    if moments is None:
        return 0.0
    return float(np.searchsorted(moments, last) - np.searchsorted(moments, first))


def _milestones(history: History) -> tuple[Ints, Ints]:
    """Return when each milestone of each order was and became known, each (orders, stages)."""
    shape = (len(history.orders), len(STAGES))
    happened, known = (np.full(shape, UNKNOWN_TIME, dtype=np.int64) for _ in range(2))
    created = history.orders["record_time"].to_numpy(np.int64)
    table = history.milestones
    rows, event, moments = (
        table[name].to_numpy(np.int64) for name in ("order", "event_time", "record_time")
    )
    for at, name in enumerate(STAGES):
        own = (table["milestone"] == name).to_numpy(bool)
        happened[rows[own], at] = event[own]
        known[rows[own], at] = np.maximum(moments[own], created[rows[own]])
    happened[:, 0], known[:, 0] = history.orders["event_time"].to_numpy(np.int64), created
    return happened, known
