"""The gates of one landmark: its rows of the test set, figures, and what chance may excuse."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pandas as pd

from triage.training.metrics import (
    POOLED,
    WITHIN_MONTH,
    auc_error,
    figure,
    losses,
    paired_gain,
    reliability,
)
from triage.training.promise import ModelPromise
from triage.training.segments import large_segments
from triage.training.verdict import Bound, GateResult


class LandmarkJudge:
    """Judges one landmark.

    Args:
        predictions: prediction frame of the run, all landmarks.
        tidy: what `metrics.evaluate` gives for it.
        landmark: which one is judged.
        promise: the gates.
    """

    def __init__(
        self, predictions: pd.DataFrame, tidy: pd.DataFrame, landmark: str, promise: ModelPromise
    ) -> None:
        self.rows = predictions[predictions["landmark"] == landmark]
        self.tidy = tidy
        self.landmark = landmark
        self.promise = promise
        self.gates = promise.gates
        self.allowance = promise.allowance
        self.min_late = promise.slices.min_late

    def results(self) -> Iterator[GateResult]:
        """Yield the gates of this landmark."""
        yield from self.comparisons()
        yield self.calibrated()
        yield self.ranks()
        yield self.worst_month()
        yield self.worst_segment()

    def comparisons(self) -> Iterator[GateResult]:
        """Yield the gates that hold the model against baselines, which waiting orders have too."""
        for reference in self.gates.must_beat:
            yield self.beats(reference)
        for reference in self.gates.must_match:
            yield self.matches(reference)

    def beats(self, reference: str) -> GateResult:
        """Judge whether the model's log loss is lower than a baseline's."""
        name = f"beats_{reference}"
        if reference not in self.rows:
            return self._absent(name, reference)
        gain, error, low, high = self._gain(reference, self.rows)
        required = 0.0 - self._excused(error, self.rows)
        return self._result(
            name, gain > required, gain, required,
            f"log loss {self._loss('model'):.4f} against {self._loss(reference):.4f}: "
            f"lower by {gain:.4f} (95 % between {low:.4f} and {high:.4f}; must be above "
            f"{required:.4f})",
            f"the {reference} predicts as well without a model: keep the champion; import more "
            "history or look at the families without data in the model card",
            Bound.ABOVE,
        )  # fmt: skip

    def matches(self, reference: str) -> GateResult:
        """Judge whether the model is better on log loss or on within-month ROC-AUC."""
        name = f"matches_{reference}"
        if reference not in self.rows:
            return self._absent(name, reference)
        gain, error, low, high = self._gain(reference, self.rows)
        required = 0.0 - self._excused(error, self.rows)
        own, other = (
            figure(self.tidy, self.landmark, who, "roc_auc", WITHIN_MONTH)
            for who in ("model", reference)
        )
        return self._result(
            name, gain > required or own > other, gain, required,
            f"log loss lower by {gain:.4f} (95 % between {low:.4f} and {high:.4f}; must be above "
            f"{required:.4f}) or within-month ROC-AUC {own:.3f} above {other:.3f}",
            f"the {reference} baseline on static fields is better at both: look for a family that "
            "has lost its data, then lower trees.rounds in training/at_risk.toml",
            None,
        )  # fmt: skip

    def calibrated(self) -> GateResult:
        """Judge the pooled calibration error."""
        bins = reliability(self.rows["late"], self.rows["model"])
        base = float(self.rows["late"].mean())
        spread = math.sqrt(2 * base * (1 - base) / math.pi)
        by_chance = sum(b.n * spread / math.sqrt(b.n) for b in bins) / len(self.rows)
        measured, mean_p = (
            figure(self.tidy, self.landmark, "model", metric) for metric in ("ece", "mean_p")
        )
        required = self.gates.max_ece + by_chance
        return self._result(
            "calibrated", measured <= required, measured, required,
            f"ECE {measured:.3f}, at most {self.gates.max_ece:.3f} + {by_chance:.3f} by chance; "
            f"mean p {mean_p:.3f}, observed {base:.3f}",
            "see reliability and months in the run's report: a level that moved needs newer "
            "outcomes (import the latest extract), a tilted curve other calibration settings in "
            "training/at_risk.toml",
            Bound.AT_MOST,
        )  # fmt: skip

    def ranks(self) -> GateResult:
        """Judge the ROC-AUC within months, which a moving level cannot flatter."""
        measured = figure(self.tidy, self.landmark, "model", "roc_auc", WITHIN_MONTH)
        late = int(self.rows["late"].sum())
        error = auc_error(measured, late, len(self.rows) - late)
        few = late < self.allowance.plenty_late
        excused = self.allowance.standard_errors * error if few else 0.0
        required = self.gates.min_within_month_roc_auc - excused
        return self._result(
            "ranks_within_month", measured >= required, measured, required,
            f"within-month ROC-AUC {measured:.3f} (standard error {error:.3f}), at least "
            f"{required:.3f}",
            "the order of the list would be little better than chance: look for families without "
            "data in the model card",
            Bound.AT_LEAST,
        )  # fmt: skip

    def worst_month(self) -> GateResult:
        """Judge the month in which the model loses most against the constant."""
        name, most = "worst_month", self.gates.max_worst_month_log_loss_excess
        if "constant" not in self.rows:
            return self._absent(name, "constant")
        found = []
        for month, part in self.rows.groupby("month"):
            if part["late"].sum() < self.min_late:
                continue
            gain, error, _, _ = self._gain("constant", part)
            required = most + self._excused(error, part)
            found.append((-gain - required, -gain, required, str(month)))
        if not found:
            return self._not_judged(name, f"no month has {self.min_late} late ones")
        _, measured, required, month = max(found)
        return self._result(
            name, measured <= required, measured, required,
            f"{month}: log loss {measured:+.4f} against the constant's, at most {required:+.4f}",
            f"look at {month} in the report of the run: what happened then that the records "
            "did not show before?",
            Bound.AT_MOST,
        )  # fmt: skip

    def worst_segment(self) -> GateResult:
        """Judge the site, region or carrier in which the model loses most against the constant.

        Of m segments the unluckiest is off by up to sqrt(2 ln m) standard errors by chance alone
        (bound on the expected maximum of m normal variables), so that much is allowed.
        """
        name, most = "worst_segment", self.gates.max_worst_segment_log_loss_excess
        if "constant" not in self.rows:
            return self._absent(name, "constant")
        parts = large_segments(self.rows, self.promise.segments)
        if not parts:
            least = self.promise.segments
            columns = ", ".join(least.columns)
            return self._not_judged(
                name, f"no {columns} with {least.min_rows} rows and {least.min_late} late ones"
            )
        luck = max(self.allowance.standard_errors, math.sqrt(2 * math.log(len(parts))))
        found = []
        for title, part in parts:
            difference = -self._differences("constant", part)
            error = float(difference.std()) / math.sqrt(len(difference))
            measured, required = float(difference.mean()), most + luck * error
            found.append((measured - required, measured, required, title))
        _, measured, required, title = max(found)
        return self._result(
            name, measured <= required, measured, required,
            f"{title}, the worst of {len(parts)} segments: log loss {measured:+.4f} against the "
            f"constant's, at most {required:+.4f} ({luck:.1f} standard errors for chance)",
            f"look at the late orders of {title}: which record would have shown it before?",
            Bound.AT_MOST,
        )  # fmt: skip

    def _loss(self, predictor: str) -> float:
        return figure(self.tidy, self.landmark, predictor, "log_loss", POOLED)

    def _differences(self, reference: str, rows: pd.DataFrame) -> pd.Series[float]:
        """Return by how much the model's loss is lower, one mean an order."""
        own, other = (losses(rows["late"], rows[who]) for who in ("model", reference))
        return pd.Series(other - own).groupby(rows["order_id"].to_numpy()).mean()

    def _gain(self, reference: str, rows: pd.DataFrame) -> tuple[float, float, float, float]:
        difference = self._differences(reference, rows).to_numpy()
        return paired_gain(difference, self.allowance.resamples, self.allowance.seed)

    def _excused(self, error: float, rows: pd.DataFrame) -> float:
        late = rows.loc[rows["late"] == 1, "order_id"].nunique()
        if late >= self.allowance.plenty_late:
            return 0.0
        return min(self.allowance.standard_errors * error, self.allowance.most_log_loss)

    def _absent(self, name: str, reference: str) -> GateResult:
        words = f"the predictions have no column {reference!r}: train this baseline too"
        return GateResult(name, self.landmark, False, None, None, words)

    def _not_judged(self, name: str, why: str) -> GateResult:
        return GateResult(name, self.landmark, True, None, None, f"not judged: {why}")

    def _result(
        self, name: str, passed: bool, measured: float, required: float, found: str,
        next_step: str, bound: Bound | None,
    ) -> GateResult:  # fmt: skip
        words = found if passed else f"{found}. Next: {next_step}"
        return GateResult(name, self.landmark, bool(passed), measured, required, words, bound)
