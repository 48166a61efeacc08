"""How a model is retrained, read from `training/<name>.toml` and frozen into the bundle."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from triage import workspace
from triage.domain.records import MilestoneKind
from triage.errors import DeclarationError
from triage.features.compile import FeatureSet
from triage.models.at_risk import Calibration, LabelContract
from triage.models.landmarks import WAITING, stage_of
from triage.workspace import Declared

WEEKS_A_FOLD = 4
"""With fewer weeks for each fold than this, folds are not of weeks."""
_LEAST_IN_LEAF, _USUAL_LEAVES = 20, 31


class Target(Declared):
    """What the trees learn: log(1 + days to delivery) - offset x log(1 + days to the promise).

    A row that is undelivered when its cohort matures counts with `undelivered_factor` times its
    promised days, or with what it has waited up to `undelivered_cap_days` past the promise.
    """

    offset: Annotated[float, Field(ge=0, lt=1)] = 0.5
    undelivered_factor: Annotated[float, Field(ge=1)] = 1.3
    undelivered_cap_days: Annotated[float, Field(gt=0)] = 30.0


class TreeSettings(Declared):
    """Rounds of one ensemble, and LightGBM parameters that differ from the common ones."""

    rounds: Annotated[int, Field(ge=1)]
    parameters: dict[str, float | int | str | bool] = Field(default_factory=dict)


class Trees(Declared):
    """Two ensembles in one: how long it takes, and (with a weight) whether it is late.

    Attributes:
        folds: parts of an ensemble, each fitted without one fold of weeks.
        few_rows, few_folds: the parts of a landmark with fewer rows than that to teach it, if these
            are weeks enough: few rows teach each part something else, and their mean knows better.
        most_rows: rows of a landmark beyond which they are thinned out evenly.
        most_rows_at: the same of single landmarks.
        most_waiting_rows: the same of a landmark of waiting orders, which has up to three an order.
        usual_rows: how many rows `num_leaves` is meant for. Leaves grow with the root of the rows,
            from `least_leaves` to `most_leaves`; None: they do not.
        least_leaves, most_leaves: see there.
        most_inputs: how many inputs of a landmark stay, those that tell most; all of them if None.
        lateness_weights: weights of the late-or-not log-odds to choose from, the usual one first.
        parameters: LightGBM parameters of both.
        location: of the trees for the time to delivery.
        lateness: of the trees for late or not.
        leading: of these where they get more than the usual weight, and so are worth more rounds.
    """

    folds: Annotated[int, Field(ge=2, le=9)] = 3
    few_rows: Annotated[int, Field(ge=0)] = 0
    few_folds: Annotated[int, Field(ge=2, le=9)] = 3
    most_rows: Annotated[int, Field(ge=1000)] = 250_000
    most_rows_at: dict[MilestoneKind, Annotated[int, Field(ge=1000)]] = Field(default_factory=dict)
    most_waiting_rows: Annotated[int, Field(ge=1000)] = 250_000
    usual_rows: Annotated[int, Field(ge=100)] | None = None
    least_leaves: Annotated[int, Field(ge=2)] = 4
    most_leaves: Annotated[int, Field(ge=2)] = 31
    lateness_weights: Annotated[tuple[float, ...], Field(min_length=1)]
    parameters: dict[str, float | int | str | bool]
    most_inputs: Annotated[int, Field(ge=1)] | None = None
    location: TreeSettings
    lateness: TreeSettings
    leading: TreeSettings

    @model_validator(mode="after")
    def _least_before_most(self) -> Trees:
        if self.least_leaves > self.most_leaves:
            raise ValueError("least_leaves is more than most_leaves")
        return self

    def most_of(self, landmark: str) -> int:
        """Return how many rows of a landmark teach and are judged at most."""
        if landmark.endswith(WAITING):
            return self.most_waiting_rows
        return self.most_rows_at.get(MilestoneKind(landmark), self.most_rows)

    def folds_of(self, rows: int, weeks: int) -> int:
        """Return how many parts are fitted where so many rows of so many weeks teach."""
        few = rows < self.few_rows and weeks >= WEEKS_A_FOLD * self.few_folds
        return self.few_folds if few else self.folds

    def common(self, rows: int) -> dict[str, float | int | str | bool]:
        """Return the parameters that all ensembles share where so many rows teach."""
        found = {**self.parameters}
        usual = int(found.get("min_data_in_leaf", _LEAST_IN_LEAF))
        found["min_data_in_leaf"] = min(usual, max(_LEAST_IN_LEAF, rows // 100))
        if self.usual_rows is not None:
            meant = int(found.get("num_leaves", _USUAL_LEAVES))
            leaves = round(meant * math.sqrt(rows / self.usual_rows))
            found["num_leaves"] = max(self.least_leaves, min(leaves, self.most_leaves))
        return found


class Inputs(Declared):
    """Which of the declared features a landmark's model looks at.

    Attributes:
        families: families of which every input is taken, where their data is there.
        families_with: further ones by the source that must be there besides: where little is
            recorded, some families say little more than which week it is.
        every: features for every landmark, where they are on.
        added: further features by landmark.
        waiting: further features for orders that have stood at a stage for a while.
    """

    families: tuple[str, ...] = ()
    families_with: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    every: tuple[str, ...]
    added: dict[MilestoneKind, tuple[str, ...]] = Field(default_factory=dict)
    waiting: tuple[str, ...] = ()

    def of(self, features: FeatureSet, landmark: str) -> tuple[str, ...]:
        """Return the names for one landmark, in the order of the compiled features.

        Raises:
            DeclarationError: if a name is no declared feature.
        """
        stage = stage_of(landmark)
        named = {*self.every, *self.added.get(MilestoneKind(stage), ())}
        if stage != landmark:
            named |= {*self.waiting}
        taken = {*self.families}
        for source, families in self.families_with.items():
            taken |= {*families} if source in features.available else set()
        of_families = {slot.name for slot in features.slots if slot.family in taken}
        at_once = {slot.name for slot in features.slots if not slot.feature.waiting}
        allowed = [x for x in features.inputs(stage) if stage == landmark or x not in at_once]
        return tuple(name for name in allowed if name in named or name in of_families)

    def check(self, features: FeatureSet) -> None:
        """Check every name against all declared features, compiled with all sources.

        Raises:
            DeclarationError: naming what is not declared.
        """
        added = (name for names in self.added.values() for name in names)
        named = {*self.every, *added, *self.waiting}
        unknown = sorted(named - set(features.names))
        if unknown:
            raise DeclarationError(f"the recipe's inputs name no feature: {', '.join(unknown)}")


class Baselines(Declared):
    """What is trained beside the model: which feature is the rule, which ones are static.

    Attributes:
        rule: a recent share of late orders.
        static: numbers that a logistic regression looks at.
        categories: codes of the order that it looks at, one-hot.
    """

    rule: str
    static: tuple[str, ...]
    categories: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Return every feature that a baseline looks at."""
        return (self.rule, *self.static)


class Lookup(Declared):
    """The rule in force where no model does better: late rates and the promise, and no more.

    Attributes:
        inputs: the features that are looked up, where they are on.
        rounds: trees of each ensemble.
    """

    inputs: Annotated[tuple[str, ...], Field(min_length=1)]
    rounds: Annotated[int, Field(ge=1)] = 30


class Evaluation(Declared):
    """How far back the rolling evaluation of a training run goes."""

    months: Annotated[int, Field(ge=1)] = 2
    least_train_rows: Annotated[int, Field(ge=1)] = 500
    enough_late: Annotated[int, Field(ge=1)] = 100
    """Whole months are added to the `months` until so many late orders are in the test set."""
    most_months: Annotated[int, Field(ge=1)] = 24


class Recipe(Declared):
    """One model's recipe."""

    name: str
    landmarks: tuple[MilestoneKind, ...]
    label: LabelContract
    target: Target
    trees: Trees
    calibration: Calibration
    inputs: Inputs
    baselines: Baselines
    lookup: Lookup
    evaluation: Evaluation
    use: Literal["model", "lookup"] = "model"

    def as_lookup(self) -> Recipe:
        """Return the recipe of the rule: the same months and calibration, the lookup's inputs."""
        rounds = TreeSettings(rounds=self.lookup.rounds)
        trees = self.trees.model_copy(
            update={
                "location": rounds,
                "lateness": rounds,
                "lateness_weights": self.trees.lateness_weights[-1:],
            }
        )
        inputs = Inputs(every=self.lookup.inputs)
        return self.model_copy(update={"trees": trees, "inputs": inputs, "use": "lookup"})

    @property
    def beside(self) -> tuple[str, ...]:
        """Return every feature that is looked at beside the model's inputs."""
        return (*self.baselines.names, *self.lookup.inputs)

    @property
    def rows_at(self) -> tuple[str, ...]:
        """Return every landmark with rows: each stage as it is reached, and waiting at it."""
        stages = tuple(kind.value for kind in self.landmarks)
        return (*stages, *(f"{stage}{WAITING}" for stage in stages))


def load(name: str, configured: Path | None = None) -> tuple[Recipe, str]:
    """Return a recipe and its text.

    Raises:
        DeclarationError: naming file and field.
    """
    text = workspace.read_text(f"training/{name}.toml", configured)
    return parse(text, f"training/{name}.toml"), text


def parse(text: str, where: str) -> Recipe:
    """Return a recipe from TOML text.

    Raises:
        DeclarationError: naming the field that does not fit.
    """
    plain: dict[str, Any] = workspace.parse_toml(text, where)
    recipe = workspace.fitted(Recipe, plain, where)
    return recipe.as_lookup() if recipe.use == "lookup" else recipe
