"""Rows of landmarks with their features, filled in at once or some columns at a time."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from triage.features.book import OrderBook
from triage.features.compile import FeatureSet, Floats
from triage.features.engine import FeatureEngine
from triage.models.landmarks import Rows, landmark_rows
from triage.training.recipe import Recipe


@dataclass(frozen=True, slots=True)
class LandmarkData:
    """All rows of one landmark with their feature matrix, sorted by moment.

    Attributes:
        rows: n landmark rows.
        x: (n, inputs) features as of each row's moment, held in single precision.
        inputs: column names.
        beside: (n,) features by name that only the baselines look at.
        categories: n rows of the order's own codes, such as service or channel.
    """

    rows: Rows
    x: npt.NDArray[np.float32]
    inputs: tuple[str, ...]
    beside: dict[str, Floats]
    categories: pd.DataFrame

    def looking_at(self, names: Sequence[str]) -> LandmarkData:
        """Return the same rows with other inputs, of those that are there."""
        known = {*self.inputs, *self.beside}
        there = tuple(name for name in dict.fromkeys(names) if name in known)
        return replace(self, x=self.columns(there).astype(np.float32), inputs=there)

    def columns(self, names: Sequence[str]) -> Floats:
        """Return features by name, (n, names) float64; those that are not there are left out."""
        place = {name: at for at, name in enumerate(self.inputs)}
        there = [name for name in names if name in place or name in self.beside]
        found = np.empty((len(self.rows), len(there)), dtype=np.float64)
        for at, name in enumerate(there):
            found[:, at] = self.beside[name] if name in self.beside else self.x[:, place[name]]
        return found


class Gathering:
    """A landmark whose features are filled in, some columns at a time.

    Beyond what the recipe's trees take, rows are thinned out evenly, whatever became of them.

    Args:
        book: the orders.
        features: what can be looked at.
        landmark: which one.
        recipe: what is looked at.

    Attributes:
        rows: its rows.
    """

    def __init__(
        self, book: OrderBook, features: FeatureSet, landmark: str, recipe: Recipe
    ) -> None:
        stages = [kind.value for kind in recipe.landmarks]
        rows = landmark_rows(book, landmark, features.program.tolerance, stages)
        most = recipe.trees.most_of(landmark)
        if len(rows) > most:
            rows = rows.take(np.linspace(0, len(rows) - 1, most).astype(np.int64))
        self.rows = rows
        self._inputs = recipe.inputs.of(features, landmark)
        self._beside = tuple(
            dict.fromkeys(each for each in recipe.beside if each in features.names)
        )
        self._x = np.empty((len(rows), len(self._inputs)), dtype=np.float32)
        self._further = np.empty((len(self._beside), len(rows)), dtype=np.float64)

    @property
    def columns(self) -> tuple[str, ...]:
        """Return what is to be filled in."""
        return tuple(dict.fromkeys((*self._inputs, *self._beside)))

    def fill(self, engine: FeatureEngine, columns: Collection[str]) -> None:
        """Fill in those of some columns that are looked at here."""
        own = [name for name in self.columns if name in columns]
        values = engine.matrix(self.rows.order, self.rows.as_of, own)
        for at, name in enumerate(own):
            if name in self._inputs:
                self._x[:, self._inputs.index(name)] = values[:, at]
            if name in self._beside:
                self._further[self._beside.index(name)] = values[:, at]

    def data(self, categories: pd.DataFrame) -> LandmarkData:
        """Return the landmark, once everything is filled in."""
        own = categories.iloc[self.rows.order].reset_index(drop=True)
        beside = dict(zip(self._beside, self._further, strict=True))
        return LandmarkData(self.rows, self._x, self._inputs, beside, own)


def landmark_data(
    engine: FeatureEngine, landmark: str, recipe: Recipe, categories: pd.DataFrame
) -> LandmarkData:
    """Return the rows of a landmark with the features that the recipe looks at."""
    found = Gathering(engine.book, engine.features, landmark, recipe)
    found.fill(engine, found.columns)
    return found.data(categories)
