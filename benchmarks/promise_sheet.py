"""The sheet of promises, each line provoked by the tests that it names: for the sheet of faults."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from triage import workspace

SHEET = Path("docs/promises.md")
_FAILED = ("failure", "error")


@dataclass(frozen=True, slots=True)
class Promise:
    """One line of the sheet.

    Attributes:
        fault: what happens.
        promise: what holds.
        tests: names of the tests that provoke it.
    """

    fault: str
    promise: str
    tests: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Shown:
    """What became of one line.

    Attributes:
        fault, promise: as on the sheet.
        passed, failed, skipped: cases of its tests, parameters counted singly.
        seconds: they took.
    """

    fault: str
    promise: str
    passed: int
    failed: int
    skipped: int
    seconds: float

    @property
    def held(self) -> bool:
        """Return whether it was provoked and nothing failed."""
        return self.passed > 0 and self.failed == 0


def promises() -> list[Promise]:
    """Return the lines of the sheet."""
    text = (workspace.root() / SHEET).read_text(encoding="utf-8")
    rows = [line.split("|")[1:-1] for line in text.splitlines() if line.startswith("| ")][1:]
    return [
        Promise(fault.strip(), promise.strip(), tuple(re.findall(r"`(test_\w+)`", tests)))
        for fault, promise, tests in rows
    ]


def shown() -> list[Shown]:
    """Run the tests of every line; return what became of each."""
    lines = promises()
    names = sorted({name for line in lines for name in line.tests})
    with tempfile.TemporaryDirectory(prefix="triage-promises-") as folder:
        report = Path(folder) / "report.xml"
        subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-n", "2", "--dist", "loadfile",
             "--max-worker-restart", "0", "-k", " or ".join(names), f"--junitxml={report}"],
            cwd=workspace.root(), stdout=sys.stderr, check=False,
        )  # fmt: skip
        cases = ElementTree.parse(report).getroot().findall(".//testcase")  # noqa: S314  our own
    return [_line(line, cases) for line in lines]


def _line(line: Promise, cases: list[ElementTree.Element]) -> Shown:
    own = [case for case in cases if case.get("name", "").split("[")[0] in line.tests]
    failed = sum(any(case.find(kind) is not None for kind in _FAILED) for case in own)
    skipped = sum(case.find("skipped") is not None for case in own)
    seconds = sum(float(case.get("time", 0.0)) for case in own)
    passed = len(own) - failed - skipped
    return Shown(line.fault, line.promise, passed, failed, skipped, round(seconds, 1))


def show_promises(lines: list[Shown]) -> None:
    """Print what became of each line."""
    for line in lines:
        verdict = "held" if line.held else "BROKEN" if line.failed else "NOT SHOWN"
        cases = f"{line.passed} cases" + (f", {line.skipped} skipped" if line.skipped else "")
        print(f"{verdict:9} {line.fault}: {line.promise} ({cases}, {line.seconds} s)")
