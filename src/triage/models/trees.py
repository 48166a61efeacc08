"""LightGBM models as flat tables: predictions and exact Shapley values at a prediction's price.

The path-dependent Shapley value of a tree (Lundberg 2018, TreeSHAP, arXiv:1802.03888) is, by the
multilinear extension (Owen 1972), an integral over t from 0 to 1:

    phi_i = sum over leaves of v * (o_i - z_i) * integral of prod_{j != i} (t*o_j + (1-t)*z_j) dt

For each distinct feature j on the leaf's path, z_j is the product of its cover fractions and o_j is
1 if the row follows all its splits, else 0. The integrand is a polynomial of lower degree than the
number d of these features, and Gauss-Legendre quadrature with K points is exact to degree 2K-1: K
of at least d/2 gives the exact value, up to rounding. We take the next multiple of `LANES` points.
The compiled loops are in `trees_kernel` and `trees_batch`, and `trees_text` reads the model.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from triage.models.trees_batch import predict_rows
from triage.models.trees_kernel import explain_row, explain_rows
from triage.models.trees_text import Tables, parse

Floats = NDArray[np.float64]


class Explanation(NamedTuple):
    """Raw scores and what each feature added to them; base + contributions = prediction."""

    prediction: Floats
    contributions: Floats
    base: float | Floats


@dataclass(frozen=True, slots=True, eq=False)
class TreeEnsemble:
    """A LightGBM model, ready to predict and explain; safe to share between threads.

    Attributes:
        feature_names: Column names, in the order in which the columns are expected.
        n_outputs: 1, or the number of classes of a multiclass model.
        base_values: Per output, the raw score's expectation under the training cover.
    """

    feature_names: tuple[str, ...]
    n_outputs: int
    base_values: tuple[float, ...]
    _bases: tuple[float, ...]
    _tables: Tables

    @classmethod
    def from_model_text(cls, text: str) -> Self:
        """Read `Booster.model_to_string()` and compile (or load from cache) the loops.

        Raises:
            ModelFormatError: if the text is cut, or has anything whose meaning we do not know:
                another version than v4, averaged output (random forest), linear leaves.
        """
        ensemble = cls(*parse(text))
        ensemble.explain(np.zeros((1, ensemble.n_features)))
        if ensemble.n_outputs == 1:
            ensemble.explain_one(np.zeros(ensemble.n_features), np.empty(ensemble.n_features))
        ensemble.predict(np.zeros((1, ensemble.n_features)))
        return ensemble

    @property
    def n_features(self) -> int:
        """Number of columns of a row."""
        return len(self.feature_names)

    @property
    def n_trees(self) -> int:
        """Number of trees, over all outputs."""
        return len(self._tables.trees)

    @property
    def n_leaves(self) -> int:
        """Number of leaves, over all trees."""
        return len(self._tables.leaves)

    def head(self, trees: int) -> Self:
        """Return the ensemble of the first trees; it shares the tables of this one.

        Raises:
            ValueError: if there are not so many, or the model has several outputs.
        """
        if self.n_outputs != 1 or not 0 < trees <= self.n_trees:
            raise ValueError(f"need 1 to {self.n_trees} trees of a model with a single output")
        tables = self._tables._replace(trees=self._tables.trees[:trees])
        bases = self._bases[:trees]
        return replace(self, base_values=bases[-1:], _bases=bases, _tables=tables)

    def predict(self, x: Floats) -> Floats:
        """Return raw scores (before any link), bit for bit LightGBM's.

        Args:
            x: (rows, features); NaN means missing.

        Returns:
            (rows,), or (rows, outputs) if there are several.

        Raises:
            ValueError: if the shape does not fit.
        """
        rows = self._rows(x)
        score = np.empty((len(rows), self.n_outputs))
        predict_rows(rows, self._tables, score)
        return score[:, 0] if self.n_outputs == 1 else score

    def explain(self, x: Floats) -> Explanation:
        """Return raw scores with exact path-dependent Shapley values (arXiv:1802.03888).

        Args:
            x: (rows, features); NaN means missing.

        Returns:
            Prediction (rows,), contributions (rows, features) and base, in raw-score units. With
            several outputs: (rows, outputs), (rows, outputs, features) and (outputs,).

        Raises:
            ValueError: if the shape does not fit.
        """
        rows = self._rows(x)
        score = np.empty((len(rows), self.n_outputs))
        phi = np.empty((len(rows), self.n_outputs, self.n_features))
        explain_rows(rows, self._tables, score, phi)
        if self.n_outputs == 1:
            return Explanation(score[:, 0], phi[:, 0], self.base_values[0])
        return Explanation(score, phi, np.array(self.base_values))

    def explain_one(self, x: Floats, out: Floats) -> float:
        """Return one row's raw score and write its contributions to `out`: the request path.

        Gives the same bits as `explain` for this row, alone or in any batch.

        Args:
            x: (features,); NaN means missing.
            out: (features,) writeable, contiguous float64; overwritten.

        Raises:
            ValueError: if a shape or type does not fit, or the model has several outputs.
        """
        return self.explain_with_head(x, out, 0)[0]

    def explain_with_head(self, x: Floats, out: Floats, trees: int) -> tuple[float, float]:
        """Do as `explain_one`, and return besides the raw score of the first trees alone.

        The second is bit for bit `head(trees).predict`, in the same pass.

        Raises:
            ValueError: as `explain_one`.
        """
        row = np.array(x, dtype=np.float64, order="C")
        shape = (len(self.feature_names),)
        flags = out.flags
        if row.shape != shape or out.shape != shape or self.n_outputs != 1:
            raise ValueError(f"need a row and an out of {shape[0]} numbers, and a single output")
        if out.dtype != np.float64 or not (flags.c_contiguous and flags.writeable):
            raise ValueError("out must be a writeable, contiguous float64 array")
        score, partial = np.empty(1), np.empty(1)
        explain_row(row, self._tables, trees, score, partial, out.reshape(1, -1))
        return float(score[0]), float(partial[0])

    def _rows(self, x: Floats) -> Floats:
        rows = np.ascontiguousarray(x, dtype=np.float64)
        if not rows.flags.writeable:  # one memory layout, one compilation
            rows = rows.copy()
        if rows.ndim != 2 or rows.shape[1] != self.n_features:
            raise ValueError(f"need (rows, {self.n_features}) numbers, not {rows.shape}")
        return rows
