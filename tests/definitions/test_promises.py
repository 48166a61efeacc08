from __future__ import annotations

import re
from pathlib import Path

import pytest
from benchmarks.promise_sheet import Promise, promises

from triage import workspace

_LINES = promises()


def known() -> set[str]:
    """Names of all tests."""
    found: set[str] = set()
    for path in Path(workspace.root() / "tests").rglob("test_*.py"):
        found |= set(re.findall(r"def (test_\w+)", path.read_text(encoding="utf-8")))
    return found


@pytest.mark.parametrize("line", _LINES, ids=lambda line: line.fault[:40])
def test_a_promise_has_tests_that_exist(line: Promise) -> None:
    assert line.tests
    assert set(line.tests) <= known()
