"""Fitting one landmark as of a moment: trees and the slow part of the calibration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from triage.errors import NotEnoughHistoryError
from triage.features.compile import Floats
from triage.features.engine import FeatureEngine
from triage.models.boosting import fit_trees
from triage.models.calibration import residuals, slow_logistic
from triage.models.landmarks import Rows, landmark_rows
from triage.models.trees import TreeEnsemble
from triage.training.recipe import Recipe, Target


@dataclass(frozen=True, slots=True)
class LandmarkData:
    """All rows of one landmark with their feature matrix, sorted by moment.

    Attributes:
        rows: n landmark rows.
        x: (n, inputs) features as of each row's moment.
        inputs: column names.
        beside: (n,) features by name that only the baselines look at.
    """

    rows: Rows
    x: Floats
    inputs: tuple[str, ...]
    beside: dict[str, Floats]

    def columns(self, names: Sequence[str]) -> Floats:
        """Return features by name, (n, names); those that are not there are left out."""
        known = {name: self.x[:, at] for at, name in enumerate(self.inputs)} | self.beside
        return np.column_stack([known[name] for name in names if name in known])


@dataclass(frozen=True, slots=True)
class FittedLandmark:
    """What was learnt from the records before one moment.

    Attributes:
        trees: text of the trees.
        mu: (n,) their location for every row of the data, on the log-days scale.
        logistic: slow part of the calibration.
    """

    trees: str
    mu: Floats
    logistic: tuple[float, float]


def landmark_data(engine: FeatureEngine, landmark: str, recipe: Recipe) -> LandmarkData:
    """Return every row of a landmark with the features that the recipe looks at."""
    rows = landmark_rows(engine.book, landmark, engine.features.program.tolerance)
    matrix = engine.matrix(rows.order, rows.as_of)
    place = {name: at for at, name in enumerate(engine.names)}
    inputs = recipe.inputs.of(engine.features, landmark)
    beside = {name: matrix[:, place[name]] for name in recipe.baselines.names if name in place}
    return LandmarkData(rows, matrix[:, [place[name] for name in inputs]], inputs, beside)


def fit_landmark(data: LandmarkData, moment: int, recipe: Recipe) -> FittedLandmark:
    """Fit one landmark on what was known before a moment.

    Raises:
        NotEnoughHistoryError: if too few cohorts had matured by then.
    """
    trees = fit_location(data, moment, recipe)
    ensemble = TreeEnsemble.from_model_text(trees)
    past = residuals(data.rows, ensemble, data.x, recipe.target.offset)
    return FittedLandmark(trees, past.mu, slow_logistic(past, moment, recipe.calibration))


def fit_location(data: LandmarkData, moment: int, recipe: Recipe) -> str:
    """Fit the trees on the cohorts that had matured by a moment; return their text.

    Raises:
        NotEnoughHistoryError: if there are fewer rows than the recipe wants.
    """
    mature = data.rows.mature(moment)
    if mature.sum() < recipe.evaluation.least_train_rows:
        raise NotEnoughHistoryError(
            f"{data.rows.landmark}: {int(mature.sum())} orders had a promise that had passed;"
            f" the recipe wants {recipe.evaluation.least_train_rows}. Import more history."
        )
    target = location_target(data.rows.take(mature), moment, recipe.target)
    return fit_trees(
        data.x[mature], target, data.inputs, recipe.trees.parameters,
        rounds=recipe.trees.rounds, seeds=recipe.trees.seeds,
    )  # fmt: skip


def location_target(rows: Rows, moment: int, target: Target) -> Floats:
    """Return what the trees learn, (n,), for mature rows as known before a moment."""
    promise = rows.promise_days()
    days, observed = rows.waited_days(moment)
    waited = np.minimum(days, promise + target.undelivered_cap_days)
    assumed = np.maximum(waited, promise * target.undelivered_factor)
    log_days = np.log1p(np.where(observed, days, assumed))
    return log_days - target.offset * np.log1p(promise)
