"""How far a distribution has moved (PSI, Kolmogorov-Smirnov), and since when (ADWIN)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_LEAST_SHARE = 1e-4


@dataclass(frozen=True, slots=True)
class Bins:
    """Quantile bins of a reference; missing values have the last one.

    Attributes:
        edges: inner edges, rising; values equal to an edge belong above it.
        share: share of the reference in each bin, the one for missing values last.
        n: rows of the reference.
    """

    edges: Floats
    share: Floats
    n: int

    @classmethod
    def of(cls, reference: Floats, count: int) -> Bins:
        """Make up to `count` bins of equal share; a value that fills several has one bin."""
        known = reference[~np.isnan(reference)]
        edges = (
            np.unique(np.quantile(known, np.linspace(0, 1, count + 1)[1:-1]))
            if len(known)
            else known
        )
        made = cls(edges, np.zeros(len(edges) + 2), len(reference))
        return cls(edges, made.counts(reference) / max(len(reference), 1), len(reference))

    def codes(self, values: Floats) -> Ints:
        """Return the bin of each value."""
        found = np.searchsorted(self.edges, values, side="right")
        return np.where(np.isnan(values), len(self.edges) + 1, found).astype(np.int64)

    def counts(self, values: Floats) -> Floats:
        """Return how many values are in each bin."""
        return np.bincount(self.codes(values), minlength=len(self.edges) + 2).astype(np.float64)

    def psi(self, values: Floats) -> float:
        """Return the population stability index of other values against the reference."""
        return psi(self.share, self.counts(values) / max(len(values), 1))

    def by_chance(self, n: int) -> float:
        """Return the PSI to be expected of `n` values from the same distribution.

        (Bins - 1) x (1/n + 1/reference), the mean of the chi-squared that PSI follows then
        (Yurdakul 2018).
        """
        filled = int((self.share > 0).sum())
        return (filled - 1) * (1 / max(n, 1) + 1 / max(self.n, 1))


def psi(reference: Floats, share: Floats) -> float:
    """Return the population stability index of two distributions over the same bins.

    Sum over the bins of (share - reference) x ln(share / reference), with shares held above 1e-4.

    Args:
        reference: (b,) shares that sum to 1.
        share: (b,) shares that sum to 1.
    """
    held = np.maximum(reference, _LEAST_SHARE)
    other = np.maximum(share, _LEAST_SHARE)
    return float(((other - held) * np.log(other / held)).sum())


def usual_psi(
    bins: Bins, reference: Floats, moments: Ints, window: int, quantile: float, least_rows: int
) -> float:
    """Return the PSI that windows within the reference reach against the whole of it.

    Args:
        bins: of the reference.
        reference: (n,) values.
        moments: (n,) their moments, UTC micros, rising.
        window: length of the windows in micros; they are laid end to end, back from the last.
        quantile: which of the windows' figures is returned (1: the largest).
        least_rows: windows with fewer rows are left out.

    Returns:
        The figure; 0 if no window is large enough.
    """
    if not len(moments):
        return 0.0
    numbers = (moments[-1] - moments) // window
    found = [
        bins.psi(reference[numbers == number])
        for number in np.unique(numbers)
        if (numbers == number).sum() >= least_rows
    ]
    return float(np.quantile(found, quantile)) if found else 0.0


def ks(reference: Floats, values: Floats) -> float:
    """Return the Kolmogorov-Smirnov statistic of the known values; NaN if a side has none."""
    from scipy.stats import ks_2samp  # noqa: PLC0415  half a second, only for this

    a, b = reference[~np.isnan(reference)], values[~np.isnan(values)]
    if not len(a) or not len(b):
        return float("nan")
    return float(ks_2samp(a, b, method="asymp").statistic)


@dataclass(frozen=True, slots=True)
class Change:
    """A change of a stream's mean that ADWIN found.

    Attributes:
        at: index of the first value after the last change.
        before: mean of the values before it.
        after: mean from it on.
    """

    at: int
    before: float
    after: float


def change(values: Floats, delta: float) -> Change | None:
    """Return the last change of the mean of a stream, or None (ADWIN, Bifet & Gavalda 2007).

    Args:
        values: (n,) in the order in which they became known.
        delta: chance of a false alarm, per test.
    """
    from river.drift import ADWIN  # noqa: PLC0415  a second, only for this

    detector: Any = ADWIN(delta=delta)  # type: ignore[no-untyped-call]
    found = False
    for value in values:
        detector.update(float(value))
        found |= bool(detector.drift_detected)
    at = len(values) - int(detector.width)
    if not found or not 0 < at < len(values):
        return None
    return Change(at, float(values[:at].mean()), float(values[at:].mean()))


def observed_to_expected(late: Floats, p: Floats) -> tuple[float, float]:
    """Return observed over expected late orders, and its standard error if p is right.

    Args:
        late: (n,) 0 or 1.
        p: (n,) probabilities.
    """
    expected = float(p.sum())
    return float(late.sum()) / expected, float(np.sqrt((p * (1 - p)).sum())) / expected
