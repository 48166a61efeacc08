"""The only place that trains with LightGBM: deterministic trees, returned as text."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Literal

import lightgbm
import numpy as np

from triage.features.compile import Floats, Ints

_VALUES = re.compile(r"^(leaf_value|internal_value)=(.*)$", re.MULTILINE)
Objective = Literal["regression", "binary"]
_BINS: dict[str, Any] = {
    "deterministic": True,
    "force_col_wise": True,  # the same trees as row-wise, a third sooner with many inputs
    "bin_construct_sample_cnt": 50_000,
    "num_threads": 1,
    "verbosity": -1,
}
"""One thread in every call, for two reasons: no fight for cores where several ensembles are fitted
side by side, and safety. LightGBM keeps the number of threads in one variable of the process;
sparse inputs get as many buffers as it says at first and are filled by as many threads as it says
later, so two calls with different numbers at once write outside their memory."""


class Teachers:
    """Rows that may teach, put into bins once for all ensembles that learn from some of them.

    Args:
        x: (rows, inputs) feature values, NaN for missing.
        names: column names, which scoring binds by.
        parameters: LightGBM's names (`training/*.toml`), those of the bins among them.
    """

    def __init__(self, x: Floats, names: Sequence[str], parameters: Mapping[str, Any]) -> None:
        self._names = list(names)
        self._parameters = {**parameters, **_BINS}
        self._bins = lightgbm.Dataset(
            x, label=np.zeros(len(x)), feature_name=self._names, free_raw_data=True,
            params=self._parameters,
        ).construct()  # fmt: skip

    def fit(
        self,
        chosen: Ints,
        y: Floats,
        parameters: Mapping[str, Any],
        *,
        rounds: int,
        seed: int = 1,
        objective: Objective = "regression",
    ) -> str:
        """Fit one ensemble of trees on some rows and return it as model text.

        The same input gives the same text: fixed seeds, one thread. May be called from threads.

        Args:
            chosen: (m,) row numbers, ascending.
            y: (m,) what they teach.
            parameters: LightGBM's names; they cannot change the bins.
            rounds: number of trees.
            seed: of the drawing of rows, columns and thresholds.
            objective: least squares, or the log-odds of a target that is 0 or 1.
        """
        booster = self._fitted(chosen, y, parameters, rounds, seed, objective)
        return str(booster.model_to_string(num_iteration=-1))

    def gains(
        self, y: Floats, parameters: Mapping[str, Any], *, rounds: int, objective: Objective
    ) -> Floats:
        """Return by how much each input lowers the loss where all rows teach, (inputs,).

        Args:
            y: (rows,) what they teach.
            parameters: LightGBM's names.
            rounds: number of trees.
            objective: as in `fit`.
        """
        chosen = np.arange(len(y))
        booster = self._fitted(chosen, y, parameters, rounds, 1, objective)
        gains: Floats = booster.feature_importance("gain", iteration=-1)
        return gains

    def _fitted(
        self, chosen: Ints, y: Floats, parameters: Mapping[str, Any], rounds: int, seed: int,
        objective: Objective,
    ) -> lightgbm.Booster:  # fmt: skip
        options = {**self._parameters, **parameters, "seed": seed, "objective": objective, **_BINS}
        data = self._bins.subset(chosen, params=self._parameters).construct().set_label(y)
        return lightgbm.train(options, data, num_boost_round=rounds)


def fit_trees(
    x: Floats,
    y: Floats,
    names: Sequence[str],
    parameters: Mapping[str, Any],
    *,
    rounds: int,
    seed: int = 1,
    objective: Objective = "regression",
) -> str:
    """Fit one ensemble on all rows and return it as model text (see `Teachers`)."""
    teachers = Teachers(x, names, parameters)
    return teachers.fit(
        np.arange(len(x)), y, parameters, rounds=rounds, seed=seed, objective=objective
    )


def tree_count(text: str) -> int:
    """Return the number of trees of a model text."""
    return text.count("\nTree=")


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
