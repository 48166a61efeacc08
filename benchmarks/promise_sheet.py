"""The sheet of promises, each line provoked by the tests that it names: for the sheet of faults."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections import Counter
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
        passed, failed: cases of its tests, parameters counted singly.
        skipped: tests that this machine did not show, and why.
        seconds: they took.
    """

    fault: str
    promise: str
    passed: int
    failed: int
    skipped: tuple[str, ...]
    seconds: float

    @property
    def verdict(self) -> str:
        """Return what may be said of it: `held` only if every test was shown and none failed."""
        if self.failed:
            return "BROKEN"
        if not self.passed:
            return "NOT SHOWN"
        return "held in part" if self.skipped else "held"

    @property
    def broken(self) -> bool:
        """Return whether something failed or nothing was shown."""
        return self.failed > 0 or not self.passed


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
    return [line_shown(line, cases) for line in lines]


def line_shown(line: Promise, cases: list[ElementTree.Element]) -> Shown:
    """Return what became of a line by the cases of a JUnit report."""
    own = [(name, case) for case in cases if (name := _name(case)) in line.tests]
    failed = sum(any(case.find(kind) is not None for kind in _FAILED) for _, case in own)
    skipped = [
        f"{name}: {why.get('message', '')}"
        for name, case in own
        if (why := case.find("skipped")) is not None
    ]
    never = [f"{name}: did not run" for name in line.tests if name not in {ran for ran, _ in own}]
    seconds = sum(float(case.get("time", 0.0)) for _, case in own)
    passed = len(own) - failed - len(skipped)
    told = tuple(dict.fromkeys(skipped + never))
    return Shown(line.fault, line.promise, passed, failed, told, round(seconds, 1))


def _name(case: ElementTree.Element) -> str:
    return case.get("name", "").split("[")[0]


def show_promises(lines: list[Shown]) -> None:
    """Print what became of each line, and of how many what."""
    for line in lines:
        cases = f"{line.passed} cases, {line.seconds} s"
        print(f"{line.verdict:12} {line.fault}: {line.promise} ({cases})")
        for each in line.skipped:
            print(f"{'':12}   skipped {each}")
    counts = Counter(line.verdict for line in lines)
    if lines:
        print(f"promises: {', '.join(f'{count} {verdict}' for verdict, count in counts.items())}")
