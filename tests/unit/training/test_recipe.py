from __future__ import annotations

import re

import pytest
from tests.workspaces import copied

from triage import workspace
from triage.errors import DeclarationError
from triage.features import declarations
from triage.features.compile import compile_features
from triage.training.recipe import load, parse

TEXT = workspace.read_text("training/at_risk.toml")


def test_a_recipe_is_read_with_its_text() -> None:
    recipe, text = load("at_risk")
    assert recipe.name == "at_risk"
    assert text == TEXT
    assert parse(text, "here") == recipe


def test_a_recipe_reads_from_the_workspace_that_was_named(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = copied(tmp_path_factory.mktemp("workspace"))
    path = folder / "training" / "at_risk.toml"
    path.write_text(re.sub(r"^rounds *=.*$", "rounds = 7", TEXT, flags=re.MULTILINE))
    assert load("at_risk", folder)[0].trees.location.rounds == 7


def test_an_unknown_recipe_is_told_with_what_there_is() -> None:
    with pytest.raises(DeclarationError, match=r"training/nothing\.toml.*at_risk\.toml"):
        load("nothing")


@pytest.mark.parametrize(
    ("pattern", "line", "named"),
    [
        (r"^rounds *= 120$", "rounds = 0", r"trees\.location\.rounds"),
        (r"^folds *=.*$", "folds = 1", r"trees\.folds"),
        (r"^offset *=.*$", "offset = 1.5", r"target\.offset"),
        (r"^months *=.*$", "months = -1", r"evaluation\.months"),
        (r"^landmarks *=.*$", 'landmarks = ["order_lost"]', "landmarks"),
        (r"^rule *=.*$", "ruel = 3", r"baselines"),
        (r"^share_recent *=.*$", "share_recent = 2", r"calibration\.share_recent"),
        (r"^name *=.*$", "", "name"),
        (r"^name *=.*$", "name = ", "line 2"),
    ],
)
def test_a_recipe_that_does_not_fit_names_file_and_field(
    pattern: str, line: str, named: str
) -> None:
    text, n = re.subn(pattern, line, TEXT, flags=re.MULTILINE)
    assert n == 1
    with pytest.raises(DeclarationError, match=named) as told:
        parse(text, "training/mine.toml")
    assert "training/mine.toml" in str(told.value)


def test_trees_grow_with_the_root_of_the_rows_between_the_least_and_the_most_leaves() -> None:
    trees = load("at_risk")[0].trees.model_copy(
        update={"usual_rows": 50_000, "least_leaves": 4, "most_leaves": 31}
    )
    rows = (200, 5_000, 12_500, 50_000, 112_500, 1_000_000)
    assert [trees.common(each)["num_leaves"] for each in rows] == [4, 5, 8, 15, 22, 31]
    fixed = trees.model_copy(update={"usual_rows": None})
    assert {fixed.common(each)["num_leaves"] for each in rows} == {15}


def test_a_leaf_of_a_small_log_may_hold_a_hundredth_of_its_rows() -> None:
    trees = load("at_risk")[0].trees
    rows = (500, 5_000, 50_000)
    assert [trees.common(each)["min_data_in_leaf"] for each in rows] == [20, 50, 100]


def test_a_landmark_takes_the_rows_that_the_recipe_gives_it() -> None:
    trees = load("at_risk")[0].trees
    assert trees.most_of("order_created") == 200_000
    assert trees.most_of("order_validated") == trees.most_rows == 100_000
    assert trees.most_of("order_created:waiting") == trees.most_waiting_rows == 50_000


def test_leaves_that_are_at_least_more_than_at_most_are_refused() -> None:
    text = TEXT.replace("least_leaves = 4 ", "least_leaves = 40 ")
    assert text != TEXT
    with pytest.raises(DeclarationError, match="least_leaves is more than most_leaves"):
        parse(text, "training/mine.toml")


def test_an_input_that_counts_the_order_itself_once_it_waits_is_not_seen_then() -> None:
    declared = declarations.load()
    sources = {source for family in declared.families for source in family.family.requires}
    features, inputs = compile_features(declared, sources), load("at_risk")[0].inputs
    stages = ("order_created", "order_validated", "allocation_confirmed")
    waits = ("order_created:waiting", "order_validated:waiting")
    assert [("net_left_scarce" in inputs.of(features, each)) for each in (*stages, *waits)] == [
        True, True, False, False, False,
    ]  # fmt: skip
