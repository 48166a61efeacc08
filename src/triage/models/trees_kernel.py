"""Compiled loops behind `TreeEnsemble`: one row through all trees, prediction and Shapley values.

A tree is two flat tables: its split nodes (parents first) and its leaf values. "Slot" numbers
are local to a tree: split nodes first, then leaves. "Edge" 2n is the left and 2n+1 the right
branch of split n. Along an edge of feature j, z is the product of the cover fractions of all
splits on j from the root to there, and the edge is *hot* when the row follows all those splits.

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
        ("feature", np.int32),
        ("earlier", np.int32),  # last edge above that splits on the same feature, or -1
        ("first_word", np.int32),  # categorical: where its bitset starts
        ("n_words", np.int32),  # categorical: 32-bit words in its bitset; 0 means numerical
        ("left_if", np.int32),  # numerical: bit 1 - a zero goes left, bit 2 - a NaN goes left
    ],
    align=True,
)
EDGE = np.dtype(
    [
        ("z", np.float64),  # product of the cover fractions of this feature, down to here
        ("ratio", np.float64),  # cover fraction of this edge alone
        ("child", np.int32),  # slot
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
        ("first_inverse", np.int32),  # rows of the inverse table: by block, then by edge
    ],
    align=True,
)

_BOTH_COLD = 2
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
def _decide(x: Any, plain: Any, special: Any, tree: Any, tables: Any, hot: Any, value: Any) -> Any:
    """Decide all splits of one tree: `hot[i]` is 0 or 1 for left or right; return the leaf value.

    `plain` is NaN where `special` is set, so that no comparison with a threshold holds there.
    """
    nodes, edges, leaves, words = tables[0], tables[1], tables[3], tables[4]
    n = tree.n_splits
    base = tree.first_node
    for leaf in range(n + 1):
        value[n + leaf] = leaves[tree.first_leaf + leaf]
    for i in range(n - 1, -1, -1):
        node = _at(nodes, base + i)
        j = node.feature
        if node.n_words == 0:
            left = (plain[j] <= node.threshold) | ((node.left_if >> special[j]) & 1)
        else:
            left = _in_bitset(x[j], node, words)
        hot[i] = 1 - left
        value[i] = value[_at(edges, 2 * (base + i) + hot[i]).child]
    return value[0]


@kernel
def _add_block(tree: Any, block: Any, tables: Any, hot: Any, p: Any, total: Any, first: Any) -> Any:
    """Add one tree's contributions at one block of quadrature points to rows `first`... of `total`.

    Down: `p[slot]` is the weight times the product of all factors on the path. A repeated feature
    has its earlier factor divided out: by a tabulated inverse if that edge was hot (its factor is
    then at least t > 0); if it was cold, both edges are cold and the quotient is the cover fraction
    itself. So nothing is ever divided by a factor that can be zero. Up: `p[slot]` is the sum of
    weighted leaf values below, and each split gives (o - z) / factor times that, for both edges.
    """
    nodes, edges, leaves, inverses, rules = tables[0], tables[1], tables[3], tables[5], tables[6]
    n = tree.n_splits
    base = tree.first_node
    rule = tree.first_rule + 4 * block
    inverse = tree.first_inverse + block * 2 * n
    t = _load(rules, rule)
    u = _load(rules, rule + 1)
    inverse_u = _load(rules, rule + 3)
    _store(p, 0, _load(rules, rule + 2))
    for i in range(n):
        earlier = _at(nodes, base + i).earlier
        carried = _load(p, i)
        if hot[i] == _BOTH_COLD:
            for e in range(2 * (base + i), 2 * (base + i) + 2):
                _store(p, _at(edges, e).child, carried * _splat(_at(edges, e).ratio))
            continue
        if earlier >= 0:
            carried = carried * _load(inverses, inverse + earlier)
        warm = _at(edges, 2 * (base + i) + hot[i])
        cold = _at(edges, 2 * (base + i) + 1 - hot[i])
        _store(p, warm.child, carried * (t + _splat(warm.z) * u))
        _store(p, cold.child, carried * (_splat(cold.z) * u))
    for leaf in range(n + 1):
        _store(p, n + leaf, _load(p, n + leaf) * _splat(leaves[tree.first_leaf + leaf]))
    for i in range(n - 1, -1, -1):
        e = 2 * (base + i)
        if hot[i] == _BOTH_COLD:  # the three terms cancel
            _store(p, i, _load(p, _at(edges, e).child) + _load(p, _at(edges, e + 1).child))
            continue
        node = _at(nodes, base + i)
        warm = _at(edges, e + hot[i])
        below_warm = _load(p, warm.child)
        below_cold = _load(p, _at(edges, e + 1 - hot[i]).child)
        below = below_warm + below_cold
        _store(p, i, below)
        gain = _splat(1.0 - warm.z) * _load(inverses, inverse + 2 * i + hot[i])
        delta = below_warm * gain - below_cold * inverse_u
        if node.earlier >= 0:
            gone = _splat(1.0 - _at(edges, 2 * base + node.earlier).z)
            delta = delta - below * (gone * _load(inverses, inverse + node.earlier))
        _store(total, first + node.feature, _load(total, first + node.feature) + delta)


@kernel
def explain_row(x: Any, tables: Any, score: Any, phi: Any) -> Any:
    """Predict and explain one row.

    Args:
        x: (features,) float64.
        tables: nodes, edges, trees, leaves, words, inverses and rules, as `trees` builds them.
        score: (outputs,) float64, overwritten with the raw scores.
        phi: (outputs, features) float64, overwritten with the contributions.
    """
    trees = tables[2]
    n_features = x.shape[0]
    n_outputs = score.shape[0]
    plain, special = _sort_out(x)
    most = 0
    for tree in trees:
        most = max(most, tree.n_splits)
    hot = np.empty(most, np.int8)
    value = np.empty(2 * most + 1)
    p = np.empty((2 * most + 1, LANES))
    total = np.zeros((n_outputs * n_features, LANES))
    score[:] = 0.0
    for tree in trees:
        score[tree.output] += _decide(x, plain, special, tree, tables, hot, value)
        for i in range(tree.n_splits):
            earlier = _at(tables[0], tree.first_node + i).earlier
            if earlier >= 0 and hot[earlier >> 1] != earlier & 1:
                hot[i] = _BOTH_COLD
        for block in range(tree.n_blocks):
            _add_block(tree, block, tables, hot, p, total, tree.output * n_features)
    for o in range(n_outputs):
        for j in range(n_features):
            phi[o, j] = 0.0
            for lane in range(LANES):
                phi[o, j] += total[o * n_features + j, lane]


@kernel
def explain_rows(x: Any, tables: Any, score: Any, phi: Any) -> Any:
    """Run `explain_row` over (rows, features) into (rows, outputs), (rows, outputs, features)."""
    for r in range(x.shape[0]):
        explain_row(x[r], tables, score[r], phi[r])


@kernel
def predict_rows(x: Any, tables: Any, score: Any) -> Any:
    """Predict (rows, features) into (rows, outputs), visiting only the splits on a row's path."""
    nodes, edges, trees, leaves, words = tables[0], tables[1], tables[2], tables[3], tables[4]
    for r in range(x.shape[0]):
        plain, special = _sort_out(x[r])
        score[r] = 0.0
        for tree in trees:
            slot = 0
            while slot < tree.n_splits:
                node = _at(nodes, tree.first_node + slot)
                j = node.feature
                if node.n_words == 0:
                    left = (plain[j] <= node.threshold) | ((node.left_if >> special[j]) & 1)
                else:
                    left = _in_bitset(x[r, j], node, words)
                slot = _at(edges, 2 * (tree.first_node + slot) + 1 - left).child
            score[r, tree.output] += leaves[tree.first_leaf + slot - tree.n_splits]
