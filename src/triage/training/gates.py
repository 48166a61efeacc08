"""What a model must show before it may be promoted, read from `models/<name>.toml`.

Comparisons are paired by order: both predictors meet the same orders, so most of the chance that
moves their log losses cancels in the difference.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import replace

import pandas as pd

from triage.domain.records import MilestoneKind
from triage.errors import BundleError
from triage.models.bundle import read_bundle
from triage.models.landmarks import WAITING
from triage.training.judge import LandmarkJudge
from triage.training.metrics import figure, landmarks
from triage.training.promise import ModelPromise, Slices, load
from triage.training.run import TrainingRun
from triage.training.verdict import Bound, GateResult, refusal, require

__all__ = ["GateResult", "ModelPromise", "check", "load", "refusal", "require"]


def check(
    run: TrainingRun,
    tidy: pd.DataFrame,
    promise: ModelPromise | None = None,
    *,
    available: Collection[str] | None = None,
) -> tuple[GateResult, ...]:
    """Judge a run by every gate that its predictions and its bundle decide.

    Args:
        run: the run, with its predictions of the months held out.
        tidy: what `metrics.evaluate` gives for these predictions.
        promise: the gates; those of the workspace if None.
        available: sources that hold data (`features.availability`), so that a milestone which the
            data does not have is not required; None requires every landmark of the promise.
    """
    gates = promise or load(run.name)
    judged = [x for x in gates.slices.landmarks if _large_enough(tidy, x, gates.slices)]
    found = [_slices(run, tidy, gates, available), _evidence(tidy, gates, judged)]
    for landmark in judged:
        found += LandmarkJudge(run.predictions, tidy, landmark, gates).results()
    for landmark in _waiting(run, tidy, gates.slices):
        found += LandmarkJudge(run.predictions, tidy, landmark, gates).comparisons()
    if run.recipe.get("use") == "lookup":
        found = [_of_a_rule(gate) for gate in found]
    return (*found, _size(run, gates), _reloads(run))


def _of_a_rule(gate: GateResult) -> GateResult:
    """Return a gate as it is judged where the rule is used because no model did better."""
    compares = gate.name.startswith(("beats_", "matches_")) and gate.name != "beats_constant"
    if gate.passed or not compares:
        return gate
    words = f"not required, since the rule is used and not a model: {gate.words}"
    return replace(gate, passed=True, words=words)


def _large_enough(tidy: pd.DataFrame, landmark: str, slices: Slices) -> bool:
    rows, late = _size_of(tidy, landmark)
    return rows >= slices.min_rows and late >= slices.min_late


def _waiting(run: TrainingRun, tidy: pd.DataFrame, slices: Slices) -> list[str]:
    """Return where orders wait at a stage and are enough to judge: up to three rows are one order.

    Nothing requires that orders wait long enough to have such rows; where they do, the list shows
    them by these predictions and no others.
    """
    there = [f"{stage}{WAITING}" for stage in slices.landmarks]
    return [name for name in landmarks(tidy) if name in there and _enough(run, name, slices)]


def _enough(run: TrainingRun, landmark: str, slices: Slices) -> bool:
    """Return whether a landmark has orders enough, however often each of them is judged."""
    rows = run.predictions[run.predictions["landmark"] == landmark]
    late = rows.loc[rows["late"] == 1, "order_id"].nunique()
    return bool(rows["order_id"].nunique() >= slices.min_rows and late >= slices.min_late)


def _size_of(tidy: pd.DataFrame, landmark: str) -> tuple[int, int]:
    """Return rows and late rows of a landmark in the test set."""
    rows = figure(tidy, landmark, "model", "n")
    if math.isnan(rows) or not rows:
        return 0, 0
    return int(rows), round(rows * figure(tidy, landmark, "model", "base_rate"))


def _slices(
    run: TrainingRun, tidy: pd.DataFrame, promise: ModelPromise, available: Collection[str] | None
) -> GateResult:
    """Judge whether every required landmark that the data has is in the test set."""
    there = landmarks(tidy)
    absent = [name for name in promise.slices.landmarks if _never_recorded(name, available)]
    wanted = [name for name in promise.slices.landmarks if name not in absent]
    missing = [name for name in wanted if name not in there]
    words = f"predictions for {', '.join(there) or 'no landmark'}"
    if absent:
        words += (
            f"; not in this data, so not required: {', '.join(absent)} (the mapping gives no such "
            "milestone: orders are not scored anew there)"
        )
    if missing:
        words += (
            f"; none for {', '.join(missing)}, which the data has. Next: hold out more months or "
            f"import more history; if {run.name} shall not be judged there, take it out of "
            f"[slices] in models/{promise.name}.toml and of training/{promise.name}.toml"
        )
    passed = bool(wanted) and not missing
    if not wanted:
        words += ". Next: check which milestones `triage import` counts"
    return GateResult("slices", None, passed, len(wanted) - len(missing), len(wanted), words)


def _never_recorded(landmark: str, available: Collection[str] | None) -> bool:
    """Return whether the data has no such milestone; every order is created, told or not."""
    stage = landmark.partition(":")[0]
    if available is None or stage == MilestoneKind.ORDER_CREATED:
        return False
    return f"milestone.{stage}" not in available


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
    return GateResult("evidence", None, bool(judged), len(judged), 1, words, Bound.AT_LEAST)


def _size(run: TrainingRun, promise: ModelPromise) -> GateResult:
    """Judge the size of the bundle."""
    measured = sum(p.stat().st_size for p in run.bundle.rglob("*") if p.is_file()) / 1e6
    required = promise.gates.max_megabytes
    words = f"bundle of {measured:.1f} MB, at most {required:g}"
    if measured > required:
        words += f". Next: fewer trees.rounds or leaves in training/{promise.name}.toml"
    passed = measured <= required
    return GateResult("size", None, passed, round(measured, 6), required, words, Bound.AT_MOST)


def _reloads(run: TrainingRun) -> GateResult:
    """Judge whether the bundle's files are those of its manifest and give the run's digest."""
    try:
        _, files = read_bundle(run.bundle, run.digest)
    except BundleError as error:
        return GateResult("reloads", None, False, None, None, f"{error}. Next: train again")
    words = f"{len(files)} files reloaded, digest {run.digest[:12]}"
    return GateResult("reloads", None, True, None, None, words)
