"""What one training run hands over to evaluation, gates and tracking."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd


@dataclass(frozen=True, slots=True)
class TrainingRun:
    """One trained model with the predictions by which it is judged.

    Attributes:
        name: the model's name, for example "at_risk".
        bundle: folder of the model's files.
        digest: hex sha256 that identifies the bundle.
        recipe: the frozen recipe.
        dataset: fingerprint of the log, orders, rows, from, until, trained_as_of (ISO), sources.
        predictions: prediction frame of the months held out (see `metrics.evaluate`).
        explained: landmark -> (feature rows, contributions in log-days) of a sample of rows.
        families_off: family of features that is off -> inputs that it lacks.
        declarations: frozen feature declarations, JSON.
        parameters: what shall be found beside the run in the catalogue.
    """

    name: str
    bundle: Path
    digest: str
    recipe: dict[str, Any]
    dataset: dict[str, Any]
    predictions: pd.DataFrame
    explained: dict[str, tuple[pd.DataFrame, npt.NDArray[np.float64]]]
    families_off: dict[str, tuple[str, ...]]
    declarations: str
    parameters: dict[str, str | float | int]
