from __future__ import annotations

import struct
import subprocess
import sys
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from tests.unit.training.runs import LANDMARKS, predictions

from triage.training.plots import (
    contribution_plot,
    month_plot,
    precision_recall_plot,
    reliability_plot,
)


def size(path: Path) -> tuple[int, int]:
    """Width and height of a PNG file in pixels."""
    head = path.read_bytes()[:24]
    assert head.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", head[16:24])
    return width, height


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return predictions(400)


def test_every_landmark_has_a_square_reliability_and_a_precision_recall_picture(
    frame: pd.DataFrame, tmp_path: Path
) -> None:
    for landmark in LANDMARKS:
        width, height = size(reliability_plot(frame, landmark, tmp_path))
        assert 0.8 < width / height < 1.25
        width, height = size(precision_recall_plot(frame, landmark, tmp_path))
        assert min(width, height) > 500


def test_a_year_of_months_is_drawn_one_landmark_below_the_other(
    frame: pd.DataFrame, tmp_path: Path
) -> None:
    width, height = size(month_plot(frame, tmp_path))
    assert width > 2 * height
    year = frame.assign(month=[f"2017-{1 + i % 12:02}" for i in range(len(frame))])
    width, height = size(month_plot(year, tmp_path))
    assert width < 2 * height


def test_sets_without_a_late_order_can_be_drawn(frame: pd.DataFrame, tmp_path: Path) -> None:
    punctual = frame.assign(late=0)
    for drawing in (reliability_plot, precision_recall_plot):
        assert size(drawing(punctual, "order_created", tmp_path))[0] > 500
    assert size(month_plot(punctual, tmp_path))[0] > 500


def test_contributions_are_drawn_with_missing_values_and_categories_and_leave_no_trace(
    tmp_path: Path,
) -> None:
    rng = np.random.default_rng(2)
    features = pd.DataFrame({f"feature_{i}": rng.normal(size=40) for i in range(20)})
    features.loc[::3, "feature_1"] = np.nan
    features["category"] = pd.Categorical(rng.choice(["a", "b"], 40))
    before = dict(mpl.rcParams)
    path = contribution_plot(features, rng.normal(size=(40, 21)), "order_created", tmp_path)
    assert size(path)[1] > 500
    assert {k: v for k, v in mpl.rcParams.items() if before.get(k) != v} == {}


def test_importing_the_plots_does_not_load_matplotlib() -> None:
    code = (
        "import sys, triage.training.plots\n"
        "print(*(name in sys.modules for name in ('matplotlib', 'shap')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
