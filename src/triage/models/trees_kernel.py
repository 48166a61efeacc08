"""Compiled loops behind `TreeEnsemble`: one row through all trees, prediction and Shapley values.

A tree is two flat tables: its split nodes (parents first) and its leaf values. "Slot" numbers
are local to a tree: split nodes first, then leaves. "Edge" 2n+1 is the left and 2n+2 the right
branch of split n; edge 0 leads to the root. Along an edge of feature j, z is the product of the
cover fractions of all splits on j from the root to there, and the edge is *hot* when the row
follows all those splits.

A request pays twice for each byte of these tables: they push everything else out of the cache. So
what is a division away is computed and not tabulated.

The integrand of the Shapley value is carried at `LANES` quadrature points at a time, in one vector
register. Every operation is a plain IEEE operation in a fixed order (no reassociation, no fused
multiply-add), so the bits of an answer do not depend on the batch that a row came in.
"""

# ruff: noqa: ANN401, ARG001 - numba and llvmlite types exist only while compiling
from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.extending import intrinsic, models, overload, register_model

from triage.jit import kernel

LANES = 4
"""Quadrature points that travel together, as one vector of float64."""

ZERO_THRESHOLD = float(np.float32(1e-35))
"""LightGBM reads any value at most this far from zero as zero (meta.h, kZeroThreshold)."""

NODE = np.dtype(
    [
        ("threshold", np.float64),  # numerical: left if value <= threshold
        ("gone", np.float64),  # 1 - z of the earlier edge, or 0
        ("feature", np.int32),
        ("above", np.int32),  # edge that leads here
        ("earlier", np.int32),  # last edge above that splits on the same feature, or 0
        ("first_word", np.int32),  # categorical: where its bitset starts
        ("n_words", np.int32),  # categorical: 32-bit words in its bitset; 0 means numerical
        ("left_if", np.int32),  # numerical: bit 1 - a zero goes left, bit 2 - a NaN goes left
    ],
    align=True,
)
TREE = np.dtype(
    [
        ("first_node", np.int32),
        ("n_splits", np.int32),
        ("first_leaf", np.int32),
        ("output", np.int32),
        ("first_rule", np.int32),  # rows of the quadrature table
        ("n_blocks", np.int32),  # ... of LANES points each
    ],
    align=True,
)
RULE_ROWS = 6
"""Rows of the quadrature table for each block: t, 1 - t, weight, 1 / (1 - t), zeros, ones."""

_IR_VECTOR = ir.VectorType(ir.DoubleType(), LANES)


class _Vector(types.Type):
    """Numba type of LANES float64 numbers in one register."""


_VECTOR = _Vector("float64x4")
register_model(_Vector)(
    type(
        "_VectorModel",
        (models.PrimitiveModel,),
        {
            "__init__": lambda self, dmm, fe: models.PrimitiveModel.__init__(
                self, dmm, fe, _IR_VECTOR
            )
        },
    )
)


def _pointer(context: Any, builder: Any, signature: Any, args: Any, to: Any = None) -> Any:
    """Address item args[1] of the contiguous table args[0]: no bounds, strides or negatives."""
    start = context.make_array(signature.args[0])(context, builder, args[0]).data
    if to is not None:
        start = builder.bitcast(start, to.as_pointer())
    return builder.gep(start, [context.cast(builder, args[1], signature.args[1], types.intp)])


@intrinsic
def _at(typing_context: Any, table: Any, row: Any) -> Any:
    """Refer to record `row` of a one-dimensional table of records."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return _pointer(context, builder, signature, args)

    return table.dtype(table, row), code


@intrinsic
def _get(typing_context: Any, table: Any, row: Any) -> Any:
    """Read number `row` of a one-dimensional table of numbers."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.load(_pointer(context, builder, signature, args))

    return table.dtype(table, row), code


@intrinsic
def _load(typing_context: Any, table: Any, row: Any) -> Any:
    """Read row `row` of a (rows, LANES) table."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        pointer = _pointer(context, builder, signature, args, _IR_VECTOR)
        return builder.load(pointer, align=8)

    return _VECTOR(table, row), code


@intrinsic
def _store(typing_context: Any, table: Any, row: Any, value: Any) -> Any:
    """Write row `row` of a (rows, LANES) table."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        pointer = _pointer(context, builder, signature, args, _IR_VECTOR)
        builder.store(args[2], pointer, align=8)
        return context.get_dummy_value()

    return types.void(table, row, value), code


@intrinsic
def _splat(typing_context: Any, number: Any) -> Any:
    """Repeat one number in every lane."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        lanes = ir.Constant(_IR_VECTOR, ir.Undefined)
        for lane in range(LANES):
            lanes = builder.insert_element(lanes, args[0], ir.Constant(ir.IntType(32), lane))
        return lanes

    return _VECTOR(types.float64), code


def _lanewise(operation: Callable[[Any, Any], Any], instruction: str) -> None:
    """Give vectors the arithmetic operator `operation`, as LLVM's `instruction`."""

    @intrinsic
    def apply(typing_context: Any, a: Any, b: Any) -> Any:
        def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            return getattr(builder, instruction)(*args)

        return _VECTOR(_VECTOR, _VECTOR), code

    @overload(operation)
    def choose(a: Any, b: Any) -> Any:
        if a is _VECTOR and b is _VECTOR:

            def lanes(a: Any, b: Any) -> Any:
                return apply(a, b)

            return lanes
        return None


_lanewise(operator.add, "fadd")
_lanewise(operator.sub, "fsub")
_lanewise(operator.mul, "fmul")
_lanewise(operator.truediv, "fdiv")


@kernel
def _in_bitset(value: Any, node: Any, words: Any) -> Any:
    """Look a category up, as tree.h does: truncated; negative, NaN and unknown ones are not in."""
    if not (value > -1.0 and value < 32.0 * node.n_words):
        return 0
    category = int(value)
    return (words[node.first_word + (category >> 5)] >> (category & 31)) & 1


@kernel
def _sort_out(x: Any) -> Any:
    """Return a copy of the row with NaN for zeros and NaN, and which is which: 1 zero, 2 NaN."""
    plain = x.copy()
    special = np.zeros(x.shape[0], np.uint8)
    for j in range(x.shape[0]):
        if abs(x[j]) <= ZERO_THRESHOLD:
            special[j] = 1
            plain[j] = np.nan
        elif np.isnan(x[j]):
            special[j] = 2
    return plain, special


@kernel
def _decide(x: Any, tables: Any, hot: Any, cold: Any, first: Any, score: Any, partial: Any) -> Any:
    """Decide all splits of all trees and add each tree's leaf value to its output's score.

    `partial` is the score of the `first` trees alone.

    `hot[i]` is 0 or 1 for left or right; `cold[i]` is 1 if the row left the edge of an earlier
    split on the same feature, so that both edges are cold. `plain` is NaN where `special` is set,
    so that no comparison with a threshold holds there.
    """
    nodes = tables.nodes
    plain, special = _sort_out(x)
    for number in range(tables.trees.shape[0]):
        if number == first:
            partial[:] = score
        tree = _at(tables.trees, number)
        n = tree.n_splits
        base = tree.first_node
        for i in range(base, base + n):
            node = _at(nodes, i)
            j = node.feature
            if node.n_words == 0:
                left = (_get(plain, j) <= node.threshold) | ((node.left_if >> _get(special, j)) & 1)
            else:
                left = _in_bitset(x[j], node, tables.words)
            hot[i] = 1 - left
            earlier = node.earlier
            split = base + (max(earlier - 1, 0) >> 1)
            left_it = (earlier & 1) == _get(hot, split)  # odd edges lead left
            cold[i] = (earlier > 0) & (left_it | (_get(cold, split) != 0))
        slot = 0
        while slot < n:
            slot = _get(tables.children, 2 * (base + slot) + _get(hot, base + slot))
        score[tree.output] += _get(tables.leaves, tree.first_leaf + slot - n)
    if first >= tables.trees.shape[0]:
        partial[:] = score


@kernel
def _contribute(tables: Any, hot: Any, cold: Any, n_features: Any, total: Any) -> Any:
    """Add all contributions to `total`: a row for each output and feature, and one for nobody.

    Down: `p[edge]` is the weight times the product of all factors on the path. A repeated feature
    has its earlier factor divided out: by its inverse if that edge was hot (the factor is then at
    least t > 0); if it was cold, both edges are cold and the quotient is the cover fraction
    itself. So nothing is ever divided by a factor that can be zero. Up: `p[edge]` is the sum of
    weighted leaf values below, and each split gives (o - z) / factor times that, for both edges.

    No processor can guess which way a row goes. So nothing here branches on it: what is not wanted
    is multiplied by one, added to zero, or summed up in the last row, which nobody reads. That
    changes no bit.
    """
    nodes, fractions, leaves, rules = tables.nodes, tables.fractions, tables.leaves, tables.rules
    nowhere = total.shape[0] - 1
    p = np.empty((_edges(tables), LANES))
    inverse = np.empty((_edges(tables), LANES))
    for tree in tables.trees:
        n = tree.n_splits
        base = tree.first_node
        first = tree.output * n_features
        for rule in range(tree.first_rule, tree.first_rule + RULE_ROWS * tree.n_blocks, RULE_ROWS):
            inverse_u, one = _load(rules, rule + 3), _load(rules, rule + 5)
            _store(p, 0, _load(rules, rule + 2))
            _store(inverse, 0, one)
            for i in range(n):
                node = _at(nodes, base + i)
                warm, both = _get(hot, base + i), _get(cold, base + i)
                at = 4 * (base + i) + 2 * both  # z, or the cover fraction itself
                t, u = _load(rules, rule + 4 * both), _load(rules, rule + 4 * both + 1)  # or 0, 1
                earlier = ((node.earlier + 1) >> 1) * (1 - both)
                carried = _load(p, node.above) * _load(inverse, earlier)
                factor = t + _splat(_get(fractions, at + warm)) * u
                other = _splat(_get(fractions, at + 1 - warm)) * u
                _store(p, 2 * i + 1 + warm, carried * factor)
                _store(p, 2 * i + 2 - warm, carried * other)
                _store(inverse, i + 1, one / factor)
            for leaf in range(tree.first_leaf, tree.first_leaf + n + 1):
                edge = _get(tables.leaf_edges, leaf)
                _store(p, edge, _load(p, edge) * _splat(_get(leaves, leaf)))
            for i in range(n - 1, -1, -1):
                node = _at(nodes, base + i)
                warm = _get(hot, base + i)
                below_warm, below_cold = _load(p, 2 * i + 1 + warm), _load(p, 2 * i + 2 - warm)
                below = below_warm + below_cold
                _store(p, node.above, below)
                gain = _splat(1.0 - _get(fractions, 4 * (base + i) + warm)) * _load(inverse, i + 1)
                gone = _splat(node.gone) * _load(inverse, (node.earlier + 1) >> 1)
                delta = below_warm * gain - below_cold * inverse_u - below * gone
                row = first + node.feature if _get(cold, base + i) == 0 else nowhere  # they cancel
                _store(total, row, _load(total, row) + delta)


@kernel
def _edges(tables: Any) -> Any:
    """Return the edges of the largest tree, edge 0 included."""
    most = 0
    for tree in tables.trees:
        most = max(most, tree.n_splits)
    return 2 * most + 1


@kernel
def explain_row(x: Any, tables: Any, first: Any, score: Any, partial: Any, phi: Any) -> Any:
    """Predict and explain one row.

    The work is split into two calls, not into calls for each tree: numba counts references of
    every table at every call, which took nearly half of the time.

    Args:
        x: (features,) float64.
        tables: what `trees` builds.
        first: number of trees at the front whose sum is wanted by itself.
        score: (outputs,) float64, overwritten with the raw scores.
        partial: (outputs,) float64, overwritten with those of the `first` trees.
        phi: (outputs, features) float64, overwritten with the contributions.
    """
    n_outputs, n_features = phi.shape
    hot = np.empty(tables.nodes.shape[0], np.int8)
    cold = np.zeros(tables.nodes.shape[0], np.int8)
    total = np.zeros((n_outputs * n_features + 1, LANES))
    score[:] = 0.0
    _decide(x, tables, hot, cold, first, score, partial)
    _contribute(tables, hot, cold, n_features, total)
    for o in range(n_outputs):
        for j in range(n_features):
            phi[o, j] = 0.0
            for lane in range(LANES):
                phi[o, j] += total[o * n_features + j, lane]


@kernel
def explain_rows(x: Any, tables: Any, score: Any, phi: Any) -> Any:
    """Run `explain_row` over (rows, features) into (rows, outputs), (rows, outputs, features)."""
    partial = np.empty(score.shape[1])
    for r in range(x.shape[0]):
        explain_row(x[r], tables, 0, score[r], partial, phi[r])
