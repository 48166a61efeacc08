"""How the model of exceptions is retrained (`training/exceptions.toml`) and what it must show."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from triage.models.exceptions import NAME
from triage.training.declared import read_declared
from triage.workspace import Declared

Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]


class LabelSettings(Declared):
    """How many closed exceptions are needed, in all and of a class."""

    least_rows: Count
    least_of_class: Annotated[int, Field(ge=5)]


class TextSettings(Declared):
    """The linear part."""

    least_words: Count
    least_runs: Count
    most_terms: Count
    regularisation: Positive
    code_weight: Positive
    folds: Annotated[int, Field(ge=2, le=20)]
    least_known: Share


class TreeSettings(Declared):
    """The trees above it; LightGBM's names.

    `copies` fits with other draws of rows and columns are averaged.
    Rows count by the share of their class to the power of minus `balance`: 0 takes classes as they
    come, 1 gives each the same weight.
    """

    rounds: Count
    copies: Annotated[int, Field(ge=1, le=10)]
    balance: Share
    parameters: dict[str, float | int | str | bool]


class CalibrationSettings(Declared):
    """The newest labels, which set temperature and threshold."""

    days: Count
    most_error: Annotated[float, Field(gt=0, lt=0.5)]
    confidence: Annotated[float, Field(gt=0.5, lt=1)]


class NextSettings(Declared):
    """The next exception of an open order.

    `days` is how far ahead it looks; the rates above a cell count for as many orders as `weight`.
    """

    days: Count
    weight: Positive


class EvaluationSettings(Declared):
    """The newest exceptions, held out."""

    days: Count


class ExceptionRecipe(Declared):
    """The recipe as a whole."""

    name: str
    version: str
    labels: LabelSettings
    text: TextSettings
    trees: TreeSettings
    calibration: CalibrationSettings
    next: NextSettings
    evaluation: EvaluationSettings


class OutputPromise(Declared):
    """What the model says."""

    name: str
    meaning: str
    range: tuple[float, float]
    use: str


class ExceptionGates(Declared):
    """Bounds on weeks that were not seen."""

    min_rows: Count
    must_beat_lookup: bool
    min_accuracy: Share
    max_error_excess: Share
    standard_errors: Annotated[float, Field(ge=0)]
    min_answered: Share
    max_ece: Share
    max_ms: Positive
    max_megabytes: Positive


class ExceptionPromise(Declared):
    """What the model must show."""

    name: str
    version: str
    output: OutputPromise
    gates: ExceptionGates


def load_recipe(configured: Path | None = None) -> tuple[ExceptionRecipe, str]:
    """Return the recipe and its text.

    Raises:
        DeclarationError: if it is absent or wrong; names the entry.
    """
    return read_declared(ExceptionRecipe, f"training/{NAME}.toml", configured)


def load_promise(configured: Path | None = None) -> ExceptionPromise:
    """Return the gates.

    Raises:
        DeclarationError: if they are absent or wrong; names the entry.
    """
    return read_declared(ExceptionPromise, f"models/{NAME}.toml", configured)[0]
