"""When a shift counts: the thresholds of `training/drift.toml`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from triage import workspace
from triage.errors import DeclarationError

WHERE = "training/drift.toml"
_Share = Annotated[float, Field(ge=0, le=1)]


class _Declared(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class InputSettings(_Declared):
    """When the inputs of the last days count as shifted; see the comments of the file."""

    days: Annotated[float, Field(gt=0)]
    bins: Annotated[int, Field(ge=2)]
    psi: Annotated[float, Field(gt=0)]
    usual_quantile: _Share
    share_of_model: _Share
    least_rows: Annotated[int, Field(ge=1)]


class OutcomeSettings(_Declared):
    """When outcomes count as unlike what the champion said; see the comments of the file."""

    adwin_delta: Annotated[float, Field(gt=0, lt=1)]
    least_change: Annotated[float, Field(ge=0)]
    observed_to_expected: tuple[float, float]
    standard_errors: Annotated[float, Field(ge=0)]
    least_rows: Annotated[int, Field(ge=1)]


class LiveSettings(_Declared):
    """When answers on record count as miscalibrated; see the comments of the file."""

    observed_to_expected: tuple[float, float]
    confidence: Annotated[float, Field(gt=0.5, lt=1)]
    least_expected: Annotated[float, Field(gt=0)]
    least_days: Annotated[int, Field(ge=2)]


class DriftSettings(_Declared):
    """Thresholds of inputs and outcomes, and of answers on record."""

    inputs: InputSettings
    outcomes: OutcomeSettings
    live: LiveSettings


def load(configured: Path | None = None) -> DriftSettings:
    """Read the thresholds.

    Raises:
        DeclarationError: naming the field that does not fit.
    """
    try:
        return DriftSettings.model_validate(workspace.read_toml(WHERE, configured))
    except ValidationError as error:
        detail = error.errors(include_url=False)[0]
        at = ".".join(str(part) for part in detail["loc"])
        raise DeclarationError(f"{WHERE}: {at}: {detail['msg']}") from error
