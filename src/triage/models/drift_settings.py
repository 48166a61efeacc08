"""When a shift counts: the thresholds of `training/drift.toml`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from triage import workspace
from triage.workspace import Declared

WHERE = "training/drift.toml"
_Share = Annotated[float, Field(ge=0, le=1)]


class InputSettings(Declared):
    """When the inputs of the last days count as shifted; see the comments of the file."""

    days: Annotated[float, Field(gt=0)]
    bins: Annotated[int, Field(ge=2)]
    psi: Annotated[float, Field(gt=0)]
    usual_quantile: _Share
    share_of_model: _Share
    least_rows: Annotated[int, Field(ge=1)]


class OutcomeSettings(Declared):
    """When outcomes count as unlike what the champion said; see the comments of the file."""

    adwin_delta: Annotated[float, Field(gt=0, lt=1)]
    least_change: Annotated[float, Field(ge=0)]
    observed_to_expected: tuple[float, float]
    standard_errors: Annotated[float, Field(ge=0)]
    least_rows: Annotated[int, Field(ge=1)]


class LiveSettings(Declared):
    """When answers on record count as miscalibrated; see the comments of the file."""

    observed_to_expected: tuple[float, float]
    confidence: Annotated[float, Field(gt=0.5, lt=1)]
    least_expected: Annotated[float, Field(gt=0)]
    least_days: Annotated[int, Field(ge=2)]


class DriftSettings(Declared):
    """Thresholds of inputs and outcomes, and of answers on record."""

    inputs: InputSettings
    outcomes: OutcomeSettings
    live: LiveSettings


def load(configured: Path | None = None) -> DriftSettings:
    """Read the thresholds.

    Raises:
        DeclarationError: naming the field that does not fit.
    """
    return workspace.read(DriftSettings, WHERE, configured)
