"""How much longer the road is from another site: geography, and what lanes usually take."""

from __future__ import annotations

from typing import Self

import pandas as pd

from triage.advice.deadlines import Lane, Roads
from triage.advice.distance import Distances
from triage.domain.records import Order
from triage.features.facts import great_circle_km
from triage.history.tables import History

Place = tuple[float, float]
"""Latitude and longitude."""


class LaneLengths:
    """Compares roads to a destination by their length.

    Args:
        sites: place of each site that has one.
        distances: working days a kilometre.
    """

    def __init__(self, sites: dict[str, Place], distances: Distances) -> None:
        self._sites, self._distances = sites, distances

    @classmethod
    def of(cls, history: History, roads: Roads) -> Self:
        """Take places of sites and regions from a log, and what lanes take from `roads`."""
        sites = _places(history.lines, "site", "site")
        regions = _places(history.orders, "destination_region", "destination")
        km: dict[Lane, float] = {
            lane: great_circle_km(*sites[lane[0]], *regions[lane[1]])
            for lane in roads.by_lane
            if lane[0] in sites and lane[1] in regions
        }
        return cls(sites, Distances.of(roads.by_lane, km))

    def more_days(self, order: Order, site: str, lines: frozenset[int]) -> float:
        """Return working days that some lines are longer on the road from another site.

        Never less than none; 0 where a place is not known.

        Args:
            order: as it is.
            site: from where they would ship.
            lines: numbers of the lines that would.
        """
        latitude, longitude = order.destination_latitude, order.destination_longitude
        if latitude is None or longitude is None or site not in self._sites:
            return 0.0
        there = great_circle_km(*self._sites[site], latitude, longitude)
        own = [
            great_circle_km(*self._sites[line.site], latitude, longitude)
            for line in order.lines
            if line.line_no in lines and line.site in self._sites
        ]
        return max(self._distances.more(order.service, there - max(own)), 0.0) if own else 0.0


def _places(table: pd.DataFrame, name: str, of: str) -> dict[str, Place]:
    """Return the mean place of each value of a column, where places are told."""
    columns = [f"{of}_latitude", f"{of}_longitude"]
    known = table[[name, *columns]].dropna()
    means = known.groupby(name, sort=True)[columns].mean()
    return {
        str(at): (float(latitude), float(longitude))
        for at, latitude, longitude in zip(means.index, *means.to_numpy().T, strict=True)
    }
