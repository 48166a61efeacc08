"""LightGBM models as flat tables: predictions and exact Shapley values at a prediction's price.

The path-dependent Shapley value of a tree (Lundberg 2018, TreeSHAP, arXiv:1802.03888) is, by the
multilinear extension (Owen 1972), an integral over t from 0 to 1:

    phi_i = sum over leaves of v * (o_i - z_i) * integral of prod_{j != i} (t*o_j + (1-t)*z_j) dt

For each distinct feature j on the leaf's path, z_j is the product of its cover fractions and o_j is
1 if the row follows all its splits, else 0. The integrand is a polynomial of lower degree than the
number d of these features, and Gauss-Legendre quadrature with K points is exact to degree 2K-1: K
of at least d/2 gives the exact value, up to rounding. We take the next multiple of `LANES` points.
Decisions follow LightGBM's tree.h; the compiled loops are in `trees_kernel` and `trees_batch`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from triage.errors import ModelFormatError
from triage.models.trees_batch import MOST_LEAVES, predict_rows
from triage.models.trees_kernel import LANES, NODE, TREE, explain_row, explain_rows

Floats = NDArray[np.float64]

_CATEGORICAL, _DEFAULT_LEFT = 1, 2  # bits of decision_type; above them the missing type:
_MISSING_ZERO, _MISSING_NAN = 1, 2
_HEADER_KEYS = frozenset(
    [
        *("tree", "version", "num_class", "num_tree_per_iteration", "label_index"),
        *("max_feature_idx", "objective", "feature_names", "feature_infos"),
        *("monotone_constraints", "tree_sizes"),
    ]
)
_TREE_KEYS = frozenset(
    [
        *("num_leaves", "num_cat", "split_feature", "split_gain", "threshold", "decision_type"),
        *("left_child", "right_child", "leaf_value", "leaf_weight", "leaf_count"),
        *("internal_value", "internal_weight", "internal_count"),
        *("cat_boundaries", "cat_threshold", "is_linear", "shrinkage"),
    ]
)


class Explanation(NamedTuple):
    """Raw scores and what each feature added to them; base + contributions = prediction."""

    prediction: Floats
    contributions: Floats
    base: float | Floats


class _Tables(NamedTuple):
    """What the kernels read; nodes and trees as `trees_kernel` lays them out.

    Attributes:
        nodes: split nodes, tree by tree, parents first.
        trees: where each tree's parts start.
        fractions: four numbers a split: z left and right, cover fraction left and right.
        children: two slots a split, left and right.
        leaves: leaf values, tree by tree.
        leaf_edges: edge that leads to each leaf.
        words: bitsets of categories.
        rules: quadrature, (rows, LANES).
        left_leaves: for each split the leaves below its left branch, a bit each, counted in a tree
            from the left; nothing in trees of more than `MOST_LEAVES`.
        leaves_in_order: leaf values, tree by tree, each tree's from left to right.
    """

    nodes: NDArray[np.void]
    trees: NDArray[np.void]
    fractions: Floats
    children: NDArray[np.int32]
    leaves: Floats
    leaf_edges: NDArray[np.int32]
    words: NDArray[np.uint32]
    rules: Floats
    left_leaves: NDArray[np.uint64]
    leaves_in_order: Floats


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
    _tables: _Tables

    @classmethod
    def from_model_text(cls, text: str) -> Self:
        """Read `Booster.model_to_string()` and compile (or load from cache) the loops.

        Raises:
            ModelFormatError: if the text is cut, or has anything whose meaning we do not know:
                another version than v4, averaged output (random forest), linear leaves.
        """
        try:
            ensemble = cls(*_parse(text))
        except (ValueError, LookupError, OverflowError) as error:
            raise ModelFormatError(f"unreadable model text: {error}") from error
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


def _parse(
    text: str,
) -> tuple[tuple[str, ...], int, tuple[float, ...], tuple[float, ...], _Tables]:
    """Return the fields of `TreeEnsemble`; may raise any of the errors that bad text leads to."""
    data = text.encode()
    start = data.index(b"\nTree=0\n") + 1
    header = _fields(data[:start].decode(), _HEADER_KEYS)
    _require(header["version"] == "v4", f"model version {header['version']}")
    names = tuple(header["feature_names"].split(" "))
    _require(len(names) == int(header["max_feature_idx"]) + 1, "wrong number of feature names")
    n_outputs = int(header["num_tree_per_iteration"])
    sizes = [int(size) for size in header["tree_sizes"].split()]
    _require(n_outputs >= 1 and len(sizes) % n_outputs == 0, "incomplete last iteration")

    builder = _Builder(len(names), n_outputs)
    for number, size in enumerate(sizes):
        title, _, body = data[start : start + size].decode().partition("\n")
        _require(title == f"Tree={number}", f"tree {number} is not where tree_sizes says")
        builder.add(number % n_outputs, _fields(body, _TREE_KEYS))
        start += size
    _require(data[start:].startswith(b"end of trees\n"), "no end of trees after the last one")
    bases = tuple(builder.base_values), tuple(builder.bases)
    return names, n_outputs, *bases, builder.tables()


def _require(condition: bool, otherwise: str) -> None:
    if not condition:
        raise ModelFormatError(f"cannot read this model text: {otherwise}")


def _fields(lines: str, known: frozenset[str]) -> dict[str, str]:
    fields: dict[str, str] = {}
    for line in filter(None, lines.split("\n")):
        key, _, value = line.partition("=")
        _require(key in known and key not in fields, f"unknown or repeated field {key[:40]!r}")
        fields[key] = value
    return fields


def _floats(text: str, count: int) -> list[float]:
    numbers = [*map(float, text.split())]
    _require(len(numbers) == count, f"{len(numbers)} numbers where {count} belong")
    return numbers


def _ints(text: str, count: int, low: int, high: int) -> list[int]:
    numbers = [*map(int, text.split())]
    _require(len(numbers) == count, f"{len(numbers)} numbers where {count} belong")
    within = low <= min(numbers, default=low) and max(numbers, default=low) < high
    _require(within, f"a number not in {low}..{high - 1}")
    return numbers


class _Builder:
    """Grows the flat tables (laid out as `trees_kernel` says) tree by tree."""

    def __init__(self, n_features: int, n_outputs: int) -> None:
        self.base_values = [0.0] * n_outputs
        self.bases: list[float] = []
        self._n_features = n_features
        self._nodes: list[tuple[float | int, ...]] = []
        self._trees: list[tuple[int, ...]] = []
        self._fractions: list[float] = []
        self._children: list[int] = []
        self._leaves: list[float] = []
        self._leaf_edges: list[int] = []
        self._words: list[int] = []
        self._left_leaves: list[int] = []
        self._in_order: list[float] = []
        self._rules: list[Floats] = []
        self._first_rule: dict[int, int] = {0: 0}

    def add(self, output: int, fields: dict[str, str]) -> None:
        """Append one tree, from its fields in the model text."""
        self._add(output, fields)
        self.bases.append(self.base_values[output])

    def _add(self, output: int, fields: dict[str, str]) -> None:
        _require(fields["is_linear"] == "0", "linear leaves")
        n = int(fields["num_leaves"]) - 1
        _require(n >= 0, "a tree without leaves")
        leaves = _floats(fields["leaf_value"], n + 1)
        _require(all(map(math.isfinite, leaves)), "a leaf value that is not finite")
        first = (len(self._nodes), n, len(self._leaves), output)
        self._leaves += leaves
        if n == 0:
            self._leaf_edges.append(0)
            self._in_order += leaves
            self._trees.append((*first, 0, 0))
            self.base_values[output] += leaves[0]
            return
        # Slots: split s stays s, LightGBM's leaf ~l becomes n + l. Parents come before children.
        pairs = zip(
            _ints(fields["left_child"], n, -n - 1, n),
            _ints(fields["right_child"], n, -n - 1, n),
            strict=True,
        )
        children = [child if child >= 0 else n + ~child for pair in pairs for child in pair]
        parent_edge = {child: edge for edge, child in enumerate(children)}
        _require(sorted(children) == list(range(1, 2 * n + 1)), "branches that form no tree")
        _require(all(c > e // 2 for e, c in enumerate(children)), "a child before its parent")
        cover = _ints(fields["internal_count"], n, 1, 2**31)
        cover += _ints(fields["leaf_count"], n + 1, 0, 2**31)
        _require(all(cover[c] <= cover[e // 2] for e, c in enumerate(children)), "growing cover")
        for leaf, value in enumerate(leaves):
            self.base_values[output] += cover[n + leaf] / cover[0] * value

        features = _ints(fields["split_feature"], n, 0, self._n_features)
        z: list[float] = []
        on_path: list[frozenset[int]] = []
        for split, decision in enumerate(self._decisions(fields, n)):
            above = earlier = parent_edge.get(split, -1)
            seen = on_path[above // 2] if split else frozenset[int]()
            on_path.append(seen | {features[split]})
            while earlier >= 0 and features[earlier // 2] != features[split]:
                earlier = parent_edge.get(earlier // 2, -1)
            z_earlier = z[earlier] if earlier >= 0 else 1.0
            ratios = [cover[child] / cover[split] for child in children[2 * split : 2 * split + 2]]
            z += [ratio * z_earlier for ratio in ratios]
            self._fractions += z[-2:] + ratios
            threshold, *rest = decision
            self._nodes.append(
                (threshold, 1.0 - z_earlier, features[split], above + 1, earlier + 1, *rest)
            )
        self._children += children
        self._order_leaves(children, leaves)
        self._leaf_edges += [parent_edge[n + leaf] + 1 for leaf in range(n + 1)]
        n_blocks = -(-max(map(len, on_path)) // (2 * LANES))
        self._trees.append((*first, self._rule(n_blocks), n_blocks))

    def _order_leaves(self, children: list[int], leaves: list[float]) -> None:
        """Note a tree's leaves from left to right, and which of them lie left of each split."""
        n = len(leaves) - 1
        below = [1] * (2 * n + 1)
        for split in range(n - 1, -1, -1):
            below[split] = below[children[2 * split]] + below[children[2 * split + 1]]
        place = [0] * (2 * n + 1)
        for split in range(n):
            left, right = children[2 * split : 2 * split + 2]
            place[left], place[right] = place[split], place[split] + below[left]
            few = n < MOST_LEAVES
            self._left_leaves.append(((1 << below[left]) - 1) << place[split] if few else 0)
        ordered = [0.0] * (n + 1)
        for leaf, value in enumerate(leaves):
            ordered[place[n + leaf]] = value
        self._in_order += ordered

    def tables(self) -> _Tables:
        """Return all that was added, read-only."""
        tables = _Tables(
            np.array(self._nodes, NODE),
            np.array(self._trees, TREE),
            np.array(self._fractions),
            np.array(self._children, np.int32),
            np.array(self._leaves),
            np.array(self._leaf_edges, np.int32),
            np.array(self._words, np.uint32),
            np.array(self._rules).reshape(-1, LANES),
            np.array(self._left_leaves, np.uint64),
            np.array(self._in_order),
        )
        for table in tables:
            table.setflags(write=False)
        return tables

    def _decisions(self, fields: dict[str, str], n: int) -> list[tuple[float | int, ...]]:
        """Return threshold, first word, number of words and `left_if` per split."""
        n_sets = int(fields["num_cat"])
        bounds, words = [0], []
        if n_sets > 0:
            bounds = _ints(fields["cat_boundaries"], n_sets + 1, 0, 2**31)
            words = _ints(fields["cat_threshold"], bounds[-1], 0, 2**32)
            _require(bounds[0] == 0 and bounds == sorted(set(bounds)), "unordered category sets")
        first_word = len(self._words)
        self._words += words
        decisions: list[tuple[float | int, ...]] = []
        thresholds = _floats(fields["threshold"], n)  # inf is legal: missing or not
        kinds = _ints(fields["decision_type"], n, 0, 12)
        for threshold, kind in zip(thresholds, kinds, strict=True):
            if kind & _CATEGORICAL:
                which = int(threshold)
                _require(which == threshold and 0 <= which < n_sets, "an unknown category set")
                size = bounds[which + 1] - bounds[which]
                decisions.append((0.0, first_word + bounds[which], size, 0))
                continue
            missing = kind >> 2
            zero = nan = threshold >= 0.0
            default = bool(kind & _DEFAULT_LEFT)
            if missing == _MISSING_ZERO:
                zero = nan = default
            elif missing == _MISSING_NAN:
                nan = default
            decisions.append((threshold, 0, 0, 2 * zero + 4 * nan))
        return decisions

    def _rule(self, n_blocks: int) -> int:
        """Return the first row of the rule with so many blocks (see `RULE_ROWS`)."""
        if n_blocks not in self._first_rule:
            self._first_rule[n_blocks] = len(self._rules)
            points, weights = np.polynomial.legendre.leggauss(n_blocks * LANES)
            for block in range(n_blocks):
                part = slice(block * LANES, (block + 1) * LANES)
                t, u = (1.0 + points[part]) / 2.0, (1.0 - points[part]) / 2.0
                ends = [np.zeros(LANES), np.ones(LANES)]
                self._rules += [t, u, weights[part] / 2.0, 1.0 / u, *ends]
        return self._first_rule[n_blocks]
