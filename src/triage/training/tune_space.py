"""Where a search for a better recipe may look (`training/tune.toml`), and recipes with changes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, model_validator

from triage import workspace
from triage.errors import DeclarationError
from triage.training import recipe as recipes
from triage.training.recipe import Recipe
from triage.workspace import Declared

if TYPE_CHECKING:
    from optuna.trial import Trial

WHERE = "training/tune.toml"
Values = dict[str, float | int]


class StudySettings(Declared):
    """How the search goes.

    Attributes:
        seed: of the sampler.
        months: how many months before the recipe's evaluation judge a trial.
        startup_trials: trials drawn at random before the sampler learns from them.
        prune_after_months: months after which a trial worse than the median is ended.
    """

    seed: int
    months: Annotated[int, Field(ge=1)]
    startup_trials: Annotated[int, Field(ge=1)]
    prune_after_months: Annotated[int, Field(ge=1)]


class Range(Declared):
    """Values of one setting; whole numbers if both ends are written as whole numbers."""

    low: int | float
    high: int | float
    step: int | float | None = None
    log: bool = False

    @model_validator(mode="after")
    def _ordered(self) -> Range:
        if not self.low < self.high:
            raise ValueError(f"low {self.low} is not below high {self.high}")
        if self.log and (self.step is not None or self.low <= 0):
            raise ValueError("log goes with positive ends and without step")
        return self

    def suggest(self, trial: Trial, name: str) -> float | int:
        """Return the value that a trial shall try."""
        if isinstance(self.low, int) and isinstance(self.high, int):
            return trial.suggest_int(
                name, self.low, self.high, step=int(self.step or 1), log=self.log
            )
        value = trial.suggest_float(name, self.low, self.high, step=self.step, log=self.log)
        return readable(value)


class Space(Declared):
    """The declared search: settings of the study and a range for each setting of the recipe."""

    study: StudySettings
    space: Annotated[dict[str, Range], Field(min_length=1)]

    def suggest(self, trial: Trial) -> Values:
        """Return the values that a trial shall try, by name of the setting."""
        return {name: each.suggest(trial, name) for name, each in self.space.items()}

    def own(self, recipe: Recipe) -> Values:
        """Return the recipe's own values of these settings.

        Raises:
            DeclarationError: naming a setting that the recipe does not have.
        """
        plain = recipe.model_dump(mode="json")
        return {name: _value(plain, name) for name in self.space}


def load(configured: Path | None = None) -> Space:
    """Read the search space.

    Raises:
        DeclarationError: naming the field that does not fit.
    """
    return workspace.read(Space, WHERE, configured)


def readable(value: float) -> float:
    """Return a value with four significant digits, as it stands in a recipe."""
    return value if isinstance(value, int) else float(f"{value:.4g}")


def changed(recipe: Recipe, values: Values) -> Recipe:
    """Return the recipe with other values of some settings.

    Args:
        recipe: the recipe.
        values: setting, for example "trees.parameters.num_leaves" -> value.

    Raises:
        DeclarationError: if a value is not one that the recipe allows.
    """
    plain = recipe.model_dump(mode="json")
    for name, value in values.items():
        *path, last = name.split(".")
        inner = plain
        for part in path:
            inner = inner[part]
        inner[last] = value
    return workspace.fitted(Recipe, plain, WHERE)


def changed_text(text: str, recipe: Recipe, values: Values) -> str:
    """Return a recipe's TOML with other values; comments and layout stay as they are.

    Args:
        text: the recipe's text.
        recipe: what the text says.
        values: setting -> value.

    Raises:
        DeclarationError: if a setting is not written on a line of its own, so that it cannot be
            replaced safely.
    """
    plain = recipe.model_dump(mode="json")
    for name, value in values.items():
        if value == _value(plain, name):
            continue
        section, _, key = name.rpartition(".")
        text = _replaced(text, section, key, value)
    if recipes.parse(text, "the tuned recipe") != changed(recipe, values):
        raise DeclarationError(
            f"{', '.join(values)} could not be written into the recipe: write each on a line of its"
            " own below its [section], then tune again"
        )
    return text


def _replaced(text: str, section: str, key: str, value: float) -> str:
    """Return the text with one value replaced: on its own line, or in a table on one line."""
    lines = text.splitlines(keepends=True)
    outer, _, inline = section.rpartition(".")
    own = re.compile(rf"^(\s*{re.escape(key)}\s*=\s*)([^#\n]*?)(\s*(?:#.*)?)$")
    within = re.compile(
        rf"^(\s*{re.escape(inline)}\s*=\s*{{.*?\b{re.escape(key)}\s*=\s*)([^,}}]*?)(\s*[,}}].*)$"
    )
    inside, head = "", None
    for at, line in enumerate(lines):
        title = re.match(r"\[([^\[\]]+)\]\s*(#.*)?$", line)
        if title:
            inside = title[1].strip()
            head = at if inside == section else head
        written = own.match(line) if inside == section else None
        written = written or (within.match(line) if inline and inside == outer else None)
        if written:
            lines[at] = f"{written[1]}{value!r}{written[3].rstrip()}\n"
            return "".join(lines)
    if head is None:
        return f"{text.rstrip()}\n\n[{section}]\n{key} = {value!r}\n"
    lines.insert(head + 1, f"{key} = {value!r}\n")
    return "".join(lines)


def _value(plain: dict[str, Any], name: str) -> float | int:
    inner: Any = plain
    for part in name.split("."):
        if not isinstance(inner, dict) or part not in inner:
            raise DeclarationError(f"{WHERE}: the recipe has no setting {name}")
        inner = inner[part]
    if not isinstance(inner, int | float):
        raise DeclarationError(f"{WHERE}: {name} is {inner!r} in the recipe, which is no number")
    return inner
