"""What the model must beat: the base rate, a rule, a logistic regression on static fields."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from triage.errors import DeclarationError, NotEnoughHistoryError
from triage.features.compile import Floats, Ints
from triage.training.fit import LandmarkData
from triage.training.recipe import Baselines

_LEAST = 1e-4
"""No baseline is surer than this: one wrong certainty would make its log loss infinite."""


@dataclass(frozen=True, slots=True)
class FittedBaselines:
    """Baselines of one landmark as of one moment.

    Attributes:
        base_rate: share of late orders among the mature rows.
        rule: name of the feature that is the rule (a recent share of late orders).
        static: names of the static fields.
        logistic: scikit-learn pipeline on these columns; None if all rows had the same outcome.
    """

    base_rate: float
    rule: str
    static: tuple[str, ...]
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

    def _logistic(self, data: LandmarkData, tested: Ints) -> Floats:
        static = data.columns(self.static)[tested]
        said: Floats = self.logistic.predict_proba(static)[:, 1]
        return said


def fit_baselines(
    data: LandmarkData, moment: int, declared: Baselines, least_rows: int
) -> FittedBaselines:
    """Fit the baselines on the cohorts that had matured by a moment.

    Raises:
        DeclarationError: if the recipe names a feature that is not there.
        NotEnoughHistoryError: if there are too few rows.
    """
    from sklearn.impute import SimpleImputer  # noqa: PLC0415 - three seconds, only for training
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415
    from sklearn.pipeline import make_pipeline  # noqa: PLC0415
    from sklearn.preprocessing import StandardScaler  # noqa: PLC0415

    if declared.rule not in data.beside:
        raise DeclarationError(f"the recipe's rule {declared.rule} is no feature that is on")
    mature = np.flatnonzero(data.rows.mature(moment))
    rows = data.rows.take(mature)
    late = rows.known_late(moment)
    if len(mature) < least_rows:
        raise NotEnoughHistoryError(f"{data.rows.landmark}: too few outcomes for the baselines")
    base_rate = float(np.clip(late.mean(), _LEAST, 1 - _LEAST))
    if late.all() or not late.any():
        return FittedBaselines(base_rate, declared.rule, declared.static, None)
    pipeline = make_pipeline(
        SimpleImputer(strategy="median", keep_empty_features=True),
        StandardScaler(),
        LogisticRegression(max_iter=1000),
    )
    pipeline.fit(data.columns(declared.static)[mature], late)
    return FittedBaselines(base_rate, declared.rule, declared.static, pipeline)
