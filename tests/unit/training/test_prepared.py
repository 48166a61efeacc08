from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from triage.training import recipe as recipes
from triage.training.prepared import prepare


def test_features_from_an_index_in_parts_are_those_from_the_whole(sample_home: Path) -> None:
    loaded, _ = recipes.load("at_risk")
    recipe = loaded.model_copy(update={"landmarks": loaded.landmarks[:1]})
    said: list[str] = []

    whole = prepare(sample_home, recipe)
    parted = prepare(sample_home, recipe, progress=said.append, at_once=len(whole.book) // 3)

    assert sum(line.startswith("building the as-of index") for line in said) > 2
    assert parted.features.names == whole.features.names
    for one, other in zip(parted.data, whole.data, strict=True):
        assert one.inputs == other.inputs
        np.testing.assert_array_equal(one.x, other.x)
        assert one.beside.keys() == other.beside.keys()
        for name, values in one.beside.items():
            np.testing.assert_array_equal(values, other.beside[name])
        np.testing.assert_array_equal(one.rows.order, other.rows.order)
        pd.testing.assert_frame_equal(one.categories, other.categories)
