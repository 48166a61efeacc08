"""Sections on where it is good: by days to the promise, by segment, and the days themselves."""

from __future__ import annotations

import pandas as pd

from triage.training.metrics import landmarks, score
from triage.training.report_blocks import Figure, Section, Table, interval, number, percent
from triage.training.report_charts import Axis, Series, chart
from triage.training.report_figures import (
    Coverage,
    by_value,
    capital,
    coverage,
    delay_errors,
    landmark_title,
    promise_buckets,
    segments,
    wilson,
)
from triage.training.report_table import say

_LEAST = 30
_MOST_VALUES = 8
_DELAYS = {"delay_days", "delay_p10", "delay_p50", "delay_p90"}
_SLICE_HEAD = ("rows", "late", "predicted", "ROC-AUC", "PR-AUC", "log loss")


def by_promise(frame: pd.DataFrame) -> Section | None:
    """Return figures by stage and days to the promise; None if the days are not there."""
    if "promise_days" not in frame:
        return None
    buckets = promise_buckets(frame)
    names = [str(name) for name in buckets.cat.categories]
    stages = landmarks(frame)
    parts = {
        (stage, name): frame[(frame["landmark"] == stage) & (buckets == name)]
        for stage in stages
        for name in names
    }
    matrix = [
        [name, *(_auc_cell(parts[stage, name]) for stage in stages)]
        for name in names
        if any(len(parts[stage, name]) >= _LEAST for stage in stages)
    ]
    head = ("days to the promise", *(capital(stage) for stage in stages))
    tables = [Table("ROC-AUC of the model (rows, share late)", head, matrix)]
    for stage in stages:
        cells = [
            [name, *_slice_cells(parts[stage, name])]
            for name in names
            if len(parts[stage, name]) >= _LEAST
        ]
        tables.append(
            Table(
                f"{capital(stage)}: all figures",
                ("days to the promise", *_SLICE_HEAD),
                cells,
                folded=True,
            )
        )
    words = [
        "Scores should sharpen as facts arrive and the promise comes nearer. Slices with fewer than"
        f" {_LEAST} rows are left out."
    ]
    return Section(
        "stages", "Days to promise", "By stage and days to the promise", words, (), tables
    )


def by_segment(frame: pd.DataFrame) -> Section | None:
    """Return figures of the largest segments; None if no column names any."""
    columns = segments(frame)
    if not columns:
        return None
    tables = []
    for column in columns:
        for landmark in landmarks(frame):
            rows = frame[frame["landmark"] == landmark]
            cells = [
                [name, *_slice_cells(part), say(score(part["late"], part["model"]).ece)]
                for name, part in by_value(rows, column, _MOST_VALUES)
                if len(part) >= _LEAST
            ]
            tables.append(
                Table(
                    f"{_words(column).capitalize()}, {landmark_title(landmark)}",
                    (_words(column), *_SLICE_HEAD, "ECE"),
                    cells,
                    folded=landmark != landmarks(frame)[0],
                )
            )
    words = [
        f"The {_MOST_VALUES} largest of each; those with fewer than {_LEAST} rows are left out."
    ]
    return Section("segments", "Segments", "By segment", words, (), tables)


def days(frame: pd.DataFrame) -> Section | None:
    """Return coverage of the delay intervals and errors in days; None if there are none."""
    if not set(frame) >= _DELAYS:
        return None
    figures, tables = [], [_errors(frame)]
    cells = []
    for landmark in landmarks(frame):
        own = frame[frame["landmark"] == landmark]
        names = sorted(own["month"].unique())
        found = [(name, coverage(own[own["month"] == name])) for name in names]
        cells += [[landmark_title(landmark), *_coverage_cells(name, c)] for name, c in found if c.n]
        points = [(i + 0.5, c.below_p90 / c.n) for i, (_, c) in enumerate(found) if c.n]
        ends = [wilson(c.below_p90, c.n) for _, c in found if c.n]
        svg = chart(
            f"Share delivered by p90 by month at {landmark_title(landmark)}; 90 % is right",
            Axis.names("", names),
            Axis("", 0.7, 1.0, _COVERAGE_TICKS),
            [Series("by p90", points, intervals=ends, dots=True)],
            line=[(0, 0.9), (max(len(names), 1), 0.9)],
        )
        figures.append(Figure(capital(landmark), svg, "up: share delivered by p90; line: 90 %"))
    tables.append(Table("Coverage by month", ("", "month", *_COVERAGE_HEAD), cells, words=2))
    for column in segments(frame):
        of = [
            [landmark_title(landmark), *_coverage_cells(name, coverage(part))]
            for landmark in landmarks(frame)
            for name, part in by_value(frame[frame["landmark"] == landmark], column, _MOST_VALUES)
            if coverage(part).n >= _LEAST
        ]
        title = f"Coverage by {_words(column)}"
        head = ("", _words(column), *_COVERAGE_HEAD)
        tables.append(Table(title, head, of, folded=True, words=2))
    words = [
        "Of orders that were delivered: 90 % should arrive by p90, 80 % between p10 and p90."
        " Intervals are 95 % Wilson intervals; undelivered orders have no day and are left out."
    ]
    return Section("days", "Delay in days", "How late, in days", words, figures, tables)


_WHO = {"model": "model (p50)", "promise": "the promise itself"}
_COVERAGE_TICKS = tuple((v / 100, f"{v} %") for v in (70, 80, 90, 100))
_COVERAGE_HEAD = ("delivered", "by p90", "95 % interval", "p10 to p90", "95 % interval")


def _errors(frame: pd.DataFrame) -> Table:
    found = {x: delay_errors(frame[frame["landmark"] == x]) for x in landmarks(frame)}
    who = list(dict.fromkeys(name for errors in found.values() for name in errors))
    cells = [
        [landmark_title(x), *(number(errors.get(name, float("nan"))) for name in who)]
        for x, errors in found.items()
    ]
    head = ("", *(_WHO.get(name, name) for name in who))
    return Table("Mean absolute error of the day of delivery, in days", head, cells)


def _coverage_cells(name: str, found: Coverage) -> list[str]:
    n, below, within = found.n, found.below_p90, found.within
    return [
        name, f"{n:,}", percent(below / n), interval(*wilson(below, n)), percent(within / n),
        interval(*wilson(within, n)),
    ]  # fmt: skip


def _slice_cells(rows: pd.DataFrame) -> list[str]:
    found = score(rows["late"], rows["model"])
    return [
        f"{found.n:,}", percent(found.base_rate), percent(found.mean_p), say(found.roc_auc),
        say(found.pr_auc), say(found.log_loss),
    ]  # fmt: skip


def _auc_cell(rows: pd.DataFrame) -> str:
    if len(rows) < _LEAST:
        return ""
    found = score(rows["late"], rows["model"])
    return f"{say(found.roc_auc)} ({found.n:,}, {percent(found.base_rate)})"


def _words(column: str) -> str:
    return column.replace("_", " ")
