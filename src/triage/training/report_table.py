"""The figures of a run for people (tables) and for machines (a plain dictionary)."""

from __future__ import annotations

import math

import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.console import Group
from rich.table import Table

from triage.training.metrics import (
    NAMES,
    POOLED,
    WITHIN_MONTH,
    figure,
    landmarks,
    months,
)

_COLUMNS = (
    ("ROC AUC", "roc_auc", POOLED),
    ("ROC AUC in month", "roc_auc", WITHIN_MONTH),
    ("PR AUC", "pr_auc", POOLED),
    ("log loss", "log_loss", POOLED),
    ("log loss in month", "log_loss", WITHIN_MONTH),
    ("Brier", "brier", POOLED),
    ("ECE", "ece", POOLED),
    ("recall @10%", "recall_at_10", POOLED),
    ("mean p", "mean_p", POOLED),
)


def as_tables(tidy: pd.DataFrame) -> Group:
    """Return one table a landmark: predictors as rows, figures as columns.

    Args:
        tidy: what `metrics.evaluate` gives.
    """
    return Group(*(_table(tidy, landmark) for landmark in landmarks(tidy)))


def as_dict(tidy: pd.DataFrame) -> dict[str, dict[str, dict[str, dict[str, float | None]]]]:
    """Return landmark -> predictor -> month -> metric -> figure; 6 decimals, None if undefined."""
    found: dict[str, dict[str, dict[str, dict[str, float | None]]]] = {}
    for row in tidy.to_dict("records"):
        own = found.setdefault(row["landmark"], {}).setdefault(row["predictor"], {})
        own[row["month"]] = {
            name: int(row[name]) if name == "n" else _rounded(row[name]) for name in NAMES
        }
    return found


def as_markdown(tidy: pd.DataFrame, landmark: str) -> str:
    """Return one landmark's table as Markdown."""
    head = ["predictor", *(name for name, _, _ in _COLUMNS)]
    lines = [_line(head), _line(["---", *["---:"] * len(_COLUMNS)])]
    lines += [_line(cells) for cells in _cells(tidy, landmark)]
    return "\n".join(lines)


def say(value: float) -> str:
    """Return a figure with three decimals and no leading zero; a dash if it is undefined."""
    if math.isnan(value):
        return "-"
    return f"{value:.3f}".removeprefix("0") if 0 <= value < 1 else f"{value:.3f}"


def _table(tidy: pd.DataFrame, landmark: str) -> Table:
    span = months(tidy[tidy["landmark"] == landmark])
    n = figure(tidy, landmark, "model", "n")
    base = figure(tidy, landmark, "model", "base_rate")
    rows = f"{int(n):,}" if not math.isnan(n) else "no"
    title = f"{landmark}  {rows} rows, {say(base)} late, {span[0]} to {span[-1]}"
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("predictor", no_wrap=True)
    for name, _, _ in _COLUMNS:
        table.add_column(name, justify="right")
    for cells in _cells(tidy, landmark):
        table.add_row(*cells, style="bold" if cells[0] == "model" else None)
    return table


def _cells(tidy: pd.DataFrame, landmark: str) -> list[list[str]]:
    names = tidy.loc[tidy["landmark"] == landmark, "predictor"].unique()
    return [
        [
            str(predictor),
            *(say(figure(tidy, landmark, predictor, metric, m)) for _, metric, m in _COLUMNS),
        ]
        for predictor in names
    ]


def _line(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _rounded(value: float) -> float | None:
    return None if math.isnan(value) else round(float(value), 6)
