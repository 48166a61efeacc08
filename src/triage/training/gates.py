"""What a model must show before it may be promoted, read from `models/<name>.toml`.

Comparisons are paired by order: both predictors meet the same orders, so most of the chance that
moves their log losses cancels in the difference.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from triage.errors import BundleError, GateError
from triage.models.bundle import read_bundle
from triage.training.metrics import (
    POOLED,
    WITHIN_MONTH,
    auc_error,
    figure,
    landmarks,
    losses,
    paired_gain,
    reliability,
)
from triage.training.promise import ModelPromise, Slices, load
from triage.training.run import TrainingRun

__all__ = ["GateResult", "ModelPromise", "check", "load", "refusal", "require"]


@dataclass(frozen=True, slots=True)
class GateResult:
    """One gate, judged.

    Attributes:
        name: the gate.
        landmark: where it was judged; None for the whole run.
        passed: whether the model may pass.
        measured: the figure; None if there was nothing to measure.
        required: the bound it was held against, with the allowance.
        words: what was found and, if it failed, what to do next.
    """

    name: str
    landmark: str | None
    passed: bool
    measured: float | None
    required: float | None
    words: str


def check(
    run: TrainingRun, tidy: pd.DataFrame, promise: ModelPromise | None = None
) -> tuple[GateResult, ...]:
    """Judge a run by every gate.

    Args:
        run: the run, with its predictions of the months held out.
        tidy: what `metrics.evaluate` gives for these predictions.
        promise: the gates; those of the workspace if None.
    """
    gates = promise or load(run.name)
    judged = [x for x in gates.slices.landmarks if _large_enough(tidy, x, gates.slices)]
    found = [_slices(tidy, gates), _evidence(tidy, gates, judged)]
    for landmark in judged:
        found += _Judge(run.predictions, tidy, landmark, gates).results()
    return (*found, _size(run, gates), _reloads(run))


def refusal(results: tuple[GateResult, ...]) -> str:
    """Return why a model was refused: one line a gate that failed; empty if all passed."""
    return "\n".join(
        f"{gate.name}{f' at {gate.landmark}' if gate.landmark else ''}: {gate.words}"
        for gate in results
        if not gate.passed
    )


def require(results: tuple[GateResult, ...]) -> None:
    """Refuse unless every gate passed.

    Raises:
        GateError: naming each gate that failed, its figures and what to do next.
    """
    if not results:
        raise GateError("no gate was checked: run `triage train at_risk`, which checks them")
    failed = refusal(results)
    if failed:
        count = sum(not gate.passed for gate in results)
        raise GateError(f"{count} of {len(results)} gates failed; the champion stays.\n{failed}")


class _Judge:
    """The gates of one landmark: rows of the test set, figures, and what chance may excuse."""

    def __init__(
        self, predictions: pd.DataFrame, tidy: pd.DataFrame, landmark: str, promise: ModelPromise
    ) -> None:
        self.rows = predictions[predictions["landmark"] == landmark]
        self.tidy = tidy
        self.landmark = landmark
        self.gates = promise.gates
        self.allowance = promise.allowance
        self.min_late = promise.slices.min_late

    def results(self) -> Iterator[GateResult]:
        """Yield the gates of this landmark."""
        for reference in self.gates.must_beat:
            yield self.beats(reference)
        for reference in self.gates.must_match:
            yield self.matches(reference)
        yield self.calibrated()
        yield self.ranks()
        yield self.worst_month()

    def beats(self, reference: str) -> GateResult:
        """Judge whether the model's log loss is lower than a baseline's."""
        name = f"beats_{reference}"
        if reference not in self.rows:
            return self._absent(name, reference)
        gain, error, low, high = self._gain(reference, self.rows)
        excused = self._excused(error, self.rows)
        return self._result(
            name, gain > -excused, gain, 0.0 - excused,
            f"log loss {self._loss('model'):.4f} against {self._loss(reference):.4f}: "
            f"lower by {gain:.4f} (95 % between {low:.4f} and {high:.4f}; must be above "
            f"{0.0 - excused:.4f})",
            f"the {reference} predicts as well without a model: keep the champion; import more "
            "history or look at the families without data in the model card",
        )  # fmt: skip

    def matches(self, reference: str) -> GateResult:
        """Judge whether the model is better on log loss or on within-month ROC-AUC."""
        name = f"matches_{reference}"
        if reference not in self.rows:
            return self._absent(name, reference)
        gain, error, low, high = self._gain(reference, self.rows)
        excused = self._excused(error, self.rows)
        own, other = (
            figure(self.tidy, self.landmark, who, "roc_auc", WITHIN_MONTH)
            for who in ("model", reference)
        )
        return self._result(
            name, gain > -excused or own > other, gain, 0.0 - excused,
            f"log loss lower by {gain:.4f} (95 % between {low:.4f} and {high:.4f}; must be above "
            f"{0.0 - excused:.4f}) or within-month ROC-AUC {own:.3f} above {other:.3f}",
            f"the {reference} baseline on static fields is better at both: look for a family that "
            "has lost its data, then lower trees.rounds in training/at_risk.toml",
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
            "see the reliability and month plots of the run: a level that moved needs newer "
            "outcomes (import the latest extract), a tilted curve other calibration settings in "
            "training/at_risk.toml",
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
            words = f"not judged: no month has {self.min_late} late ones"
            return GateResult(name, self.landmark, True, None, most, words)
        _, measured, required, month = max(found)
        return self._result(
            name, measured <= required, measured, required,
            f"{month}: log loss {measured:+.4f} against the constant's, at most {required:+.4f}",
            f"look at {month} in the month plot of the run: what happened then that the records "
            "did not show before?",
        )  # fmt: skip

    def _loss(self, predictor: str) -> float:
        return figure(self.tidy, self.landmark, predictor, "log_loss", POOLED)

    def _gain(self, reference: str, rows: pd.DataFrame) -> tuple[float, float, float, float]:
        own, other = (losses(rows["late"], rows[who]) for who in ("model", reference))
        difference = pd.Series(other - own).groupby(rows["order_id"].to_numpy()).mean()
        return paired_gain(difference.to_numpy(), self.allowance.resamples, self.allowance.seed)

    def _excused(self, error: float, rows: pd.DataFrame) -> float:
        if rows["late"].sum() >= self.allowance.plenty_late:
            return 0.0
        return min(self.allowance.standard_errors * error, self.allowance.most_log_loss)

    def _absent(self, name: str, reference: str) -> GateResult:
        words = f"the predictions have no column {reference!r}: train this baseline too"
        return GateResult(name, self.landmark, False, None, None, words)

    def _result(
        self, name: str, passed: bool, measured: float, required: float, found: str, next_step: str
    ) -> GateResult:
        words = found if passed else f"{found}. Next: {next_step}"
        return GateResult(name, self.landmark, bool(passed), measured, required, words)


def _large_enough(tidy: pd.DataFrame, landmark: str, slices: Slices) -> bool:
    rows, late = _size_of(tidy, landmark)
    return rows >= slices.min_rows and late >= slices.min_late


def _size_of(tidy: pd.DataFrame, landmark: str) -> tuple[int, int]:
    """Return rows and late rows of a landmark in the test set."""
    rows = figure(tidy, landmark, "model", "n")
    if math.isnan(rows) or not rows:
        return 0, 0
    return int(rows), round(rows * figure(tidy, landmark, "model", "base_rate"))


def _slices(tidy: pd.DataFrame, promise: ModelPromise) -> GateResult:
    """Judge whether every required landmark is in the test set."""
    there = landmarks(tidy)
    missing = [name for name in promise.slices.landmarks if name not in there]
    words = f"predictions for {', '.join(there) or 'no landmark'}"
    if missing:
        words += (
            f"; none for {', '.join(missing)}. Next: check that the mapping gives these milestones "
            f"(`triage import` counts them); if the source has none, take them out of [slices] in "
            f"models/{promise.name}.toml and of training/{promise.name}.toml"
        )
    wanted = len(promise.slices.landmarks)
    return GateResult("slices", None, not missing, wanted - len(missing), wanted, words)


def _evidence(tidy: pd.DataFrame, promise: ModelPromise, judged: list[str]) -> GateResult:
    """Judge whether the test set is large enough to judge anything."""
    least = f"{promise.slices.min_rows} rows and {promise.slices.min_late} late ones"
    thin = [
        f"{name} ({rows} rows, {late} late)"
        for name in promise.slices.landmarks
        if name not in judged
        for rows, late in [_size_of(tidy, name)]
    ]
    words = f"judged: {', '.join(judged) or 'no landmark'}"
    if thin:
        words += f"; reported only, with fewer than {least}: {', '.join(thin)}"
    if not judged:
        words += (
            f". Next: import more history, or hold out more months in training/{promise.name}.toml"
        )
    return GateResult("evidence", None, bool(judged), len(judged), 1, words)


def _size(run: TrainingRun, promise: ModelPromise) -> GateResult:
    """Judge the size of the bundle."""
    measured = sum(p.stat().st_size for p in run.bundle.rglob("*") if p.is_file()) / 1e6
    required = promise.gates.max_megabytes
    words = f"bundle of {measured:.1f} MB, at most {required:g}"
    if measured > required:
        words += f". Next: fewer trees.rounds or leaves in training/{promise.name}.toml"
    return GateResult("size", None, measured <= required, round(measured, 6), required, words)


def _reloads(run: TrainingRun) -> GateResult:
    """Judge whether the bundle's files are those of its manifest and give the run's digest."""
    try:
        _, files = read_bundle(run.bundle, run.digest)
    except BundleError as error:
        return GateResult("reloads", None, False, None, None, f"{error}. Next: train again")
    words = f"{len(files)} files reloaded, digest {run.digest[:12]}"
    return GateResult("reloads", None, True, None, None, words)
