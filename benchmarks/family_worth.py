"""Measure what each source is worth on the simulated distributor (minutes).

`python -m benchmarks.family_worth` writes `training/family_worth.json`, the table that
`triage fit-report` quotes.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from triage import workspace
from triage.features import declarations
from triage.history.importer import import_extract
from triage.history.log import Log
from triage.training import recipe as recipes
from triage.training.family_worth import FILE, GROUPS, as_text, measure

MONTHS = ("2025-11", "2025-12", "2026-01")


def main() -> None:
    """Import the sample, measure, write the table."""
    root = workspace.root()
    with tempfile.TemporaryDirectory(prefix="triage-worth-") as home:
        import_extract("sample", root / "data" / "samples", Path(home))
        history = Log(Path(home)).read()
        recipe, _ = recipes.load("at_risk")
        worths = measure(
            history, declarations.load(), recipe, MONTHS, GROUPS,
            lambda words: print(words, file=sys.stderr),
        )  # fmt: skip
    on = f"data/samples, {MONTHS[0]} to {MONTHS[-1]}"
    (root / FILE).write_text(as_text(worths, on, "python -m benchmarks.family_worth"))
    for worth in worths:
        print(
            f"{worth.group:26} {worth.landmark:20} {worth.rows:6} {worth.pr_auc} {worth.log_loss}"
        )


if __name__ == "__main__":
    main()
