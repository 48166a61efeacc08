"""The only place that trains with LightGBM: deterministic trees, returned as text."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Literal

import lightgbm

from triage.features.compile import Floats

_VALUES = re.compile(r"^(leaf_value|internal_value)=(.*)$", re.MULTILINE)
_ALWAYS: dict[str, Any] = {
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 1,  # the same trees on any machine, and no fight for cores
    "verbosity": -1,
}


def fit_trees(
    x: Floats,
    y: Floats,
    names: Sequence[str],
    parameters: Mapping[str, Any],
    *,
    rounds: int,
    seed: int = 1,
    objective: Literal["regression", "binary"] = "regression",
) -> str:
    """Fit one ensemble of trees and return it as model text.

    The same input gives the same text: fixed seeds, row-wise histograms, a fixed number of threads.

    Args:
        x: (rows, inputs) feature values, NaN for missing.
        y: (rows,) target.
        names: column names, which scoring binds by.
        parameters: LightGBM's names (`training/*.toml`).
        rounds: number of trees.
        seed: of the drawing of rows, columns and thresholds.
        objective: least squares, or the log-odds of a target that is 0 or 1.
    """
    data = lightgbm.Dataset(x, label=y, feature_name=list(names), free_raw_data=True)
    options = {**_ALWAYS, **parameters, "seed": seed, "objective": objective}
    booster = lightgbm.train(options, data, num_boost_round=rounds)
    return str(booster.model_to_string(num_iteration=-1))


def weighted_sum(texts: Sequence[str], weights: Sequence[float]) -> str:
    """Return one model text whose raw output is the weighted sum of those of several.

    All trees stand in one list with their outputs multiplied, which keeps predictions and Shapley
    values additive, whatever objectives the parts were fitted with.
    """
    head = texts[0].split("\nTree=0\n", 1)[0].splitlines()
    trees: list[str] = []
    for text, weight in zip(texts, weights, strict=True):
        body = text.split("\nTree=0\n", 1)[1].split("\nend of trees", 1)[0]
        for tree in re.split(r"^Tree=\d+\n", body, flags=re.MULTILINE):
            scaled = _VALUES.sub(partial(_multiplied, by=weight), tree.strip("\n"))
            trees.append(f"Tree={len(trees)}\n{scaled}\n\n\n")
    sizes = " ".join(str(len(tree.encode())) for tree in trees)
    head = [f"tree_sizes={sizes}" if line.startswith("tree_sizes=") else line for line in head]
    tail = texts[0].split("\nend of trees", 1)[1]
    return "\n".join(head) + "\n" + "".join(trees) + "end of trees" + tail


def _multiplied(line: re.Match[str], by: float) -> str:
    values = [repr(float(value) * by) for value in line[2].split()]
    return f"{line[1]}={' '.join(values)}"
