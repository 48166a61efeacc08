"""A log made ready for fitting: orders, and rows with features by landmark.

The index of a million orders fills gigabytes. Features of a large log are therefore computed some
columns at a time, each time from an index that holds what these look at and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

import pyarrow

from triage.errors import NotEnoughHistoryError
from triage.features import declarations as declared
from triage.features.availability import available
from triage.features.book import OrderBook
from triage.features.compile import FeatureSet, compile_features
from triage.features.declarations import Declarations
from triage.features.engine import FeatureEngine
from triage.features.facts import Subject
from triage.features.needs import of_orders, parts, tables
from triage.history.log import Log
from triage.history.tables import History
from triage.training.categories import order_categories
from triage.training.landmark_data import Gathering, LandmarkData
from triage.training.recipe import Recipe

Progress = Callable[[str], None]
ORDERS_AT_ONCE = 150_000
"""Orders whose whole index fits into memory beside everything else; of more it is parted."""


def silent(_: str) -> None:
    """Say nothing."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A log made ready for fitting.

    Attributes:
        history: orders and sources alone, as a large log fills the memory.
        fingerprint: of the log.
        features: compiled for it.
        book: what is known of each order.
        data: landmarks that have rows, with their features.
    """

    history: History
    fingerprint: str
    features: FeatureSet
    book: OrderBook
    data: tuple[LandmarkData, ...]

    @property
    def time_zone(self) -> str:
        """Return the zone of the first source."""
        return self.history.sources[0].time_zone

    @property
    def known_until(self) -> int:
        """Return the moment just after everything in the log (UTC micros)."""
        return self.history.extracted_at + 1


def prepare(
    home: Path,
    recipe: Recipe,
    *,
    workspace: Path | None = None,
    progress: Progress = silent,
    frozen: Declarations | None = None,
    at_once: int = ORDERS_AT_ONCE,
) -> Prepared:
    """Read the log and compute features at every landmark.

    Args:
        home: where the log is.
        recipe: what is trained.
        workspace: the declarations, if not those that came with the package.
        progress: told what is being done.
        frozen: declarations of a bundle, instead of the workspace's.
        at_once: orders whose whole index is held at once; what is returned does not depend on it.

    Raises:
        HistoryError: if there is no log.
        DeclarationError: if features cannot be computed as declared.
    """
    progress("reading the log")
    log = Log(home)
    history = log.read()
    declarations = frozen or declared.load(workspace)
    features = recipe_features(declarations, available(history), recipe)
    categories = order_categories(history, recipe.baselines.categories)
    book = OrderBook.of(history, features.keysets, features.keysets_of(Subject.LINE))
    landmarks = [Gathering(book, features, name, recipe) for name in recipe.rows_at]
    landmarks = [landmark for landmark in landmarks if len(landmark.rows)]
    if not landmarks:
        raise NotEnoughHistoryError(
            "no order was open before its promise passed: check promised_by and the times of the"
            " milestones in the mapping (`triage import` counts them)"
        )
    dealt = parts(features, _columns(landmarks), -(-len(book) // at_once))
    for number, columns in enumerate(dealt, start=1):
        part = f" (part {number} of {len(dealt)})" if len(dealt) > 1 else ""
        progress(f"building the as-of index{part}")
        if of_orders(features, tables(features, columns)):
            history = history.orders_alone()
        engine = FeatureEngine.of(history, features, book=book, columns=columns)
        engine.close()
        pyarrow.default_memory_pool().release_unused()
        for landmark in landmarks:
            progress(f"features at {landmark.rows.landmark}{part}")
            landmark.fill(engine, columns)
        del engine
    data = tuple(landmark.data(categories) for landmark in landmarks)
    return Prepared(history.orders_alone(), log.fingerprint, features, book, data)


def _columns(landmarks: Collection[Gathering]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for each in landmarks for name in each.columns))


def recipe_features(
    declarations: Declarations, sources: Collection[str], recipe: Recipe
) -> FeatureSet:
    """Compile what a recipe's models and baselines look at, and nothing else.

    Raises:
        DeclarationError: if the recipe names a feature that is not declared.
    """
    everything = {source for family in declarations.families for source in family.family.requires}
    recipe.inputs.check(compile_features(declarations, everything))
    tolerance = recipe.label.tolerance_hours
    on = compile_features(declarations, sources, tolerance_hours=tolerance)
    wanted = {name for landmark in recipe.rows_at for name in recipe.inputs.of(on, landmark)}
    return compile_features(
        declarations, sources, tolerance_hours=tolerance, only=wanted | {*recipe.beside}
    )
