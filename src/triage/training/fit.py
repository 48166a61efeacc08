"""Fitting one landmark as of a moment: trees that have not seen the rows they are judged by.

Weeks are dealt out to folds; each part of the ensemble is fitted without one fold, so every row
that taught has a location from parts that did not see its order: an order that waits has rows in
several weeks, all with one outcome, and they go by the first. These out-of-fold locations feed the
calibration; a row that did not teach has the mean of all parts, which is what serving uses.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from triage.domain.clock import MICROS_PER_DAY, NEVER
from triage.errors import NotEnoughHistoryError
from triage.features.compile import Floats, Ints
from triage.models.at_risk import Calibration, Spread
from triage.models.boosting import Objective, Teachers, tree_count, weighted_sum
from triage.models.calibration import Residuals, slow_logistic, usual_times
from triage.models.landmarks import Rows
from triage.models.survival import SurvivalCurve
from triage.models.trees import TreeEnsemble
from triage.training.choice import Option, choose
from triage.training.landmark_data import LandmarkData
from triage.training.recipe import WEEKS_A_FOLD, Recipe, Target, TreeSettings
from triage.training.spread import fit_spread

_WEEK = 7 * MICROS_PER_DAY
_LEAST_OF_A_KIND = 20
THREADS = 2
"""Fits side by side: each uses one core."""
_ROWS_TO_CHOOSE_INPUTS, _ROUNDS_TO_CHOOSE_INPUTS = 20_000, 60


@dataclass(frozen=True, slots=True)
class FittedLandmark:
    """What was learnt from the records before one moment.

    Attributes:
        inputs: names of what the trees look at.
        trees: text of the trees.
        time_trees: how many of them, from the first, are for the time alone.
        mu: (n,) location of every row of the data, out of fold for the rows that taught.
        middle: (n,) the same of the times alone, on the log-days scale.
        usual_times: curve of the times of all orders so far.
        spread: by how much quantiles of times are moved by site, carrier and so on.
        logistic: slow part of the calibration.
        calibration: settings of the curve.
        option: what was chosen for this landmark.
    """

    inputs: tuple[str, ...]
    trees: str
    time_trees: int
    mu: Floats
    middle: Floats
    usual_times: SurvivalCurve
    spread: Spread
    logistic: tuple[float, float]
    calibration: Calibration
    option: Option


def fit_landmark(
    data: LandmarkData,
    moment: int,
    recipe: Recipe,
    *,
    until: int | None = None,
    threads: int = THREADS,
) -> FittedLandmark:
    """Fit one landmark on what was known before a moment.

    Args:
        data: rows and features.
        moment: what is known before it may teach (UTC micros).
        recipe: how.
        until: rows from this moment on (UTC micros) that teach nothing get no location (NaN).
        threads: parts that are fitted side by side; the result does not depend on it.

    Raises:
        NotEnoughHistoryError: if too few cohorts had matured by then.
    """
    mature = np.flatnonzero(data.rows.mature(moment))
    if len(mature) < recipe.evaluation.least_train_rows:
        raise NotEnoughHistoryError(
            f"{data.rows.landmark}: {len(mature)} orders had a promise that had passed;"
            f" the recipe wants {recipe.evaluation.least_train_rows}. Import more history."
        )
    rows = data.rows.take(mature)
    target = location_target(rows, moment, recipe.target)
    late = rows.known_late(moment)
    lessons = [Lesson(target, recipe.trees.location, "regression")]
    if _LEAST_OF_A_KIND <= late.sum() <= len(late) - _LEAST_OF_A_KIND:
        lessons.append(Lesson(late.astype(float), recipe.trees.lateness, "binary"))
    data = data.looking_at(telling(data, mature, lessons, recipe))
    asked = data.rows.as_of < (NEVER if until is None else until)
    asked[mature] = False

    def parts(*lessons: Lesson) -> list[Parts]:
        rows = np.flatnonzero(asked)
        return fit_parts(data, mature, lessons, recipe, asked=rows, threads=threads)

    location, *others = parts(*lessons)
    texts, weights, mu = [*location.texts], _equal(location), location.out_of_fold
    promise = recipe.target.offset * np.log1p(data.rows.promise_days())
    settings = recipe.calibration.stretched(float(np.median(rows.promise_days())))
    option = Option(0.0, settings.share_recent)
    for odds in others:
        option = choose(
            data.rows, mu + promise, odds.out_of_fold, moment, settings,
            recipe.trees.lateness_weights,
        )  # fmt: skip
        if option.weight > recipe.trees.lateness_weights[0]:
            (odds,) = parts(replace(lessons[1], settings=recipe.trees.leading))  # noqa: PLW2901
        texts += odds.texts
        weights += [option.weight * share for share in _equal(odds)]
        mu = mu + option.weight * odds.out_of_fold
    settings = settings.model_copy(update={"share_recent": option.share_recent})
    middle = location.out_of_fold + promise
    past, timed = (Residuals(data.rows, location) for location in (mu + promise, middle))
    usual = usual_times(timed, moment, settings)
    return FittedLandmark(
        data.inputs, weighted_sum(texts, weights), sum(map(tree_count, location.texts)),
        past.mu, middle,
        usual, fit_spread(timed, data.categories, usual, moment, settings),
        slow_logistic(past, moment, settings), settings, option,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Lesson:
    """What an ensemble is to learn.

    Attributes:
        target: (m,) what each of the rows that may teach says.
        settings: rounds and parameters of this ensemble.
        objective: "regression" or "binary".
    """

    target: Floats
    settings: TreeSettings
    objective: Objective


@dataclass(frozen=True, slots=True)
class Parts:
    """An ensemble fitted in parts, each without one fold of weeks.

    Attributes:
        texts: one model text a part.
        out_of_fold: (n,) raw output: of the part that did not see the row's order; the mean of all
            where none saw the row; NaN where it was not asked for.
    """

    texts: tuple[str, ...]
    out_of_fold: Floats


def telling(
    data: LandmarkData, taught: Ints, lessons: Sequence[Lesson], recipe: Recipe
) -> tuple[str, ...]:
    """Return the inputs that tell most, in their order: all of them while they are few.

    An ensemble of each lesson is fitted on some of the rows; an input counts by its share of the
    gain, summed over the lessons. What tells little costs time at every fit and every score.

    Args:
        data: n rows with features.
        taught: (m,) rows that may teach.
        lessons: what is to be learnt from them.
        recipe: how many inputs may stay.
    """
    most = recipe.trees.most_inputs
    if most is None or len(data.inputs) <= most:
        return data.inputs
    step = -(-len(taught) // _ROWS_TO_CHOOSE_INPUTS)
    x = data.x[taught[::step]].astype(np.float64)
    teachers = Teachers(x, data.inputs, recipe.trees.parameters)
    worth = np.zeros(len(data.inputs))
    for lesson in lessons:
        gains = teachers.gains(
            lesson.target[::step], lesson.settings.parameters, rounds=_ROUNDS_TO_CHOOSE_INPUTS,
            objective=lesson.objective,
        )  # fmt: skip
        worth += gains / max(float(gains.sum()), 1e-9)
    kept = np.sort(np.argsort(-worth, kind="stable")[:most])
    return tuple(data.inputs[at] for at in kept.tolist())


def fit_parts(
    data: LandmarkData,
    taught: Ints,
    lessons: Sequence[Lesson],
    recipe: Recipe,
    *,
    asked: Ints,
    threads: int,
) -> list[Parts]:
    """Fit one part of each ensemble for each fold of weeks on the rows of the others.

    Args:
        data: n rows with features.
        taught: (m,) rows that may teach.
        lessons: what each ensemble learns from them; the longest first keeps all cores at work.
        recipe: folds and common parameters.
        asked: (k,) other rows whose output is wanted.
        threads: parts that are fitted side by side.
    """
    since = data.rows.take(taught).first_as_of()
    folds = recipe.trees.folds_of(len(taught), len(np.unique(since // _WEEK)))
    fold = week_folds(since, folds)
    x_taught, x_asked = (data.x[rows].astype(np.float64) for rows in (taught, asked))
    teachers = Teachers(x_taught, data.inputs, recipe.trees.common(len(taught)))

    def part(lesson: Lesson, left_out: int) -> tuple[str, Floats, Floats]:
        teach = np.flatnonzero(fold != left_out)
        text = teachers.fit(
            teach, lesson.target[teach], lesson.settings.parameters,
            rounds=lesson.settings.rounds, seed=left_out + 1, objective=lesson.objective,
        )  # fmt: skip
        trees = TreeEnsemble.from_model_text(text)
        return text, trees.predict(x_taught[fold == left_out]), trees.predict(x_asked)

    with ThreadPoolExecutor(threads) as pool:
        each = [(lesson, left_out) for lesson in lessons for left_out in range(folds)]
        found = list(pool.map(part, *zip(*each, strict=True)))
    parts = []
    for first in range(0, len(found), folds):
        texts, unseen, outputs = zip(*found[first : first + folds], strict=True)
        out_of_fold = np.full(len(data.rows), np.nan)
        out_of_fold[asked] = np.mean(outputs, axis=0)
        for left_out, output in enumerate(unseen):
            out_of_fold[taught[fold == left_out]] = output
        parts.append(Parts(texts, out_of_fold))
    return parts


def _equal(parts: Parts) -> list[float]:
    return [1.0 / len(parts.texts)] * len(parts.texts)


def week_folds(as_of: Ints, folds: int) -> Ints:
    """Return the fold of each row: weeks in turn; single rows in turn if there are few weeks."""
    weeks = np.unique(as_of // _WEEK, return_inverse=True)[1]
    if len(weeks) and weeks.max() + 1 < WEEKS_A_FOLD * folds:
        weeks = np.arange(len(as_of))
    dealt: Ints = weeks % folds
    return dealt


def location_target(rows: Rows, moment: int, target: Target) -> Floats:
    """Return what the trees learn, (n,), for mature rows as known before a moment."""
    promise = rows.promise_days()
    days, observed = rows.waited_days(moment)
    waited = np.minimum(days, promise + target.undelivered_cap_days)
    assumed = np.maximum(waited, promise * target.undelivered_factor)
    log_days: npt.NDArray[np.float64] = np.log1p(np.where(observed, days, assumed))
    return log_days - target.offset * np.log1p(promise)
