"""Whether the model earns its place: against the baselines, and against the rule in its stead."""

from __future__ import annotations

import pandas as pd

from triage.models.landmarks import WAITING
from triage.training.metrics import losses, predictors, settled


def better_than_all(predictions: pd.DataFrame) -> bool:
    """Return whether the model's log loss over all stages is below that of every baseline.

    Args:
        predictions: prediction frame; orders given up and rows of waiting orders do not count.
    """
    rows = _judged(predictions)
    own = losses(rows["late"], rows["model"]).mean()
    others = (name for name in predictors(rows) if name != "model")
    return bool(all(own < losses(rows["late"], rows[name]).mean() for name in others))


def better(predictions: pd.DataFrame, other: pd.DataFrame) -> bool:
    """Return whether the first frame's model has the lower log loss over all stages."""
    first, second = (
        losses(rows["late"], rows["model"]).mean() for rows in map(_judged, (predictions, other))
    )
    return bool(first < second)


def _judged(predictions: pd.DataFrame) -> pd.DataFrame:
    rows = settled(predictions)
    return rows[~rows["landmark"].str.endswith(WAITING)]
