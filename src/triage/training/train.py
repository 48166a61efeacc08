"""One training run: from the log to a bundle that is judged by months it has not seen.

Data's path: log -> engine -> landmark rows and features -> rolling evaluation of the last months ->
trees, prior trees and curve as of now -> bundle (bytes, digest).
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from triage.domain.clock import from_micros
from triage.errors import NotEnoughHistoryError
from triage.features.compile import Floats
from triage.models.at_risk import (
    CurveNumbers,
    Doubt,
    LandmarkNumbers,
    ModelNumbers,
    Support,
    bundle_files,
)
from triage.models.bundle import write_bundle
from triage.models.calibration import Residuals, settled_rows
from triage.models.doubt import margins, usual_range, venn_abers
from triage.models.trees import TreeEnsemble
from triage.training import recipe as recipes
from triage.training.backtest import backtest, evaluation_months
from triage.training.fit import THREADS, FittedLandmark, fit_landmark
from triage.training.landmark_data import LandmarkData
from triage.training.metrics import settled
from triage.training.prepared import Prepared, Progress, prepare, silent
from triage.training.recipe import Recipe
from triage.training.rule import better, better_than_all
from triage.training.run import TrainingRun

_EXPLAINED_ROWS = 2000


def evaluate_months(
    prepared: Prepared, recipe: Recipe, months: Sequence[str], progress: Progress = silent
) -> pd.DataFrame:
    """Return the prediction frame of some months (see `backtest`)."""
    return backtest(
        prepared.data, recipe, months, time_zone=prepared.time_zone,
        known_until=prepared.known_until, orders=prepared.book.ids, progress=progress,
    )  # fmt: skip


def train(
    name: str, home: Path, *, workspace: Path | None = None, progress: Progress = silent
) -> TrainingRun:
    """Train a model on everything in the log and evaluate its recipe on the last whole months.

    Args:
        name: the recipe, `training/<name>.toml`.
        home: where the log is; the bundle is written to `<home>/runs/<digest>`.
        workspace: the declarations, if not those that came with the package.
        progress: told what is being done.

    Raises:
        HistoryError: if there is no log.
        NotEnoughHistoryError: if the log is too short to train or to evaluate.
        DeclarationError: if a declaration cannot be used.
    """
    recipe, text = recipes.load(name, workspace)
    prepared = prepare(home, recipe, workspace=workspace, progress=progress)
    moment = prepared.known_until
    months = evaluation_months(prepared.data[0].rows, moment, prepared.time_zone, recipe.evaluation)
    predictions = evaluate_months(prepared, recipe, months, progress)
    if recipe.use == "model" and not better_than_all(predictions):
        progress("no better than a rule: looking at the rule")
        rule = recipe.as_lookup()
        plain = replace(
            prepared, data=tuple(data.looking_at(rule.inputs.every) for data in prepared.data)
        )
        looked_up = evaluate_months(plain, rule, months, progress)
        if not better(predictions, looked_up):
            recipe, prepared, predictions = rule, plain, looked_up
            text = as_lookup_text(text)
    predictions = settled(predictions)
    fitted = fit_all(prepared, moment, recipe, progress)
    files = files_of(prepared, recipe, text, fitted)
    progress("writing the bundle")
    staged = home / "runs" / "staged"
    digest = write_bundle(staged, name, files)
    bundle = write_bundle_as(staged, home / "runs" / digest)
    explained = _explain_all(prepared, fitted)
    return TrainingRun(
        name, bundle, digest, recipe.model_dump(mode="json"), _dataset(prepared, moment),
        predictions, explained, dict(prepared.features.switched_off),
        prepared.features.declarations.model_dump_json(), _parameters(recipe, prepared),
    )  # fmt: skip


def files_of(
    prepared: Prepared, recipe: Recipe, text: str, fitted: dict[str, FittedLandmark]
) -> dict[str, bytes]:
    """Return the files of a bundle that was fitted on everything in a log.

    Args:
        prepared: the log.
        recipe: how it was fitted.
        text: the same as it is frozen into the bundle.
        fitted: landmarks.
    """
    numbers = model_numbers(prepared, recipe, fitted, prepared.known_until)
    trees = {landmark: model.trees for landmark, model in fitted.items()}
    return bundle_files(numbers, prepared.features.declarations, text, trees)


def as_lookup_text(text: str) -> str:
    """Return a recipe's text that says that the rule is used."""
    return f'use = "lookup"\n{text}'


def fit_all(
    prepared: Prepared, moment: int, recipe: Recipe, progress: Progress
) -> dict[str, FittedLandmark]:
    """Fit every landmark that has rows enough.

    Raises:
        NotEnoughHistoryError: if none has.
    """

    def fit(data: LandmarkData) -> FittedLandmark | NotEnoughHistoryError:
        progress(f"fitting {data.rows.landmark} on everything")
        try:
            return fit_landmark(data, moment, recipe, threads=1)
        except NotEnoughHistoryError as error:
            return error

    fitted: dict[str, FittedLandmark] = {}
    refusals = []
    with ThreadPoolExecutor(THREADS) as pool:
        for data, found in zip(prepared.data, pool.map(fit, prepared.data), strict=True):
            if isinstance(found, NotEnoughHistoryError):
                refusals.append(found)
            else:
                fitted[data.rows.landmark] = found
    if not fitted:
        raise refusals[0]
    return fitted


def write_bundle_as(staged: Path, folder: Path) -> Path:
    """Move a staged bundle to its place; the same digest is the same bytes and stays."""
    if folder.is_dir():
        shutil.rmtree(staged)
    else:
        staged.replace(folder)
    return folder


def model_numbers(
    prepared: Prepared, recipe: Recipe, fitted: dict[str, FittedLandmark], moment: int
) -> ModelNumbers:
    """Return everything of a bundle that is not trees or declarations, as of a moment (micros)."""
    source = prepared.history.sources[0]
    landmarks = {}
    for data in prepared.data:
        landmark = data.rows.landmark
        if landmark not in fitted:
            continue
        model = fitted[landmark]
        x = data.columns(model.inputs)
        past = Residuals(data.rows, model.mu)
        mature = data.rows.mature(moment)
        low, high, most = usual_range(x[mature])
        landmarks[landmark] = LandmarkNumbers(
            inputs=model.inputs,
            time_trees=model.time_trees,
            offset=recipe.target.offset,
            typical=_medians(x[mature]),
            doubt=_doubt(past, moment, model),
            support=Support(low=tuple(low), high=tuple(high), most_outside=most),
            typical_promise=float(np.log1p(data.rows.promise_days()[mature]).mean()),
            logistic=model.logistic,
            calibration=model.calibration,
            usual_times=CurveNumbers.of(model.usual_times, moment),
            spread=model.spread,
        )
    return ModelNumbers(
        name=recipe.name,
        trained_as_of=moment,
        time_zone=source.time_zone,
        country=source.country,
        worked_holidays=source.worked_holidays,
        available=tuple(sorted(prepared.features.available)),
        contract=recipe.label,
        landmarks=landmarks,
    )


def _doubt(past: Residuals, moment: int, model: FittedLandmark) -> Doubt:
    settled = settled_rows(past.rows, moment, model.calibration)
    late = past.rows.take(settled).known_late(moment)
    below, above = margins(*venn_abers(past.promise_z()[settled], late))
    return Doubt(below=tuple(below.round(6)), above=tuple(above.round(6)))


def _medians(x: Floats) -> tuple[float | None, ...]:
    medians = []
    for column in x.T:
        known = column[~np.isnan(column)]
        medians.append(float(np.median(known)) if len(known) else None)
    return tuple(medians)


def _explain_all(
    prepared: Prepared, fitted: dict[str, FittedLandmark]
) -> dict[str, tuple[pd.DataFrame, Floats]]:
    known = [data for data in prepared.data if data.rows.landmark in fitted]
    with ThreadPoolExecutor(THREADS) as pool:
        found = pool.map(lambda data: _explain(data, fitted[data.rows.landmark]), known)
        return {data.rows.landmark: each for data, each in zip(known, found, strict=True)}


def _explain(data: LandmarkData, model: FittedLandmark) -> tuple[pd.DataFrame, Floats]:
    chosen = np.linspace(0, len(data.rows) - 1, min(_EXPLAINED_ROWS, len(data.rows))).astype(int)
    x = data.columns(model.inputs)[np.unique(chosen)]
    explanation = TreeEnsemble.from_model_text(model.trees).explain(x)
    return pd.DataFrame(x, columns=list(model.inputs)), explanation.contributions


def _dataset(prepared: Prepared, moment: int) -> dict[str, Any]:
    created = prepared.history.orders["record_time"]
    return {
        "fingerprint": prepared.fingerprint,
        "orders": len(prepared.history.orders),
        "rows": sum(len(data.rows) for data in prepared.data),
        "from": from_micros(int(created.iloc[0])).isoformat(),
        "until": from_micros(int(created.iloc[-1])).isoformat(),
        "trained_as_of": from_micros(moment).isoformat(),
        "sources": [source.name for source in prepared.history.sources],
    }


def _parameters(recipe: Recipe, prepared: Prepared) -> dict[str, str | float | int]:
    return {
        "use": recipe.use,
        "landmarks": ",".join(recipe.landmarks),
        "label_contract": recipe.label.version,
        "tolerance_hours": recipe.label.tolerance_hours,
        "rounds": recipe.trees.location.rounds,
        "lateness_rounds": recipe.trees.lateness.rounds,
        "folds": recipe.trees.folds,
        "few_folds": recipe.trees.few_folds,
        "leaves": f"{recipe.trees.least_leaves} to {recipe.trees.most_leaves}",
        "usual_rows": str(recipe.trees.usual_rows),
        "offset": recipe.target.offset,
        "share_recent": recipe.calibration.share_recent,
        "half_life_days": recipe.calibration.half_life_days,
        "features": len(prepared.features.names),
        "features_version": prepared.features.declarations.fingerprint,
        **{f"trees.{key}": str(value) for key, value in recipe.trees.parameters.items()},
    }
