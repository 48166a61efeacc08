"""A comparison for people (tables, Markdown) and for the challenger's run in MLflow."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Group
from rich.table import Table

from triage.training.compare import Comparison, Difference
from triage.training.report_table import say
from triage.training.tracking import log_figures, open_catalogue

NAMES = {
    "roc_auc": "ROC-AUC", "pr_auc": "PR-AUC", "log_loss": "log loss", "brier": "Brier",
    "ece": "ECE", "recall_at_10": "recall @10%",
}  # fmt: skip
SURE = {1: "better", 0: "cannot tell", -1: "worse"}
_HEAD = ("figure", "challenger", "champion", "difference", "95 % interval", "verdict")


def as_tables(comparison: Comparison) -> Group:
    """Return one table a landmark, the notes and the verdict."""
    tables = []
    for landmark, rows in comparison.rows.items():
        title = f"{landmark}  {rows:,} rows, {comparison.months[0]} to {comparison.months[-1]}"
        table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
        table.add_column(_HEAD[0], no_wrap=True)
        for name in _HEAD[1:]:
            table.add_column(name, justify="right", no_wrap=True)
        for found in _of(comparison, landmark):
            table.add_row(*_cells(found))
        tables.append(table)
    return Group(*tables, *comparison.notes, comparison.verdict())


def as_markdown(comparison: Comparison) -> str:
    """Return the same as a page of Markdown."""
    lines = [
        f"# {comparison.challenger.title} against {comparison.champion.title}",
        f"Bundles {comparison.challenger.digest[:12]} and {comparison.champion.digest[:12]}, both "
        f"recipes refitted month by month on the same log, {comparison.months[0]} to "
        f"{comparison.months[-1]}; difference = challenger minus champion, paired bootstrap by "
        "order.",
        *comparison.notes,
        f"**{comparison.verdict()}.**",
    ]
    for landmark, rows in comparison.rows.items():
        table = ["| " + " | ".join(_HEAD) + " |", "|---|" + "---:|" * (len(_HEAD) - 1)]
        table += ["| " + " | ".join(_cells(d)) + " |" for d in _of(comparison, landmark)]
        lines += [f"## {landmark} ({rows:,} rows)", "\n".join(table)]
    return "\n\n".join(lines) + "\n"


def as_dict(comparison: Comparison) -> dict[str, Any]:
    """Return the comparison as plain data."""
    return {
        "challenger": {
            "title": comparison.challenger.title,
            "digest": comparison.challenger.digest,
        },
        "champion": {"title": comparison.champion.title, "digest": comparison.champion.digest},
        "months": list(comparison.months),
        "rows": comparison.rows,
        "differences": [
            _defined(asdict(d) | {"difference": d.difference, "challenger_is": SURE[d.sure]})
            for d in comparison.differences
        ],
        "notes": list(comparison.notes),
        "verdict": comparison.verdict(),
    }


def record(home: Path, comparison: Comparison) -> None:
    """Put page, data and figures of a comparison beside the challenger's run in MLflow."""
    against = comparison.champion.digest[:12]
    run_id = comparison.challenger.run_id
    figures: dict[str, float] = {}
    for found in comparison.differences:
        name = f"compare/{against}/{found.landmark}/{found.metric}"
        figures |= {name: found.difference, f"{name}_low": found.low, f"{name}_high": found.high}
    with open_catalogue(home) as client:
        log_figures(client, run_id, figures)
        folder = f"comparisons/{against}"
        client.log_text(run_id, as_markdown(comparison), f"{folder}.md")
        text = json.dumps(as_dict(comparison), indent=1) + "\n"
        client.log_text(run_id, text, f"{folder}.json")


def _defined(values: dict[str, Any]) -> dict[str, Any]:
    """Return the values with None for figures that are not defined."""
    return {k: None if isinstance(x, float) and math.isnan(x) else x for k, x in values.items()}


def _of(comparison: Comparison, landmark: str) -> list[Difference]:
    return [d for d in comparison.differences if d.landmark == landmark]


def _cells(found: Difference) -> list[str]:
    return [
        NAMES[found.metric], say(found.challenger), say(found.champion),
        f"{found.difference:+.4f}", f"{found.low:+.4f} to {found.high:+.4f}", SURE[found.sure],
    ]  # fmt: skip
