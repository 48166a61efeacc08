from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from benchmarks.fault_beside import Beside, beside
from benchmarks.promise_sheet import Promise, line_shown, promises, show_promises
from benchmarks.restart import Restart

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


def case(name: str, within: str = "") -> str:
    return f'<testcase name="{name}" time="1.5">{within}</testcase>'


@pytest.mark.parametrize(
    ("cases", "verdict", "skipped", "broken"),
    [
        (case("test_a[1]") + case("test_b"), "held", (), False),
        (
            case("test_a") + case("test_b", '<skipped message="no server"/>'),
            "held in part", ("test_b: no server",), False,
        ),
        (case("test_a"), "held in part", ("test_b: did not run",), False),
        (
            case("test_a", '<skipped message="no disk"/>') + case("test_of_another_line"),
            "NOT SHOWN", ("test_a: no disk", "test_b: did not run"), True,
        ),
        (case("test_a") + case("test_b", "<failure/>"), "BROKEN", (), True),
    ],
)  # fmt: skip
def test_a_line_with_a_skipped_test_is_not_said_to_be_held(
    cases: str, verdict: str, skipped: tuple[str, ...], broken: bool,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    report = ElementTree.fromstring(f"<testsuite>{cases}</testsuite>")  # noqa: S314  our own
    line = line_shown(Promise("a fault", "a promise", ("test_a", "test_b")), list(report))
    assert (line.verdict, line.skipped, line.broken) == (verdict, skipped, broken)
    show_promises([line])
    printed = capsys.readouterr().out
    assert printed.startswith(f"{verdict:12} a fault")
    assert all(f"skipped {each}\n" in printed for each in skipped)
    assert printed.endswith(f"promises: 1 {verdict}\n")


def test_nothing_is_measured_beside_the_sheet_unless_it_is_asked_for(tmp_path: Path) -> None:
    found = beside(tmp_path / "no-home", 0, 0, recording=False)
    assert found == Beside()
    assert found.held


@pytest.mark.parametrize(
    ("found", "held"),
    [
        (Beside(hostile={"wrong": {}}, restart=Restart(9, 1, {}, {}, asked=2, same=2)), True),
        (Beside(hostile={"wrong": {"/v1/score: status 500": 1}}), False),
        (Beside(restart=Restart(9, 1, {}, {}, asked=2, same=1)), False),
    ],
)
def test_what_came_through_or_changed_breaks_the_sheet(found: Beside, held: bool) -> None:
    assert found.held == held
