"""Compiled loops that predict many rows at once, without going through trees row by row.

Nobody can guess which way a row goes, so a walk from split to split stalls at every step. Instead
each split of a tree is held against a block of rows, one register of rows at a time, and strikes
out the leaves that a row can no longer reach; of those that remain, the first from the left is the
row's leaf (QuickScorer, Lucchese et al. 2015). Leaf values are added tree by tree, so the sums are
those of a walk, bit for bit.
"""

# ruff: noqa: ANN401, ARG001 - numba and llvmlite types exist only while compiling
from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.extending import intrinsic

from triage.jit import kernel
from triage.models.trees_kernel import _at, _get, _in_bitset, _sort_out

MOST_LEAVES = 64
"""A tree with more is walked: one bit for each leaf has to fit into a word."""

_BLOCK = 64
_ALL = np.uint64(0xFFFFFFFFFFFFFFFF)


@intrinsic
def _lowest_bit(typing_context: Any, word: Any) -> Any:
    """Return the place of the lowest bit that is set, 0 to 63."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.cttz(args[0], ir.Constant(ir.IntType(1), 1))

    return types.int64(types.uint64), code


@kernel
def predict_rows(x: Any, tables: Any, score: Any) -> Any:
    """Predict (rows, features) into (rows, outputs)."""
    n_features = x.shape[1]
    plain = np.empty((n_features, _BLOCK))
    special = np.empty((n_features, _BLOCK), np.int64)
    left_to = np.empty(_BLOCK, np.uint64)
    for first in range(0, x.shape[0], _BLOCK):
        rows = min(_BLOCK, x.shape[0] - first)
        for r in range(rows):
            plain[:, r], special[:, r] = _sort_out(x[first + r])
            score[first + r] = 0.0
        for tree in tables.trees:
            n = tree.n_splits
            if n >= MOST_LEAVES:
                for r in range(rows):
                    slot = _walk(x[first + r], plain[:, r], special[:, r], tree, tables)
                    score[first + r, tree.output] += _get(tables.leaves, tree.first_leaf + slot - n)
                continue
            _strike_out(x[first : first + rows], plain, special, tree, tables, left_to)
            for r in range(rows):
                leaf = tree.first_leaf + _lowest_bit(left_to[r])
                score[first + r, tree.output] += _get(tables.leaves_in_order, leaf)


@kernel
def _strike_out(x: Any, plain: Any, special: Any, tree: Any, tables: Any, left_to: Any) -> Any:
    """Leave to each row of the block the leaves that no split denies it."""
    rows = x.shape[0]
    for r in range(rows):
        left_to[r] = _ALL
    for i in range(tree.first_node, tree.first_node + tree.n_splits):
        node = _at(tables.nodes, i)
        j = node.feature
        if_right = ~_get(tables.left_leaves, i)
        if node.n_words == 0:
            threshold, left_if = node.threshold, np.int64(node.left_if)
            for r in range(rows):
                left = (plain[j, r] <= threshold) | (((left_if >> special[j, r]) & 1) != 0)
                left_to[r] &= _ALL if left else if_right
        else:
            for r in range(rows):
                if not _in_bitset(x[r, j], node, tables.words):
                    left_to[r] &= if_right


@kernel
def _walk(x: Any, plain: Any, special: Any, tree: Any, tables: Any) -> Any:
    """Return the slot of the leaf that one row reaches, split by split."""
    slot = 0
    while slot < tree.n_splits:
        node = _at(tables.nodes, tree.first_node + slot)
        j = node.feature
        if node.n_words == 0:
            left = (plain[j] <= node.threshold) | ((node.left_if >> special[j]) & 1)
        else:
            left = _in_bitset(x[j], node, tables.words)
        slot = tables.children[2 * (tree.first_node + slot) + 1 - left]
    return slot
