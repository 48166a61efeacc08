"""Trees over several classes, trained with LightGBM and returned as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import lightgbm
import numpy as np

from triage.features.compile import Floats, Ints

_FIXED: dict[str, Any] = {
    "objective": "multiclass",
    "deterministic": True,
    "force_col_wise": True,
    "num_threads": 1,
    "verbosity": -1,
}


def fit_classes(
    x: Floats, names: Sequence[str], label: Ints, classes: int, parameters: Mapping[str, Any],
    rounds: int, weight: Floats | None = None, seed: int = 1,
) -> str:  # fmt: skip
    """Return the text of trees that give each class its raw score; softmax makes them shares.

    Args:
        x: (rows, inputs), NaN for missing.
        names: column names.
        label: (rows,) number of each row's class.
        classes: how many there are.
        parameters: LightGBM's names.
        rounds: trees a class.
        weight: (rows,) how much each counts; all alike if None.
        seed: of the draws of rows and columns.
    """
    data = lightgbm.Dataset(
        x, label=label.astype(np.float64), weight=weight, feature_name=list(names)
    )
    told = {**parameters, **_FIXED, "seed": seed, "num_class": classes}
    booster = lightgbm.train(told, data, rounds)
    return str(booster.model_to_string())
