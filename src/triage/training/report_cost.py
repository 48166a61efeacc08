"""Section on what alerts and missed late orders cost, by threshold."""

from __future__ import annotations

import math

import pandas as pd

from triage.training.report_blocks import Figure, Section, Table, number, percent
from triage.training.report_charts import Axis, Series, chart
from triage.training.report_figures import (
    COST_RATIOS,
    best_threshold,
    by_landmark,
    capital,
    cost_curve,
    landmark_title,
    predictors,
)


def cost(frame: pd.DataFrame) -> Section:
    """Return what alerts and missed late orders cost, by the share of orders with an alert."""
    figures, tables = [], []
    for landmark, rows in by_landmark(frame):
        best = {ratio: best_threshold(rows["late"], rows["model"], ratio) for ratio in COST_RATIOS}
        figures.append(_cost_chart(landmark, rows))
        other = [name for name in predictors(frame) if name not in ("model", "constant")]
        cells = []
        for ratio, own in best.items():
            rival = min(
                (best_threshold(rows["late"], rows[who], ratio).cost for who in other),
                default=float("nan"),
            )
            at = "no alerts" if math.isinf(own.p) else f"from {percent(own.p)}"
            cells.append(
                [
                    f"1 : {ratio}", at, percent(own.flagged), percent(own.found),
                    number(own.cost, 0), number(rival, 0), number(own.blind, 0),
                ]
            )  # fmt: skip
        head = (
            "alert : missed", "alert", "alerts", "late found",
            "cost", "best baseline", "no model",
        )  # fmt: skip
        tables.append(
            Table(
                f"{capital(landmark)}: best threshold, cost per 1,000 orders", head, cells, words=2
            )
        )
    words = [
        "Cost is counted in alerts: 1 for each order that somebody looks at, and the ratio for each"
        " late order that nobody looked at. Thresholds are the best in hindsight on these months;"
        " “no model” is the cheaper of no alert and an alert for every order."
    ]
    return Section("cost", "Cost", "When is an alert worth it?", words, figures, tables)


def _cost_chart(landmark: str, rows: pd.DataFrame) -> Figure:
    drawn, legend, top = [], [], 0.0
    for ratio, style in zip((5, 10, 20), ("logistic", "model", "rule"), strict=True):
        share, spent = cost_curve(rows["late"], rows["model"], ratio)
        drawn.append(Series(f"1 to {ratio}", list(zip(share, spent, strict=True)), style))
        legend.append((style, f"1 to {ratio}"))
        top = max(top, float(spent.max()))
    svg = chart(
        f"Cost per 1,000 orders by share of orders with an alert at {landmark_title(landmark)}",
        Axis.share("share of orders with an alert"), Axis.numbers("", top), drawn,
    )  # fmt: skip
    return Figure(capital(landmark), svg, "up: cost per 1,000 orders, in alerts", legend)
