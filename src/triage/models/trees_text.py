"""LightGBM's model text as flat tables.

A model has thousands of small trees, so that what is done for each of them counts: their numbers
are read field by field, those of all trees at once, and one compiled loop lays the trees out
(`trees_layout`). Decisions follow LightGBM's tree.h.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from triage.errors import ModelFormatError
from triage.models.trees_kernel import LANES, NODE, TREE
from triage.models.trees_layout import WRONG, Parts, lay_out

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

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


class Tables(NamedTuple):
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


class Parsed(NamedTuple):
    """A model's text, read.

    Attributes:
        feature_names: names of the columns, in their sequence.
        n_outputs: 1, or the number of classes.
        base_values: (outputs,) expectation of the raw score under the training cover.
        bases: (trees,) the same of each tree's output, up to and including it.
        tables: what the kernels read.
    """

    feature_names: tuple[str, ...]
    n_outputs: int
    base_values: tuple[float, ...]
    bases: tuple[float, ...]
    tables: Tables


def parse(text: str) -> Parsed:
    """Read `Booster.model_to_string()`.

    Raises:
        ModelFormatError: if the text is cut, or has anything whose meaning we do not know.
    """
    try:
        return _parse(text)
    except (ValueError, LookupError, OverflowError) as error:
        raise ModelFormatError(f"unreadable model text: {error}") from error


def _parse(text: str) -> Parsed:
    """Return what a text says; may raise any of the errors that bad text leads to."""
    data = text.encode()
    start = data.index(b"\nTree=0\n") + 1
    header = _fields(data[:start].decode(), _HEADER_KEYS)
    _require(header["version"] == "v4", f"model version {header['version']}")
    names = tuple(header["feature_names"].split(" "))
    _require(len(names) == int(header["max_feature_idx"]) + 1, "wrong number of feature names")
    n_outputs = int(header["num_tree_per_iteration"])
    sizes = [int(size) for size in header["tree_sizes"].split()]
    _require(n_outputs >= 1 and len(sizes) % n_outputs == 0, "incomplete last iteration")
    trees = []
    for number, size in enumerate(sizes):
        title, _, body = data[start : start + size].decode().partition("\n")
        _require(title == f"Tree={number}", f"tree {number} is not where tree_sizes says")
        trees.append(_fields(body, _TREE_KEYS))
        start += size
    _require(data[start:].startswith(b"end of trees\n"), "no end of trees after the last one")
    return Parsed(names, n_outputs, *_laid_out(trees, len(names), n_outputs))


def _require(condition: bool, otherwise: str) -> None:
    if not condition:
        raise ModelFormatError(f"cannot read this model text: {otherwise}")


def _fields(text: str, known: frozenset[str]) -> dict[str, str]:
    lines = [line for line in text.split("\n") if line]
    fields = {key: value for key, _, value in [line.partition("=") for line in lines]}
    unknown = next((key for key in fields if key not in known), None)
    _require(unknown is None, f"unknown field {(unknown or '')[:40]!r}")
    _require(len(fields) == len(lines), "a repeated field")
    return fields


class _Numbers:
    """The numbers of some trees, field by field: those of all trees as one array."""

    def __init__(self, trees: Sequence[dict[str, str]], splits: Sequence[int]) -> None:
        self._trees, self._splits = trees, splits

    def of_leaves(self, field: str) -> Iterator[str]:
        """Yield the numbers of a field that has one for each leaf."""
        return self._split(field, 1)

    def of_splits(self, field: str) -> Iterator[str]:
        """Yield the numbers of a field that has one for each split."""
        return self._split(field, 0)

    def _split(self, field: str, more: int) -> Iterator[str]:
        numbers = [fields[field].split() for fields in self._trees]
        for found, splits in zip(numbers, self._splits, strict=True):
            wanted = splits + more
            _require(len(found) == wanted, f"{len(found)} numbers where {wanted} belong")
        return chain.from_iterable(numbers)


def _floats(numbers: Iterator[str]) -> Floats:
    return np.array([*map(float, numbers)], dtype=np.float64)


def _ints(numbers: Iterator[str], low: int, high: int) -> Ints:
    found = [*map(int, numbers)]
    within = low <= min(found, default=low) and max(found, default=low) < high
    _require(within, f"a number not in {low}..{high - 1}")
    return np.array(found, dtype=np.int64)


def _laid_out(
    trees: Sequence[dict[str, str]], n_features: int, n_outputs: int
) -> tuple[tuple[float, ...], tuple[float, ...], Tables]:
    """Return base values, the bases up to each tree, and the tables."""
    _require(all(fields["is_linear"] == "0" for fields in trees), "linear leaves")
    splits = [int(fields["num_leaves"]) - 1 for fields in trees]
    _require(min(splits) >= 0, "a tree without leaves")
    n_splits = np.array(splits, dtype=np.int64)
    leaves = _floats(_Numbers(trees, splits).of_leaves("leaf_value"))
    _require(bool(np.isfinite(leaves).all()), "a leaf value that is not finite")
    branching = [fields for fields, n in zip(trees, splits, strict=True) if n]
    numbers = _Numbers(branching, [n for n in splits if n])
    most = max(splits)
    left = _ints(numbers.of_splits("left_child"), -most - 1, most)
    right = _ints(numbers.of_splits("right_child"), -most - 1, most)
    above = _ints(numbers.of_splits("internal_count"), 1, 2**31)
    below = np.zeros(len(leaves), dtype=np.int64)
    below[np.repeat(n_splits > 0, n_splits + 1)] = _ints(numbers.of_leaves("leaf_count"), 0, 2**31)
    features = _ints(numbers.of_splits("split_feature"), 0, n_features)

    nodes = np.zeros(len(left), NODE)
    nodes["feature"] = features
    words = _decide(nodes, branching, numbers)
    parts = Parts.empty(len(left), len(leaves), len(trees), n_outputs)
    wrong = lay_out(n_splits, left, right, above, below, features, leaves, parts)
    _require(not wrong, WRONG.get(wrong, ""))
    nodes["gone"], nodes["above"], nodes["earlier"] = parts.gone, parts.above, parts.earlier

    rules = _Rules()
    blocks = -(-parts.on_path // (2 * LANES))
    table = np.zeros(len(trees), TREE)
    table["n_splits"], table["n_blocks"] = n_splits, blocks
    table["first_node"] = np.cumsum(n_splits) - n_splits
    table["first_leaf"] = np.cumsum(n_splits + 1) - n_splits - 1
    table["output"] = np.arange(len(trees)) % n_outputs
    table["first_rule"] = [rules.first(n) for n in blocks.tolist()]
    tables = Tables(
        nodes, table, parts.fractions, parts.children, leaves, parts.leaf_edges, words,
        np.array(rules.rows).reshape(-1, LANES), parts.left_leaves, parts.in_order,
    )  # fmt: skip
    for each in tables:
        each.setflags(write=False)
    return tuple(parts.base_values.tolist()), tuple(parts.bases.tolist()), tables


def _decide(
    nodes: NDArray[np.void], trees: Sequence[dict[str, str]], numbers: _Numbers
) -> NDArray[np.uint32]:
    """Fill in which way rows go at each split; return the bitsets of categories."""
    thresholds = _floats(numbers.of_splits("threshold"))  # inf is legal: missing or not
    kinds = _ints(numbers.of_splits("decision_type"), 0, 12)
    missing, default = kinds >> 2, (kinds & _DEFAULT_LEFT) > 0
    zero = np.where(missing == _MISSING_ZERO, default, thresholds >= 0.0)
    nan = np.where(missing > 0, default, thresholds >= 0.0)
    nodes["threshold"], nodes["left_if"] = thresholds, 2 * zero + 4 * nan
    words: list[int] = []
    first = 0
    for fields in trees:
        end = first + int(fields["num_leaves"]) - 1
        categorical = first + np.flatnonzero(kinds[first:end] & _CATEGORICAL)
        bounds, more = _category_sets(fields)
        for split in categorical.tolist():
            threshold = float(thresholds[split])
            which = int(threshold)
            known = which == threshold and 0 <= which < len(bounds) - 1
            _require(known, "an unknown category set")
            nodes[split]["threshold"], nodes[split]["left_if"] = 0.0, 0
            nodes[split]["first_word"] = len(words) + bounds[which]
            nodes[split]["n_words"] = bounds[which + 1] - bounds[which]
        words += more
        first = end
    return np.array(words, np.uint32)


def _category_sets(fields: dict[str, str]) -> tuple[list[int], list[int]]:
    """Return where a tree's sets of categories begin, and the words of their bits."""
    n_sets = int(fields["num_cat"])
    if n_sets <= 0:
        return [0], []
    bounds = _ints(iter(fields["cat_boundaries"].split()), 0, 2**31).tolist()
    words = _ints(iter(fields["cat_threshold"].split()), 0, 2**32).tolist()
    _require(len(bounds) == n_sets + 1, f"{len(bounds)} numbers where {n_sets + 1} belong")
    _require(bounds[0] == 0 and bounds == sorted(set(bounds)), "unordered category sets")
    _require(len(words) == bounds[-1], f"{len(words)} numbers where {bounds[-1]} belong")
    return bounds, words


class _Rules:
    """Quadrature rules by their number of blocks (see `RULE_ROWS`), each where it is first used."""

    def __init__(self) -> None:
        self.rows: list[Floats] = []
        self._first: dict[int, int] = {0: 0}

    def first(self, n_blocks: int) -> int:
        """Return the first row of the rule with so many blocks."""
        if n_blocks not in self._first:
            self._first[n_blocks] = len(self.rows)
            points, weights = np.polynomial.legendre.leggauss(n_blocks * LANES)
            for block in range(n_blocks):
                part = slice(block * LANES, (block + 1) * LANES)
                t, u = (1.0 + points[part]) / 2.0, (1.0 - points[part]) / 2.0
                ends = [np.zeros(LANES), np.ones(LANES)]
                self.rows += [t, u, weights[part] / 2.0, 1.0 / u, *ends]
        return self._first[n_blocks]
