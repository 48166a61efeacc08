"""Workspaces for tests: a copy of the repository's declarations with a recipe that trains fast."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from triage import workspace
from triage.training import recipe as recipes

ROUNDS = 25
_CHEAPER = {
    r"^rounds *=.*$": (f"rounds = {ROUNDS}", 4),
    r"^folds *=.*$": ("folds = 2", 1),
    r"^few_folds *=.*$": ("few_folds = 2", 1),
    r"^families *= \[[^]]*\]": ('families = ["carrier", "coverage"]', 1),
    r"^families_with *=.*$": ("", 1),
}


def copied(folder: Path) -> Path:
    """Return a copy of the declarations below `folder`."""
    for name in (*workspace.FOLDERS, "data/mappings"):
        shutil.copytree(workspace.root() / name, folder / name)
    return folder


def cheap(folder: Path, months: int = 1) -> Path:
    """Return a copy whose recipe has few trees and inputs, and evaluates few months."""
    path = copied(folder) / "training" / "at_risk.toml"
    text = path.read_text()
    changes = _CHEAPER | {r"^months *=.*$": (f"months = {months}\nenough_late = 1", 1)}
    for pattern, (line, times) in changes.items():
        text, n = re.subn(pattern, line, text, flags=re.MULTILINE)
        assert n == times, f"{pattern} is {n} times in the recipe"
    path.write_text(text)
    recipe, _ = recipes.load("at_risk", folder)
    assert (recipe.trees.location.rounds, recipe.trees.folds) == (ROUNDS, 2)
    return folder
