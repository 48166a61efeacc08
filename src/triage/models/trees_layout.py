"""The compiled loop that lays the trees of a model out: checks them, weighs paths, sorts leaves."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from triage.jit import kernel
from triage.models.trees_batch import MOST_LEAVES

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_NO_TREE, _NO_PARENT, _GROWING = 1, 2, 3
WRONG = {
    _NO_TREE: "branches that form no tree",
    _NO_PARENT: "a child before its parent",
    _GROWING: "growing cover",
}
"""What `lay_out` says is wrong."""


class Parts(NamedTuple):
    """What one loop over all trees fills in; by split, by leaf, by tree, by output.

    Attributes:
        gone: (splits,) as in `NODE`.
        above: (splits,) as in `NODE`.
        earlier: (splits,) as in `NODE`.
        fractions: (4 * splits,) as in `trees_text.Tables`.
        children: (2 * splits,) as in `trees_text.Tables`.
        left_leaves: (splits,) as in `trees_text.Tables`.
        leaf_edges: (leaves,) as in `trees_text.Tables`.
        in_order: (leaves,) as in `trees_text.Tables`.
        on_path: (trees,) most distinct features on one path.
        bases: (trees,) expectation of the output of each tree, up to and including it.
        base_values: (outputs,) the same of each output.
    """

    gone: Floats
    above: Ints
    earlier: Ints
    fractions: Floats
    children: NDArray[np.int32]
    left_leaves: NDArray[np.uint64]
    leaf_edges: NDArray[np.int32]
    in_order: Floats
    on_path: Ints
    bases: Floats
    base_values: Floats

    @classmethod
    def empty(cls, splits: int, leaves: int, trees: int, outputs: int) -> Parts:
        """Return room for them."""
        whole: Any = np.int64
        return cls(
            np.zeros(splits), np.zeros(splits, whole), np.zeros(splits, whole),
            np.zeros(4 * splits), np.zeros(2 * splits, np.int32), np.zeros(splits, np.uint64),
            np.zeros(leaves, np.int32), np.zeros(leaves), np.zeros(trees, whole), np.zeros(trees),
            np.zeros(outputs),
        )  # fmt: skip


class _Scratch(NamedTuple):
    """Room for one tree, by slot: split s stays s, LightGBM's leaf ~l becomes n + l."""

    cover: Ints
    parent: Ints
    below: Ints
    place: Ints
    distinct: Ints
    z: Floats


@kernel
def lay_out(
    n_splits: Ints, left: Ints, right: Ints, internal: Ints, of_leaf: Ints, features: Ints,
    leaves: Floats, parts: Parts,
) -> int:  # fmt: skip
    """Fill in the parts of all trees; return what is wrong with one of them, or 0."""
    slots = 2 * n_splits.max() + 1
    held = _Scratch(
        np.empty(slots, dtype=np.int64), np.empty(slots, dtype=np.int64),
        np.empty(slots, dtype=np.int64), np.empty(slots, dtype=np.int64),
        np.empty(slots, dtype=np.int64), np.empty(slots),
    )  # fmt: skip
    node, leaf = 0, 0
    for tree in range(len(n_splits)):
        n, output = n_splits[tree], tree % len(parts.base_values)
        if n == 0:
            parts.in_order[leaf] = leaves[leaf]
            parts.base_values[output] += leaves[leaf]
        else:
            held.cover[:n] = internal[node : node + n]
            held.cover[n : 2 * n + 1] = of_leaf[leaf : leaf + n + 1]
            wrong = _link(n, left[node:], right[node:], held, parts.children[2 * node :])
            if wrong:
                return wrong
            for at in range(n + 1):
                share = held.cover[n + at] / held.cover[0]
                parts.base_values[output] += share * leaves[leaf + at]
                parts.leaf_edges[leaf + at] = held.parent[n + at] + 1
            _weigh(n, node, tree, features, held, parts)
            _sort_leaves(n, node, leaf, leaves, held, parts)
        parts.bases[tree] = parts.base_values[output]
        node, leaf = node + n, leaf + n + 1
    return 0


@kernel
def _link(n: int, left: Ints, right: Ints, held: _Scratch, children: NDArray[np.int32]) -> int:
    """Fill in children and parents of a tree; return what is wrong with it, or 0."""
    held.parent[: 2 * n + 1] = -1
    for edge in range(2 * n):
        split = edge // 2
        child = right[split] if edge % 2 else left[split]
        slot = child if child >= 0 else n - child - 1
        if child >= n or slot > 2 * n or slot == 0 or held.parent[slot] >= 0:
            return _NO_TREE
        if slot <= split:
            return _NO_PARENT
        if held.cover[slot] > held.cover[split]:
            return _GROWING
        held.parent[slot] = edge
        children[edge] = slot
    return 0


@kernel
def _weigh(n: int, node: int, tree: int, features: Ints, held: _Scratch, parts: Parts) -> None:
    """Fill in the fractions of a tree's covers along its paths, feature by feature."""
    for split in range(n):
        above = held.parent[split] if split else -1
        earlier = above
        while earlier >= 0 and features[node + earlier // 2] != features[node + split]:
            earlier = held.parent[earlier // 2]
        held.distinct[split] = (held.distinct[above // 2] if above >= 0 else 0) + (earlier < 0)
        parts.on_path[tree] = max(parts.on_path[tree], held.distinct[split])
        gone = held.z[earlier] if earlier >= 0 else 1.0
        for side in range(2):
            child = parts.children[2 * (node + split) + side]
            ratio = held.cover[child] / held.cover[split]
            held.z[2 * split + side] = ratio * gone
            parts.fractions[4 * (node + split) + side] = ratio * gone
            parts.fractions[4 * (node + split) + 2 + side] = ratio
        parts.gone[node + split] = 1.0 - gone
        parts.above[node + split] = above + 1
        parts.earlier[node + split] = earlier + 1


@kernel
def _sort_leaves(
    n: int, node: int, leaf: int, leaves: Floats, held: _Scratch, parts: Parts
) -> None:
    """Fill in a tree's leaves from left to right, and which of them lie left of each split."""
    children = parts.children[2 * node :]
    held.below[n : 2 * n + 1] = 1
    for split in range(n - 1, -1, -1):
        held.below[split] = held.below[children[2 * split]] + held.below[children[2 * split + 1]]
    held.place[0] = 0
    for split in range(n):
        first, second = children[2 * split], children[2 * split + 1]
        held.place[first] = held.place[split]
        held.place[second] = held.place[split] + held.below[first]
        if n < MOST_LEAVES:
            bits = (np.uint64(1) << np.uint64(held.below[first])) - np.uint64(1)
            parts.left_leaves[node + split] = bits << np.uint64(held.place[split])
    for at in range(n + 1):
        parts.in_order[leaf + held.place[n + at]] = leaves[leaf + at]
