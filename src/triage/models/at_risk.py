"""The at-risk model: when will this order be delivered, and so, how likely is it late.

One distribution answers everything. With L = log(1 + days from the landmark to the promise), trees
give a location m = offset x L + times(x) on the log scale, and a survival curve over log(1 + t) - m
says when orders arrive. A second location, mu = offset x L + trees(x), holds besides the times a
weighted share of trees that learnt late or not; its curve S gives p(late) = S(L - mu), which ranks
and is calibrated better. The distribution of times is held to it: before the promise at least
p(late) have not arrived, after it at most. So there is one distribution, and p(late) and the
interval cannot contradict each other. An order that waited W days is conditioned on "not yet".
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from triage.errors import BundleError, DeclarationError
from triage.features.compile import FeatureSet, Floats, compile_features
from triage.features.declarations import Declarations, thaw
from triage.models.bundle import read_bundle
from triage.models.spread import NO_MOVES, Moved, Moves, moved_gaps, moves_of
from triage.models.survival import GRID_FROM, GRID_POINTS, GRID_TO, SurvivalCurve
from triage.models.trees import TreeEnsemble

NAME = "at_risk"
MODEL_FILE, FEATURES_FILE, RECIPE_FILE = "model.json", "features.json", "recipe.toml"
QUANTILES = (0.1, 0.5, 0.9)
_LATEST = math.log1p(2000.0)


class _Carried(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class LabelContract(_Carried):
    """What late means for this model; named in every score."""

    version: str
    meaning: Annotated[str, Field(min_length=3, max_length=120)]
    tolerance_hours: Annotated[float, Field(ge=0)] = 0.0


class Calibration(_Carried):
    """How the survival curve is kept current from recent residuals (see `calibration.py`).

    Windows are for promises of up to `usual_promise_days`; `stretched` makes them longer for longer
    ones, since nothing is known of a delivery in ninety days from orders of the last forty. `surge`
    is by how much log times rise with the log of the orders of the last week against those of a
    usual one.
    """

    window_days: float = 45.0
    half_life_days: float = 5.0
    bandwidth: float = 0.1
    times_bandwidth: float = 0.05
    times_half_life_days: Annotated[float, Field(gt=0)] = 3.0
    surge: Annotated[float, Field(ge=0, le=1)] = 0.0
    spread_days: Annotated[float, Field(gt=0)] = 180.0
    logistic_days: float = 120.0
    share_recent: Annotated[float, Field(ge=0, le=1)] = 0.5
    abandoned_days: Annotated[float, Field(gt=0)] = 30.0
    usual_promise_days: Annotated[float, Field(gt=0)] = 25.0

    def stretched(self, promise_days: float) -> Calibration:
        """Return the settings for orders with such promises (days)."""
        by = max(1.0, promise_days / self.usual_promise_days)
        return self.model_copy(
            update={
                "window_days": self.window_days * by,
                "half_life_days": self.half_life_days * by,
                "times_half_life_days": self.times_half_life_days * by,
                "logistic_days": self.logistic_days * by,
                "abandoned_days": self.abandoned_days * by,
                "usual_promise_days": self.usual_promise_days * by,
            }
        )


class CurveNumbers(_Carried):
    """A survival curve as plain numbers, and the moment it stands for (UTC micros)."""

    as_of: int
    start: float
    step: float
    logits: tuple[float, ...]

    @classmethod
    def of(cls, curve: SurvivalCurve, as_of: int) -> CurveNumbers:
        """Return the numbers of a curve."""
        return cls(as_of=as_of, start=curve.start, step=curve.step, logits=curve.logits)

    def curve(self) -> SurvivalCurve:
        """Return the curve."""
        return SurvivalCurve(self.start, self.step, self.logits)


class Doubt(_Carried):
    """How sure answers are (see `doubt.py`): margins on the logit scale on the grid of z."""

    below: tuple[float, ...]
    above: tuple[float, ...]


class Support(_Carried):
    """What orders the model learnt from: usual range of each input, and how many may leave it."""

    low: tuple[float, ...]
    high: tuple[float, ...]
    most_outside: int


class Spread(_Carried):
    """By how much the quantiles of times are moved for some orders (see `spread.py`)."""

    every: Moves = NO_MOVES
    by_field: dict[str, dict[str, Moves]] = {}

    def moves(self, values: Mapping[str, str | None]) -> Moves:
        """Return the moves of an order with such values by field."""
        return moves_of(self.every, self.by_field, values)


class LandmarkNumbers(_Carried):
    """What the model knows about one stage, next to its trees.

    `inputs` binds columns by name. The first `time_trees` of its trees are those of the times
    alone. `typical` holds the median of each input in training;
    `typical_promise` is the mean of log(1 + days to the promise) of the training rows.
    """

    inputs: tuple[str, ...]
    time_trees: Annotated[int, Field(ge=1)]
    offset: float
    typical: tuple[float | None, ...]
    typical_promise: float
    logistic: tuple[float, float]
    calibration: Calibration
    usual_times: CurveNumbers
    spread: Spread = Spread()
    doubt: Doubt
    support: Support


class ModelNumbers(_Carried):
    """Everything of a bundle that is not trees or declarations."""

    name: str
    trained_as_of: int
    time_zone: str
    country: str
    worked_holidays: tuple[str, ...] = ()
    available: tuple[str, ...]
    contract: LabelContract
    landmarks: dict[str, LandmarkNumbers]


@dataclass(frozen=True, slots=True)
class Stage:
    """One landmark's part of the model; `times` are the first of the `trees`, by themselves."""

    name: str
    numbers: LandmarkNumbers
    trees: TreeEnsemble
    times: TreeEnsemble
    low: Floats
    high: Floats

    @classmethod
    def of(cls, name: str, numbers: LandmarkNumbers, trees: TreeEnsemble) -> Stage:
        """Return a stage with its support as arrays.

        Raises:
            ValueError: if there are fewer trees than those of the times.
        """
        support, times = numbers.support, trees.head(numbers.time_trees)
        return cls(name, numbers, trees, times, np.array(support.low), np.array(support.high))

    def unfamiliar(self, x: Floats) -> tuple[str, ...]:
        """Return inputs out of the usual range; none while no more are than in training."""
        outside = (x < self.low) | (x > self.high)
        if int(np.count_nonzero(outside)) <= self.numbers.support.most_outside:
            return ()
        return tuple(self.numbers.inputs[at] for at in np.flatnonzero(outside).tolist())


class Curves(NamedTuple):
    """The survival curves of one landmark as of one moment: of lateness, and of times."""

    late: SurvivalCurve
    times: SurvivalCurve


@dataclass(frozen=True, slots=True)
class Prediction:
    """What the model says of one order at one moment.

    Attributes:
        p_late: probability of delivery after promise + tolerance, given what is known.
        bounds: between which the probability itself lies (Venn-Abers); p_late is between them.
        typical: the same for a typical order at this stage.
        delay_days: p10, p50, p90 of delivery against the promise, in days (positive: late).
        effects: (inputs,) effect of each input on p_late; their sum, `promise_effect` and
            `waiting_effect` lead from `typical` to `p_late`.
        promise_effect: effect of how far away the promise is, beyond what the inputs carry.
        waiting_effect: effect of having waited since the landmark without delivery.
        log_days: (inputs,) contributions to the location mu (exact SHAP values).
    """

    p_late: float
    bounds: tuple[float, float]
    typical: float
    delay_days: tuple[float, float, float]
    effects: Floats
    promise_effect: float
    waiting_effect: float
    log_days: Floats


def predict(
    stage: Stage,
    curves: Curves,
    x: Floats,
    promise_days: float,
    waited_days: float,
    moves: Moves = NO_MOVES,
) -> Prediction:
    """Predict and explain one order.

    The spread p_late - typical is divided by the straight path in contribution space
    (Aumann-Shapley); p depends on the contributions only through their sum, so each share is
    proportional to its exact SHAP value and they add up by construction.

    Args:
        stage: the landmark's model.
        curves: the survival curves in force.
        x: (inputs,) feature values bound by `stage.numbers.inputs`.
        promise_days: days from the landmark to promise + tolerance (> 0).
        waited_days: days since the landmark (0 <= waited; the order is still open).
        moves: by how much the quantiles of its times are moved (see `Spread`).
    """
    numbers, curve = stage.numbers, curves.late
    contributions = np.empty(len(numbers.inputs), dtype=np.float64)
    location, time = stage.trees.explain_with_head(x, contributions, numbers.time_trees)
    log_promise = math.log1p(promise_days)
    mu = numbers.offset * log_promise + location
    z = log_promise - mu
    base = location - float(contributions.sum())
    z_typical = (1.0 - numbers.offset) * numbers.typical_promise - base
    typical, fresh = curve.at(z_typical), curve.at(z)
    if abs(z - z_typical) > 1e-9:
        per_unit = (fresh - typical) / (z - z_typical)
    else:
        per_unit = (curve.at(z + 1e-4) - curve.at(z - 1e-4)) / 2e-4
    promise_effect = per_unit * (1.0 - numbers.offset) * (log_promise - numbers.typical_promise)
    middle = numbers.offset * log_promise + time
    scale = Moved.of(gaps_of(curves.times), moves)
    still = 1.0
    if waited_days > 0:
        still = curves.times.at(scale.back(math.log1p(waited_days) - middle))
        still = max(still, fresh) if waited_days < promise_days else min(still, fresh)
    p_late = 1.0 if waited_days >= promise_days else min(1.0, fresh / still)
    delays = (
        delay_at(curves.times, scale, middle, promise_days, fresh, (1.0 - quantile) * still)
        for quantile in QUANTILES
    )
    p10, p50, p90 = (max(delay, waited_days - promise_days) for delay in delays)
    return Prediction(
        p_late, _bounds(numbers.doubt, p_late, z), typical, (p10, p50, p90),
        -per_unit * contributions, promise_effect, p_late - fresh, contributions,
    )  # fmt: skip


def _bounds(doubt: Doubt, p_late: float, z: float) -> tuple[float, float]:
    if not 0.0 < p_late < 1.0:
        return p_late, p_late
    place = round((z - GRID_FROM) / (GRID_TO - GRID_FROM) * (GRID_POINTS - 1))
    at = min(max(place, 0), GRID_POINTS - 1)
    odds = math.log(p_late / (1.0 - p_late))
    low = 1.0 / (1.0 + math.exp(doubt.below[at] - odds))
    high = 1.0 / (1.0 + math.exp(-doubt.above[at] - odds))
    return min(low, p_late), max(high, p_late)


def gaps_of(times: SurvivalCurve) -> Moves:
    """Return where p10, p50 and p90 of a curve of times lie."""
    low, middle, high = (times.inverse(1.0 - quantile) for quantile in QUANTILES)
    return low, middle, high


def delay_at(
    times: SurvivalCurve,
    scale: Moved,
    middle: float,
    promise_days: float,
    p_late: float,
    survival: float,
) -> float:
    """Return the delay, in days, after which such a share has not arrived, held to p(late)."""
    held = min(max(survival, 1e-6), 1.0 - 1e-6)
    log_days = min(max(middle + scale.there(times.inverse(held)), 0.0), _LATEST)
    delay = math.expm1(log_days) - promise_days
    return min(delay, 0.0) if survival > p_late else max(delay, 0.0)


def fresh_delays(
    times: SurvivalCurve, middle: Floats, promise_days: Floats, p_late: Floats, moves: Floats
) -> Floats:
    """Return p10, p50, p90 of delivery against the promise in days, (n, 3), without waiting.

    Args:
        times: curve of times.
        middle: (n,) location of the times on the log-days scale.
        promise_days: (n,) days to promise + tolerance.
        p_late: (n,) what the distribution is held to.
        moves: (n, 3) by how much the quantiles are moved.
    """
    survival = 1.0 - np.array(QUANTILES)
    gaps = moved_gaps(gaps_of(times), moves)
    log_days = np.clip(middle[:, None] + gaps, 0.0, _LATEST)
    delays = np.expm1(log_days) - promise_days[:, None]
    early = survival > p_late[:, None]
    held: Floats = np.where(early, np.minimum(delays, 0.0), np.maximum(delays, 0.0))
    return held


@dataclass(frozen=True, slots=True)
class AtRiskModel:
    """A bundle, read: stages by landmark, frozen features, label contract."""

    digest: str
    numbers: ModelNumbers
    stages: dict[str, Stage]
    features: FeatureSet

    @classmethod
    def load(cls, folder: Path, expected: str | None = None) -> AtRiskModel:
        """Read a bundle after checking its digest.

        Raises:
            BundleError: if it is not what promotion recorded or cannot be scored exactly.
        """
        digest, files = read_bundle(folder, expected)
        try:
            numbers = ModelNumbers.model_validate_json(files[MODEL_FILE])
            features = frozen_features(thaw(files[FEATURES_FILE].decode()), numbers)
            stages = {name: _stage(name, numbers, files) for name in numbers.landmarks}
        except (KeyError, ValidationError, UnicodeDecodeError, DeclarationError) as error:
            raise BundleError(
                f"{folder} does not fit this version of Triage: {error}; run `triage train {NAME}`"
            ) from error
        return cls(digest, numbers, stages, features)


def frozen_features(declarations: Declarations, numbers: ModelNumbers) -> FeatureSet:
    """Return the features as they were compiled at training."""
    return compile_features(
        declarations,
        numbers.available,
        tolerance_hours=numbers.contract.tolerance_hours,
        only={name for landmark in numbers.landmarks.values() for name in landmark.inputs},
    )


def bundle_files(
    numbers: ModelNumbers,
    declarations: Declarations,
    recipe: str,
    trees: dict[str, str],
) -> dict[str, bytes]:
    """Return the files of a bundle; trees are text by landmark, those of the times first."""
    plain: dict[str, Any] = numbers.model_dump(mode="json")
    files = {
        MODEL_FILE: json.dumps(plain, indent=1, sort_keys=True).encode(),
        FEATURES_FILE: declarations.model_dump_json(indent=1).encode(),
        RECIPE_FILE: recipe.encode(),
    }
    return files | {_path(name): text.encode() for name, text in trees.items()}


def _stage(name: str, numbers: ModelNumbers, files: dict[str, bytes]) -> Stage:
    path, own = _path(name), numbers.landmarks[name]
    if path not in files:
        raise BundleError(f"the bundle has no {path}")
    trees = TreeEnsemble.from_model_text(files[path].decode())
    if trees.feature_names != own.inputs:
        raise BundleError(f"{path} was trained on other columns than the bundle names")
    if trees.n_trees < own.time_trees:
        raise BundleError(f"{path} has {trees.n_trees} trees, fewer than those of the times")
    return Stage.of(name, own, trees)


def _path(landmark: str) -> str:
    return f"trees/{landmark.replace(':', '.')}.txt"
