"""Challenger against champion: both recipes over the same months of the same log, row by row.

Each recipe, with the declarations frozen in its bundle, is refitted month by month on the present
log, so both meet exactly the same orders. Differences come with a paired percentile bootstrap
(Efron & Tibshirani 1993), resampled by order: what both find hard cancels.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from triage.errors import BundleError
from triage.features.compile import Floats, Ints
from triage.training.contender import Contender
from triage.training.metrics import landmarks, score
from triage.training.prepared import Progress

KEYS = ("order_id", "landmark", "as_of")
METRICS = {
    "roc_auc": True, "pr_auc": True, "log_loss": False, "brier": False, "ece": False,
    "recall_at_10": True,
}  # fmt: skip
"""What is compared, and whether more is better."""
DECIDES = "log_loss"
RESAMPLES = 300
_SEED = 20180301


@dataclass(frozen=True, slots=True)
class Difference:
    """One figure of both sides on the same rows.

    Attributes:
        landmark: where.
        metric: which figure.
        challenger: its figure.
        champion: its figure.
        low: lower end of the 95 % interval of challenger minus champion.
        high: upper end.
    """

    landmark: str
    metric: str
    challenger: float
    champion: float
    low: float
    high: float

    @property
    def difference(self) -> float:
        """Return challenger minus champion."""
        return self.challenger - self.champion

    @property
    def sure(self) -> int:
        """Return 1 if the challenger is surely better, -1 if surely worse, 0 if nobody can tell."""
        sign = 1 if METRICS[self.metric] else -1
        if self.low > 0:
            return sign
        return -sign if self.high < 0 else 0


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two contenders on the same rows.

    Attributes:
        challenger: one side.
        champion: the other.
        months: test months.
        rows: landmark -> rows that both were judged on.
        differences: every landmark and metric.
        notes: what to know before reading the figures, in words.
    """

    challenger: Contender
    champion: Contender
    months: tuple[str, ...]
    rows: dict[str, int]
    differences: tuple[Difference, ...]
    notes: tuple[str, ...]

    def verdict(self) -> str:
        """Return in words which one is better, by log loss at each landmark."""
        deciding = [d for d in self.differences if d.metric == DECIDES]
        better = [d.landmark for d in deciding if d.sure > 0]
        worse = [d.landmark for d in deciding if d.sure < 0]
        names = self.challenger.title, self.champion.title
        if self.challenger.same_as(self.champion):
            return (
                f"{names[0]} and {names[1]} have the same recipe and declarations: they differ only"
                " in the records that they were trained on; the newer one has seen more"
            )
        if better and not worse:
            return f"{names[0]} is better at {', '.join(better)} and nowhere worse: promote it"
        if worse and not better:
            return f"{names[0]} is worse at {', '.join(worse)} and nowhere better: keep {names[1]}"
        if better and worse:
            return (
                f"{names[0]} is better at {', '.join(better)} but worse at {', '.join(worse)}: keep"
                f" {names[1]} unless the first matters more to you"
            )
        return (
            f"these orders cannot tell {names[0]} from {names[1]}: keep {names[1]}, or compare over"
            " more months (--from, --to)"
        )


def compare(
    home: Path,
    challenger: Contender,
    champion: Contender,
    *,
    months: Sequence[str] | None = None,
    resamples: int = RESAMPLES,
    progress: Progress,
) -> Comparison:
    """Compare two recipes on the present log.

    Args:
        home: where the log is.
        challenger: one side.
        champion: the other.
        months: test months; None takes those that the challenger's recipe holds out.
        resamples: of the bootstrap.
        progress: told what is being done.

    Raises:
        HistoryError: if there is no log.
        BundleError: if a recipe cannot be evaluated on this log, and why.
    """
    if challenger.digest == champion.digest:
        raise BundleError(
            f"{challenger.title} and {champion.title} are the same bundle ({champion.digest[:12]}):"
            " train again or name another version; `triage models` lists them"
        )
    prepared = challenger.prepare(home, progress)
    tested = tuple(months or challenger.months(prepared))
    own = challenger.evaluate(prepared, tested, _as(challenger, progress))
    if challenger.same_as(champion):
        other = own
    else:
        prepared = champion.prepare(home, progress)
        other = champion.evaluate(prepared, tested, _as(champion, progress))
    both = joined(own, other)
    if not len(both):
        raise BundleError(
            f"{challenger.title} and {champion.title} have no landmark in common on this log: "
            f"{', '.join(landmarks(own))} against {', '.join(landmarks(other))}"
        )
    found: list[Difference] = []
    rows = {}
    for landmark, part in both.groupby("landmark", sort=False):
        progress(f"comparing {landmark}")
        rows[str(landmark)] = len(part)
        found += differences(part, resamples)
    notes = _notes(challenger, champion, own, other, both)
    return Comparison(challenger, champion, tested, rows, tuple(found), notes)


def joined(challenger: pd.DataFrame, champion: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that both frames have, with p(late) by `challenger` and `champion`.

    Outcomes are those of the challenger's label contract.
    """
    keys = list(KEYS)
    own = challenger[[*keys, "late", "model"]].rename(columns={"model": "challenger"})
    other = champion[[*keys, "model"]].rename(columns={"model": "champion"})
    return own.merge(other, on=keys, how="inner", validate="one_to_one")


def differences(rows: pd.DataFrame, resamples: int) -> list[Difference]:
    """Return every figure of one landmark for both sides, with the interval of the difference.

    Args:
        rows: one landmark of what `joined` gives.
        resamples: of the bootstrap; the same rows give the same intervals.
    """
    late = rows["late"].to_numpy(dtype=np.float64)
    sides = [rows[name].to_numpy(dtype=np.float64) for name in ("challenger", "champion")]
    own, other = (_figures(late, p) for p in sides)
    rng = np.random.default_rng(_SEED)
    drawn = np.full((resamples, len(METRICS)), np.nan)
    orders = _Orders(rows["order_id"])
    for row in drawn:
        chosen = orders.draw(rng)
        first, second = (_figures(late[chosen], p[chosen]) for p in sides)
        row[:] = [first[name] - second[name] for name in METRICS]
    found = []
    for at, name in enumerate(METRICS):
        values = drawn[~np.isnan(drawn[:, at]), at]
        low, high = np.percentile(values, [2.5, 97.5]) if len(values) else (math.nan, math.nan)
        landmark = str(rows["landmark"].iloc[0])
        found.append(Difference(landmark, name, own[name], other[name], float(low), float(high)))
    return found


class _Orders:
    """Draws orders with replacement and returns all rows of each."""

    def __init__(self, order_ids: pd.Series[str]) -> None:
        codes = pd.factorize(order_ids)[0]
        self._rows = np.argsort(codes, kind="stable")
        self._counts = np.bincount(codes)
        self._starts = np.cumsum(self._counts) - self._counts

    def draw(self, rng: np.random.Generator) -> Ints:
        drawn = rng.integers(0, len(self._counts), size=len(self._counts))
        counts = self._counts[drawn]
        ends = np.cumsum(counts)
        within = np.arange(ends[-1]) - np.repeat(ends - counts, counts)
        return self._rows[np.repeat(self._starts[drawn], counts) + within]


def _figures(late: Floats, p: Floats) -> dict[str, float]:
    return asdict(score(late, p))


def _as(side: Contender, progress: Progress) -> Progress:
    return lambda words: progress(f"{side.title}: {words}")


def _notes(
    challenger: Contender,
    champion: Contender,
    own: pd.DataFrame,
    other: pd.DataFrame,
    both: pd.DataFrame,
) -> tuple[str, ...]:
    found = []
    if challenger.recipe.label != champion.recipe.label:
        found.append(
            f"late means {challenger.recipe.label.meaning!r} for {challenger.title} and"
            f" {champion.recipe.label.meaning!r} for {champion.title}: both are judged by the first"
        )
    for side, frame in ((challenger, own), (champion, other)):
        left_out = len(frame) - len(both)
        if left_out:
            alone = sorted(set(landmarks(frame)) - set(landmarks(both)))
            where = f", among them all of {', '.join(alone)}" if alone else ""
            found.append(f"{left_out:,} rows that only {side.title} has are left out{where}")
    return tuple(found)
