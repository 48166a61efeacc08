from __future__ import annotations

import re

import pytest
from tests.workspaces import copied

from triage import workspace
from triage.errors import DeclarationError
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
