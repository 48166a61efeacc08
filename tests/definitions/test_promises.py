from __future__ import annotations

import re
from pathlib import Path

import pytest

from triage import workspace

ROOT = workspace.root()
SHEET = (ROOT / "docs" / "promises.md").read_text(encoding="utf-8")
_ROWS = [line for line in SHEET.splitlines() if line.startswith("| ")][1:]


def known() -> set[str]:
    """Names of all tests."""
    found: set[str] = set()
    for path in Path(ROOT / "tests").rglob("test_*.py"):
        found |= set(re.findall(r"def (test_\w+)", path.read_text(encoding="utf-8")))
    return found


@pytest.mark.parametrize("row", _ROWS, ids=lambda row: row.split("|")[1].strip()[:40])
def test_a_promise_has_tests_that_exist(row: str) -> None:
    named = set(re.findall(r"`(test_\w+)`", row))
    assert named
    assert named <= known()
