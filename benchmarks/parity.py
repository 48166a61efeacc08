"""Every feature value of every landmark: live index against matrix, and truncate-and-rebuild."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from triage.features import declarations
from triage.features.availability import available
from triage.features.compile import compile_features
from triage.features.engine import FeatureEngine
from triage.history.log import Log
from triage.training import recipe as recipes
from triage.training.parity import differences, matrix_of, replay


def run(home: Path) -> None:
    """Print how many values were compared and how many differ."""
    recipe, _ = recipes.load("at_risk")
    history = Log(home).read()
    features = compile_features(declarations.load(), available(history))
    started = time.monotonic()
    asked, live = replay(history, features, recipe.landmarks)
    took = time.monotonic() - started
    engine = FeatureEngine.of(history, features)
    whole = matrix_of(engine, asked)
    print(
        f"{live.size:,} values of {len(asked):,} landmarks: {differences(live, whole)} differences"
    )
    print(
        f"(replayed in {took:.0f} s: {1e6 * took / len(asked):.0f} us a landmark, updates included)"
    )
    known = history.orders["record_time"].to_numpy(np.int64)
    for share in (0.4, 0.6, 0.85):
        cut = int(known[0] + share * (known[-1] - known[0]))
        early = np.array([moment < cut for _, moment in asked])
        rebuilt = FeatureEngine.of(history.before(cut), features)
        again = matrix_of(rebuilt, [pair for pair in asked if pair[1] < cut])
        differ = differences(again, whole[early])
        day = np.datetime64(cut, "us").astype("datetime64[D]")
        print(f"truncated at {day}: {again.size:,} values before it, {differ} differences")
