"""A registered model as a recipe that can be evaluated anew: what its bundle froze."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from triage.errors import BundleError, DeclarationError, NotEnoughHistoryError
from triage.features.declarations import Declarations, thaw
from triage.models.at_risk import FEATURES_FILE, RECIPE_FILE
from triage.models.bundle import read_bundle
from triage.models.champion import bundle_folder, champion
from triage.training.backtest import evaluation_months
from triage.training.catalogue import fetch, newest_version, open_version
from triage.training.metrics import settled
from triage.training.prepared import Prepared, Progress, prepare
from triage.training.recipe import Recipe, parse
from triage.training.tracking import open_catalogue
from triage.training.train import evaluate_months

CHAMPION = "champion"


@dataclass(frozen=True, slots=True)
class Contender:
    """One side of a comparison.

    Attributes:
        title: how it is named, for example "version 3".
        digest: of its bundle.
        run_id: MLflow's run; empty for a champion that was read from the home folder alone.
        recipe: as the bundle froze it.
        declarations: of the features, as the bundle froze them.
    """

    title: str
    digest: str
    run_id: str
    recipe: Recipe
    declarations: Declarations

    def same_as(self, other: Contender) -> bool:
        """Return whether both would be trained alike: equal recipe, equal declarations."""
        return self.recipe == other.recipe and self.declarations == other.declarations

    def prepare(self, home: Path, progress: Progress) -> Prepared:
        """Read the log with the frozen declarations.

        Raises:
            BundleError: if this log or this version of Triage cannot do what the recipe says.
        """
        try:
            return prepare(home, self.recipe, frozen=self.declarations, progress=progress)
        except DeclarationError as error:
            raise BundleError(self._not_on_this_log(error)) from error

    def evaluate(
        self, prepared: Prepared, months: Sequence[str], progress: Progress
    ) -> pd.DataFrame:
        """Return the prediction frame of some months, the recipe refitted for each.

        Raises:
            BundleError: if the log does not carry the recipe over these months.
        """
        try:
            return settled(evaluate_months(prepared, self.recipe, months, progress))
        except (NotEnoughHistoryError, DeclarationError) as error:
            raise BundleError(self._not_on_this_log(error)) from error

    def months(self, prepared: Prepared) -> list[str]:
        """Return the months that the recipe holds out of a log."""
        return evaluation_months(
            prepared.data[0].rows, prepared.known_until, prepared.time_zone,
            self.recipe.evaluation,
        )  # fmt: skip

    def _not_on_this_log(self, error: Exception) -> str:
        return (
            f"the recipe of {self.title} ({self.digest[:12]}) cannot be evaluated on this log: "
            f"{error}"
        )


def contender(title: str, digest: str, run_id: str, files: Mapping[str, bytes]) -> Contender:
    """Return what a bundle froze.

    Raises:
        BundleError: if this version of Triage cannot read it.
    """
    try:
        recipe = parse(files[RECIPE_FILE].decode(), RECIPE_FILE)
        declarations = thaw(files[FEATURES_FILE].decode())
    except (KeyError, UnicodeDecodeError, DeclarationError) as error:
        raise BundleError(
            f"the recipe of {title} ({digest[:12]}) cannot be evaluated by this version of Triage: "
            f"{error}. Next: train it again, `triage train`, and compare that version"
        ) from error
    return Contender(title, digest, run_id, recipe, declarations)


def registered(home: Path, name: str, version: str | None) -> Contender:
    """Return a registered version, the newest if None.

    Raises:
        BundleError: if there is none, or its bytes are not those that were registered.
    """
    with open_catalogue(home) as client:
        found = open_version(client, name, version or newest_version(client, name))
        digest, files = fetch(client, found)
    return contender(f"version {found.version}", digest, str(found.run_id), files)


def in_force(home: Path, name: str) -> Contender:
    """Return the champion, read from the home folder alone.

    Raises:
        BundleError: if there is none, or its bytes are not those that were promoted.
    """
    pointer = champion(home, name)
    digest, files = read_bundle(bundle_folder(home, name, pointer["digest"]), pointer["digest"])
    return contender(f"champion (version {pointer['version']})", digest, "", files)
