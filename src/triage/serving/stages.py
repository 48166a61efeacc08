"""Where the time of a score goes: a histogram that costs a score next to nothing."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Iterator
from itertools import accumulate
from typing import Final, Literal

from prometheus_client import CollectorRegistry
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.registry import Collector

Stage = Literal["read", "assess", "write"]
STAGES: Final[tuple[Stage, ...]] = ("read", "assess", "write")
BOUNDS: Final = (
    0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0,
)  # fmt: skip


class Stages(Collector):
    """Counts what only the event loop tells it of, so without the locks of the client library.

    A score is read, assessed and written one after another; what it then waits for its record is
    `triage_record_seconds`.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._counts = {stage: [0] * (len(BOUNDS) + 1) for stage in STAGES}
        self._seconds = dict.fromkeys(STAGES, 0.0)
        registry.register(self)

    def ended(self, stage: Stage, since: float) -> float:
        """Count a stage that ends now; return now, when the next begins (`time.perf_counter`)."""
        now = time.perf_counter()
        seconds = now - since
        self._counts[stage][bisect_left(BOUNDS, seconds)] += 1
        self._seconds[stage] += seconds
        return now

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """Yield the histogram, as Prometheus wants it."""
        family = HistogramMetricFamily(
            "triage_score_stage_seconds", "Seconds of a score by stage: to read the request, to"
            " assess the order, to write the answer.", labels=("stage",),
        )  # fmt: skip
        for stage, counts in self._counts.items():
            names = (*map(str, BOUNDS), "+Inf")
            buckets = list(zip(names, map(float, accumulate(counts)), strict=True))
            family.add_metric((stage,), buckets, self._seconds[stage])
        yield family
