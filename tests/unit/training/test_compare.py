from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import hypothesis.strategies as st
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from tests.unit.training.runs import LANDMARKS, predictions

from triage import workspace
from triage.errors import BundleError
from triage.features import declarations
from triage.models.at_risk import FEATURES_FILE, RECIPE_FILE
from triage.training.compare import METRICS, Comparison, Difference, compare, differences, joined
from triage.training.compare_report import as_dict, as_markdown
from triage.training.contender import Contender, contender
from triage.training.metrics import score
from triage.training.prepared import Prepared, Progress
from triage.training.rehearsal import rank_correlation, top_in_common


def files() -> dict[str, bytes]:
    return {
        RECIPE_FILE: workspace.read_text("training/at_risk.toml").encode(),
        FEATURES_FILE: declarations.load().model_dump_json().encode(),
    }


@dataclass(frozen=True, slots=True)
class Made(Contender):
    """A contender whose predictions are given."""

    frame: pd.DataFrame

    def prepare(self, home: Path, progress: Progress) -> Prepared:  # noqa: ARG002
        return None  # type: ignore[return-value]

    def evaluate(self, *_: object) -> pd.DataFrame:
        return self.frame


def made(title: str, frame: pd.DataFrame, rounds: int = 100) -> Made:
    frozen = contender(title, title * 8, "run", files())
    trees = frozen.recipe.trees
    location = trees.location.model_copy(update={"rounds": rounds})
    trees = trees.model_copy(update={"location": location})
    recipe = frozen.recipe.model_copy(update={"trees": trees})
    return Made(title, frozen.digest, "run", recipe, frozen.declarations, frame)


def compared(one: Made, other: Made) -> Comparison:
    return compare(
        Path(), one, other, months=["2017-11", "2017-12"], resamples=80, progress=lambda _: None
    )


@pytest.fixture(scope="module")
def good() -> pd.DataFrame:
    return predictions(900)


@pytest.fixture(scope="module")
def poor(good: pd.DataFrame) -> pd.DataFrame:
    """The same orders, predicted by their base rate and some noise."""
    noise = np.random.default_rng(3).normal(0, 0.02, len(good))
    return good.assign(model=(good["constant"] + noise).clip(0.01, 0.99))


def test_a_better_challenger_is_to_be_promoted_and_a_worse_one_is_not(
    good: pd.DataFrame, poor: pd.DataFrame
) -> None:
    better = compared(made("new", good, 101), made("old", poor))
    assert better.verdict() == f"new is better at {', '.join(LANDMARKS)} and nowhere worse: " + (
        "promote it"
    )
    worse = compared(made("new", poor, 101), made("old", good))
    assert worse.verdict().endswith("nowhere better: keep old")


def test_the_figures_are_those_of_the_rows_that_both_have(
    good: pd.DataFrame, poor: pd.DataFrame
) -> None:
    some = poor[poor.index % 3 > 0]
    found = compared(made("new", good, 101), made("old", some))
    own = good[(good.index % 3 > 0) & (good["landmark"] == "order_created")]
    roc_auc = next(
        d for d in found.differences if (d.landmark, d.metric) == ("order_created", "roc_auc")
    )
    assert roc_auc.challenger == pytest.approx(score(own["late"], own["model"]).roc_auc)
    assert found.rows["order_created"] == len(own)
    assert found.notes == (f"{len(good) - len(some):,} rows that only new has are left out",)


def test_a_landmark_that_only_one_side_has_is_named(good: pd.DataFrame) -> None:
    later = good[good["landmark"] != "order_created"]
    found = compared(made("new", good, 101), made("old", later))
    assert set(found.rows) == {*LANDMARKS} - {"order_created"}
    assert found.notes[0].endswith("left out, among them all of order_created")
    with pytest.raises(BundleError, match="no landmark in common"):
        compared(made("new", later, 101), made("old", good[good["landmark"] == "order_created"]))


def test_the_same_recipe_is_told_and_differs_nowhere(good: pd.DataFrame) -> None:
    found = compared(made("new", good), made("old", good))
    assert "same recipe and declarations" in found.verdict()
    assert {(d.difference, d.low, d.high) for d in found.differences} == {(0.0, 0.0, 0.0)}


def test_two_labels_are_told(good: pd.DataFrame) -> None:
    old = made("old", good)
    label = old.recipe.label.model_copy(update={"meaning": "later than a day after"})
    other = replace(old, recipe=old.recipe.model_copy(update={"label": label}))
    (note,) = compared(made("new", good), other).notes
    assert "'later than a day after' for old: both are judged by the first" in note


def test_the_same_bundle_is_not_compared_with_itself(good: pd.DataFrame) -> None:
    with pytest.raises(BundleError, match="are the same bundle"):
        compared(made("new", good), made("new", good))


@pytest.mark.parametrize("name", [RECIPE_FILE, FEATURES_FILE])
def test_a_bundle_of_another_version_says_why_it_cannot_be_evaluated(name: str) -> None:
    with pytest.raises(BundleError, match=r"recipe of version 3 .* cannot be evaluated") as told:
        contender("version 3", "ab" * 32, "run", files() | {name: b"[what]\nis = 1"})
    assert "train it again" in str(told.value)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000))
def test_swapping_the_sides_turns_the_signs(seed: int) -> None:
    rows = joined(rows_of(predictions(60, seed)), rows_of(predictions(60, seed).assign(model=0.3)))
    swapped = rows.rename(columns={"challenger": "champion", "champion": "challenger"})
    for one, other in zip(differences(rows, 20), differences(swapped, 20), strict=True):
        assert one.difference == pytest.approx(-other.difference, nan_ok=True)
        assert (one.low, one.high) == pytest.approx((-other.high, -other.low), nan_ok=True)
        assert one.sure == -other.sure


def test_orders_are_drawn_whole(good: pd.DataFrame) -> None:
    """Copies of an order say nothing new: the interval stays about as wide as it was."""
    one = rows_of(good)
    other = one.assign(model=one["constant"])
    rows = joined(one, other)
    copied = pd.concat([rows.assign(as_of=rows["as_of"] + i) for i in range(4)])
    width, same = (spread(differences(frame, 200)) for frame in (rows, copied))
    assert same == pytest.approx(width, rel=0.35)


def spread(found: list[Difference]) -> float:
    (loss,) = (d for d in found if d.metric == "log_loss")
    return loss.high - loss.low


def test_page_and_data_say_what_was_found(good: pd.DataFrame, poor: pd.DataFrame) -> None:
    found = compared(made("new", good, 101), made("old", poor))
    page, data = as_markdown(found), as_dict(found)
    assert "**new is better at" in page
    assert page.count("| ROC-AUC |") == len(LANDMARKS)
    assert len(data["differences"]) == len(LANDMARKS) * len(METRICS)
    assert data["verdict"] == found.verdict()


def test_ranks_of_a_list_and_its_head_are_compared() -> None:
    before = {"a": 0.9, "b": 0.8, "c": 0.1, "d": 0.1}
    turned = {"a": 0.1, "b": 0.2, "c": 0.8, "d": 0.9}
    assert rank_correlation([0.9, 0.8, 0.1], [0.5, 0.3, 0.2]) == pytest.approx(1)
    assert rank_correlation(list(before.values()), list(turned.values())) < -0.9
    assert np.isnan(rank_correlation([0.1, 0.1], [0.1, 0.2]))
    assert top_in_common(before, before, 2) == 1
    assert top_in_common(before, turned, 2) == 0
    assert top_in_common(before, turned, 10) == 1


def rows_of(frame: pd.DataFrame) -> pd.DataFrame:
    return frame[frame["landmark"] == "order_created"]
