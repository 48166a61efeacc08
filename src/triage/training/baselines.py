"""What the model must beat: the base rate, a rule, a logistic regression on static fields."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from triage.errors import DeclarationError, NotEnoughHistoryError
from triage.features.compile import Floats, Ints
from triage.training.landmark_data import LandmarkData
from triage.training.recipe import Baselines

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

_LEAST = 1e-4
"""No baseline is surer than this: one wrong certainty would make its log loss infinite."""
_MOST_CODES = 30


@dataclass(frozen=True, slots=True)
class FittedBaselines:
    """Baselines of one landmark as of one moment.

    Attributes:
        base_rate: share of late orders among the mature rows.
        rule: name of the feature that is the rule (a recent share of late orders).
        static: names of the static numbers.
        categories: names of the order's codes.
        logistic: scikit-learn pipeline on these columns; None if all rows had the same outcome.
    """

    base_rate: float
    rule: str
    static: tuple[str, ...]
    categories: tuple[str, ...]
    logistic: Any

    def predict(self, data: LandmarkData, tested: Ints) -> dict[str, Floats]:
        """Return p(late) of the tested rows by baseline name."""
        rule = data.columns([self.rule])[tested, 0]
        constant = np.full(len(tested), self.base_rate)
        return {
            "constant": constant,
            "rule": np.clip(np.where(np.isnan(rule), self.base_rate, rule), _LEAST, 1 - _LEAST),
            "logistic": constant if self.logistic is None else self._logistic(data, tested),
        }

    def table(self, data: LandmarkData, rows: Ints) -> Floats:
        """Return static numbers, then codes by their place in the alphabet, of some rows."""
        codes = [
            data.categories[name].fillna("").astype("category").cat.codes.to_numpy(float)[rows]
            for name in self.categories
        ]
        return np.column_stack([data.columns(self.static)[rows], *codes])

    def _logistic(self, data: LandmarkData, tested: Ints) -> Floats:
        said: Floats = self.logistic.predict_proba(self.table(data, tested))[:, 1]
        return said


def fit_baselines(data: LandmarkData, moment: int, declared: Baselines) -> FittedBaselines:
    """Fit the baselines on the cohorts that had matured by a moment.

    Raises:
        DeclarationError: if the recipe names a feature that is not there.
        NotEnoughHistoryError: if no cohort had matured.
    """
    if declared.rule not in data.beside:
        raise DeclarationError(f"the recipe's rule {declared.rule} is no feature that is on")
    mature = np.flatnonzero(data.rows.mature(moment))
    if not len(mature):
        raise NotEnoughHistoryError(f"{data.rows.landmark}: no promise had passed yet")
    late = data.rows.take(mature).known_late(moment)
    base_rate = float(np.clip(late.mean(), _LEAST, 1 - _LEAST))
    categories = tuple(name for name in declared.categories if name in data.categories)
    fitted = FittedBaselines(base_rate, declared.rule, declared.static, categories, None)
    if late.all() or not late.any():
        return fitted
    pipeline = _pipeline(data.columns(declared.static).shape[1], len(categories))
    pipeline.fit(fitted.table(data, mature), late)
    return replace(fitted, logistic=pipeline)


def _pipeline(numbers: int, codes: int) -> Pipeline:
    """Return a logistic regression on standardised numbers and one-hot codes, rare ones pooled."""
    from sklearn.compose import make_column_transformer  # noqa: PLC0415 - slow, only for training
    from sklearn.impute import SimpleImputer  # noqa: PLC0415
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415
    from sklearn.pipeline import make_pipeline  # noqa: PLC0415
    from sklearn.preprocessing import OneHotEncoder, StandardScaler  # noqa: PLC0415

    impute = SimpleImputer(strategy="median", keep_empty_features=True)
    one_hot = OneHotEncoder(handle_unknown="infrequent_if_exist", max_categories=_MOST_CODES)
    blocks = [
        (make_pipeline(impute, StandardScaler()), slice(0, numbers)),
        (one_hot, slice(numbers, numbers + codes)),
    ]
    there = [block for block in blocks if block[1].start < block[1].stop]
    return make_pipeline(make_column_transformer(*there), LogisticRegression(max_iter=1000))
