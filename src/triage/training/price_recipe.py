"""How the price model is retrained (`training/prices.toml`) and what it must show."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from triage.models.prices import NAME
from triage.training.declared import read_declared
from triage.workspace import Declared

Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]


class HistorySettings(Declared):
    """Which lines are looked at."""

    window_days: Count
    most_lines: Count
    least_lines: Count
    held_out_days: Count


class UsualSettings(Declared):
    """When a group has a discount of its own."""

    least_lines: Count
    shrink_lines: Count


class RangeSettings(Declared):
    """How wide the usual range is."""

    width_factor: Positive
    least_width: Positive


class ErrorSettings(Declared):
    """How errors are told from what people grant; rates by currency code."""

    rounds: Count
    prior_lines: Count
    start_share: Annotated[float, Field(gt=0, lt=0.2)]
    least_share: Annotated[float, Field(ge=0, lt=0.1)]
    unknown_share: Annotated[float, Field(ge=0, lt=0.2)]
    rate_width: Positive
    rates: dict[Annotated[str, Field(pattern=r"^[A-Z]{3}$")], Positive]


class ThresholdSettings(Declared):
    """From which probability a price is flagged."""

    precision: Share
    most_flagged: Share
    least_probability: Share


class PriceRecipe(Declared):
    """The recipe as a whole."""

    name: str
    version: str
    history: HistorySettings
    usual: UsualSettings
    range: RangeSettings
    errors: ErrorSettings
    threshold: ThresholdSettings


class OutputPromise(Declared):
    """What the model says."""

    name: str
    meaning: str
    range: tuple[float, float]
    use: str


class PlantedSettings(Declared):
    """How many errors are planted for the gates."""

    lines: Count
    seed: int


class PriceGates(Declared):
    """Bounds on lines that were not seen."""

    min_judged: Share
    max_flagged: Share
    min_expected_precision: Share
    min_planted_recall: Share
    min_named: Share
    max_megabytes: Positive


class PricePromise(Declared):
    """What the model must show."""

    name: str
    version: str
    output: OutputPromise
    planted: PlantedSettings
    gates: PriceGates


def load_recipe(configured: Path | None = None) -> tuple[PriceRecipe, str]:
    """Return the recipe and its text.

    Raises:
        DeclarationError: if it is absent or wrong; names the entry.
    """
    return read_declared(PriceRecipe, f"training/{NAME}.toml", configured)


def load_price_promise(configured: Path | None = None) -> PricePromise:
    """Return the gates.

    Raises:
        DeclarationError: if they are absent or wrong; names the entry.
    """
    return read_declared(PricePromise, f"models/{NAME}.toml", configured)[0]
