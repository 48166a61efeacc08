"""Stored orders as objects, and what the log tells about sites, services and lanes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np

from triage.advice.deadlines import Lane
from triage.domain.records import Order, OrderLine
from triage.features.facts import great_circle_km
from triage.history.tables import History

_PLACE = ("site_region", "site_area", "site_latitude", "site_longitude")

_TOGETHER = 30
"""So many are read faster together than those few of them singly that somebody asks for."""


class StoredOrders:
    """The log's orders, made into objects when somebody asks.

    Args:
        history: the log.
    """

    def __init__(self, history: History) -> None:
        self._history = history
        self._starts = np.searchsorted(history.lines["order"], np.arange(len(history.orders) + 1))
        self._added: list[Order] = []
        self.one = lru_cache(maxsize=1024)(self._one)

    def add(self, order: Order) -> None:
        """Take in one more order, whose row is the next."""
        self._added.append(order)

    def many(self, rows: Sequence[int]) -> list[Order]:
        """Return the orders of some rows."""
        n = len(self._history.orders)
        read = iter(self._read([row for row in rows if row < n]))
        return [next(read) if row < n else self._added[row - n] for row in rows]

    def reader(self, rows: Sequence[int]) -> Callable[[int], Order]:
        """Return what gives the order of one of some rows; of many, all are read together now."""
        if len(rows) < _TOGETHER:
            return self.one
        return dict(zip(rows, self.many(rows), strict=True)).__getitem__

    def _read(self, rows: Sequence[int]) -> list[Order]:
        history, at = self._history, np.asarray(rows, dtype=np.int64)
        spans = [np.arange(self._starts[row], self._starts[row + 1]) for row in rows]
        counts = [len(span) for span in spans]
        places = np.concatenate(spans) if spans else np.empty(0, dtype=np.int64)
        lines = history.lines.take(places).assign(order=np.repeat(np.arange(len(rows)), counts))
        return list(replace(history, orders=history.orders.take(at), lines=lines).order_objects())

    def _one(self, row: int) -> Order:
        return self.many([row])[0]


class Network:
    """Where goods can ship from, and who carries which service where, as the log shows.

    Args:
        history: the log.
    """

    def __init__(self, history: History) -> None:
        named = history.lines.dropna(subset=["site"]).drop_duplicates("site")
        self._sites: dict[str, dict[str, Any]] = {
            row["site"]: {name: _value(row[name]) for name in _PLACE}
            for row in named[["site", *_PLACE]].to_dict("records")
        }
        booked = history.orders[["service", "destination_region", "carrier"]].dropna()
        counts = Counter(zip(*(booked[name].tolist() for name in booked), strict=True))
        self._carriers: dict[tuple[str, str], dict[str, int]] = {}
        self._services: dict[str | None, frozenset[str]] = {}
        for (service, region, carrier), n in counts.items():
            self._book(service, region, carrier, n)
        self._timetable = _timetable(history)
        self._nearest = lru_cache(maxsize=4096)(self._by_distance)

    def add(self, order: Order) -> None:
        """Take in one more order: its sites, and who carries it where."""
        if order.service and order.destination_region and order.carrier:
            self._book(order.service, order.destination_region, order.carrier, 1)
        lane = _lane(order)
        if lane is not None and order.transit_days is not None:
            total, n = self._timetable.get(lane, (0.0, 0))
            self._timetable[lane] = total + order.transit_days, n + 1
        for line in order.lines:
            if line.site is not None and line.site not in self._sites:
                self._sites[line.site] = {name: getattr(line, name) for name in _PLACE}
                self._nearest.cache_clear()

    def _book(self, service: str, region: str, carrier: str, n: int) -> None:
        carriers = self._carriers.setdefault((service, region), {})
        carriers[carrier] = carriers.get(carrier, 0) + n
        self._services[region] = self._services.get(region, frozenset()) | {service}

    def sites(self, order: Order) -> tuple[str, ...]:
        """Return all sites, nearest to the destination first where places are known."""
        return self._nearest(order.destination_latitude, order.destination_longitude)

    def _by_distance(self, latitude: float | None, longitude: float | None) -> tuple[str, ...]:
        def distance(site: str) -> tuple[float, str]:
            place = self._sites[site]
            here = place["site_latitude"], place["site_longitude"]
            if None in here or latitude is None or longitude is None:
                return (np.inf, site)
            return (great_circle_km(*here, latitude, longitude), site)

        return tuple(sorted(self._sites, key=distance))

    def services(self, order: Order) -> frozenset[str]:
        """Return the services that have been booked to the order's destination."""
        return self._services.get(order.destination_region, frozenset())

    def moved(self, order: Order, site: str, lines: frozenset[int]) -> Order:
        """Return the order with some of its lines shipping from another site."""
        place = {"site": site, **self._sites[site]}
        changed = tuple(
            line.model_copy(update=place) if line.line_no in lines else line for line in order.lines
        )
        there = order.model_copy(update={"lines": changed})
        own = [line for line in changed if line.line_no in lines]
        return self._timed(order, there, _lane(there.model_copy(update={"lines": tuple(own)})))

    def booked(self, order: Order, service: str) -> Order:
        """Return the order by another service: with its own carrier, or the usual one for it."""
        carriers = self._carriers[service, order.destination_region or ""]
        usual = max(carriers, key=lambda name: (carriers[name], name))
        carrier = order.carrier if order.carrier in carriers else usual
        other = order.model_copy(update={"service": service, "carrier": carrier})
        return self._timed(order, other, _lane(other))

    def _timed(self, order: Order, other: Order, to: Lane | None) -> Order:
        """Return another way of an order with the days that the table gives its road.

        They differ from the order's own by what lanes differ in the mean; where the table of one of
        them is not known, they stay.
        """
        lane = _lane(order)
        if order.transit_days is None or lane is None or to is None:
            return other
        (total, n), (total_to, n_to) = (self._timetable.get(each, (0.0, 0)) for each in (lane, to))
        if not n or not n_to:
            return other
        days = order.transit_days + total_to / n_to - total / n
        return other.model_copy(update={"transit_days": max(days, 0.0)})


def _lane(order: Order) -> Lane | None:
    site = next((line.site for line in order.lines if line.site is not None), None)
    if site is None or order.service is None or order.destination_region is None:
        return None
    return site, order.destination_region, order.service


def _timetable(history: History) -> dict[Lane, tuple[float, int]]:
    """Return the sum of the table's days of each lane's orders, and how many they are."""
    first = history.lines[["order", "site"]].dropna().drop_duplicates("order").set_index("order")
    told = history.orders[["destination_region", "service", "transit_days"]]
    told = told.assign(site=first["site"].reindex(range(len(told))).to_numpy()).dropna()
    days = told.groupby(["site", "destination_region", "service"], sort=True)["transit_days"]
    lanes = days.agg(["sum", "size"])
    return {
        lane: (total, int(n))
        for lane, total, n in zip(lanes.index, *lanes.to_numpy().T, strict=True)
    }


def only(order: Order, lines: frozenset[int]) -> Order:
    """Return the part of an order that holds some of its lines."""
    kept: tuple[OrderLine, ...] = tuple(x for x in order.lines if x.line_no in lines)
    return order.model_copy(update={"lines": kept})


def _value(cell: object) -> object:
    return None if cell != cell else cell  # noqa: PLR0124 - NaN
