"""Exact contributions of one row: our kernel against LightGBM's `pred_contrib`, in one run."""

from __future__ import annotations

import time
from collections.abc import Callable

import lightgbm
import numpy as np

from triage.models.trees import TreeEnsemble

ROWS = 300


def _median_us(call: Callable[[int], object]) -> float:
    times = []
    for at in range(ROWS):
        started = time.perf_counter_ns()
        call(at)
        times.append((time.perf_counter_ns() - started) / 1000)
    return float(np.median(times))


def run() -> None:
    """Print medians, their ratio and the largest difference."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=(20_000, 60))
    x[rng.random(x.shape) < 0.05] = np.nan
    y = np.nan_to_num(x[:, 0]) * 2 + np.sin(np.nan_to_num(x[:, 1]) * 3) + rng.normal(size=len(x))
    for rounds, leaves in ((600, 8), (400, 15)):
        options = {"num_leaves": leaves, "verbosity": -1, "num_threads": 2, "deterministic": True}
        booster = lightgbm.train(options, lightgbm.Dataset(x, y), rounds)
        ensemble = TreeEnsemble.from_model_text(booster.model_to_string())
        out = np.empty(x.shape[1])

        def theirs(at: int, booster: lightgbm.Booster = booster) -> object:
            return booster.predict(x[at : at + 1], pred_contrib=True, num_threads=1)

        def ours(at: int, ensemble: TreeEnsemble = ensemble, out: np.ndarray = out) -> object:
            return ensemble.explain_one(x[at], out)

        for call in (ours, theirs):
            call(0)
        mine, other = _median_us(ours), _median_us(theirs)
        reference = booster.predict(x[:ROWS], pred_contrib=True, num_threads=1)
        gap = np.abs(ensemble.explain(x[:ROWS]).contributions - reference[:, :-1]).max()
        print(
            f"{rounds} trees x {leaves} leaves, one row: {mine:.0f} us, LightGBM pred_contrib"
            f" {other:.0f} us, ratio {other / mine:.1f}; largest difference {gap:.1e}"
        )
