"""Workspaces for tests: a copy of the repository's declarations with a recipe that trains fast."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from triage import workspace
from triage.training import recipe as recipes

ROUNDS = 25
_CHEAPER = {r"^rounds *=.*$": f"rounds = {ROUNDS}", r"^seeds *=.*$": "seeds = [1]"}


def copied(folder: Path) -> Path:
    """Return a copy of the declarations below `folder`."""
    for name in (*workspace.FOLDERS, "data/mappings"):
        shutil.copytree(workspace.root() / name, folder / name)
    return folder


def cheap(folder: Path, months: int = 1) -> Path:
    """Return a copy whose recipe has few trees of one seed and evaluates few months."""
    path = copied(folder) / "training" / "at_risk.toml"
    text = path.read_text()
    for pattern, line in (_CHEAPER | {r"^months *=.*$": f"months = {months}"}).items():
        text, n = re.subn(pattern, line, text, flags=re.MULTILINE)
        assert n == 1, f"{pattern} is not once in the recipe"
    path.write_text(text)
    recipe, _ = recipes.load("at_risk", folder)
    assert (recipe.trees.rounds, recipe.trees.seeds) == (ROUNDS, (1,))
    return folder
