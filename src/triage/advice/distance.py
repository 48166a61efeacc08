"""Working days on the road from a site that has not shipped there: by distance, for each service.

A site that never ships to a region has no usual road to it. What nearer lanes need on the road
grows about in a line with their length, so the line says what such a lane would need.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np

from triage.advice.deadlines import Lane

_LEAST = 4
"""Lanes of a service from which on a line of its own is drawn."""


@dataclass(frozen=True, slots=True)
class Distances:
    """Working days for each kilometre more, by service.

    Attributes:
        per_km: service -> working days a kilometre, never negative.
        every: the same over all services; 0 where nothing is known.
    """

    per_km: Mapping[str | None, float]
    every: float

    @classmethod
    def of(cls, days: Mapping[Lane, float], km: Mapping[Lane, float]) -> Self:
        """Draw lines through lanes, by least squares.

        Args:
            days: usual working days on the road by lane: site, region, service.
            km: how long each lane is; lanes that are not in it do not count.
        """
        lanes = [lane for lane in days if lane in km]
        by_service: dict[str | None, list[Lane]] = {}
        for lane in lanes:
            by_service.setdefault(lane[2], []).append(lane)
        return cls(
            {
                service: _slope(own, days, km)
                for service, own in by_service.items()
                if len(own) >= _LEAST
            },
            _slope(lanes, days, km) if len(lanes) >= _LEAST else 0.0,
        )

    def more(self, service: str | None, km: float) -> float:
        """Return the working days that so many kilometres more (or fewer) take."""
        return km * self.per_km.get(service, self.every)


def _slope(lanes: list[Lane], days: Mapping[Lane, float], km: Mapping[Lane, float]) -> float:
    x, y = np.array([km[lane] for lane in lanes]), np.array([days[lane] for lane in lanes])
    spread = float(((x - x.mean()) ** 2).sum())
    return max(float(((x - x.mean()) * (y - y.mean())).sum()) / spread, 0.0) if spread > 0 else 0.0
