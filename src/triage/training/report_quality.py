"""Sections on how good the probabilities are: figures, ranking, calibration, months."""

from __future__ import annotations

import pandas as pd

from triage.training.metrics import (
    POOLED,
    WITHIN_MONTH,
    figure,
    landmarks,
    months,
    reliability,
    score,
)
from triage.training.report_blocks import Figure, Section, Table, interval, percent
from triage.training.report_charts import Axis, Series, chart
from triage.training.report_figures import (
    CAPACITIES,
    by_landmark,
    capital,
    landmark_title,
    precision_recall,
    predictors,
    recall_at,
    wilson,
)
from triage.training.report_table import say

_HEADLINE = (
    ("ROC-AUC", "roc_auc", POOLED),
    ("in month", "roc_auc", WITHIN_MONTH),
    ("PR-AUC", "pr_auc", POOLED),
    ("log loss", "log_loss", POOLED),
    ("Brier", "brier", POOLED),
    ("ECE", "ece", POOLED),
    ("recall @10 %", "recall_at_10", POOLED),
)
_TENTH = 0.1
_NAMES = {
    "model": "model",
    "constant": "base rate",
}


def headline(frame: pd.DataFrame, tidy: pd.DataFrame) -> Section:
    """Return the figures of the model and of its baselines, one table a landmark."""
    words = [
        "Months not seen in training, each predicted by what was known when it began. An order that"
        " was never delivered counts as late once its promise has passed. Higher is better for"
        " ROC-AUC, PR-AUC and recall, lower for log loss, Brier and calibration error (ECE).",
        "Rule: the recent share late that the recipe names, for example of the lane. Logistic: a"
        " regression on static fields of the order. Base rate: the share late so far, for all.",
    ]
    tables = []
    for landmark in landmarks(tidy):
        rows = frame[frame["landmark"] == landmark]
        names = predictors(frame)
        cells = [
            [
                _NAMES.get(who, who),
                *(say(figure(tidy, landmark, who, m, month)) for _, m, month in _HEADLINE),
            ]
            for who in names
        ]
        delivered = rows[rows["delivered"] == 1] if "delivered" in rows else rows
        if len(delivered) < len(rows):
            of = score(delivered["late"], delivered["model"])
            cells.append(
                [
                    "model, if delivered", say(of.roc_auc), "", say(of.pr_auc),
                    say(of.log_loss), say(of.brier), say(of.ece), say(of.recall_at_10),
                ]
            )  # fmt: skip
        base = percent(float(rows["late"].mean()))
        caption = f"{landmark_title(landmark).capitalize()}: {len(rows):,} rows, {base} late"
        head = ["", *(title for title, _, _ in _HEADLINE)]
        tables.append(Table(caption, head, cells, strong=frozenset({names.index("model")})))
    return Section("figures", "Figures", "How good it is, against the baselines", words, (), tables)


def in_short(frame: pd.DataFrame, tidy: pd.DataFrame) -> list[tuple[str, str]]:
    """Return one sentence a landmark: what a tenth of the list finds, and loss against the best."""
    found = []
    for landmark, rows in by_landmark(frame):
        others = [who for who in predictors(frame) if who != "model"]
        if not others or not rows["late"].any():
            continue
        loss = {who: figure(tidy, landmark, who, "log_loss") for who in [*others, "model"]}
        best = min(others, key=lambda who: loss[who])
        recall = {who: recall_at(rows["late"], rows[who], _TENTH) for who in ("model", best)}
        found.append(
            (
                capital(landmark),
                f"the riskiest tenth holds {percent(recall['model'], 0)} of the late orders"
                f" ({_NAMES.get(best, best)}: {percent(recall[best], 0)}); log loss"
                f" {say(loss['model'])} against {say(loss[best])}.",
            )
        )
    return found


def ranking(frame: pd.DataFrame) -> Section:
    """Return precision and recall, and what people find who look at the riskiest orders."""
    figures = [_precision_recall(landmark, rows) for landmark, rows in by_landmark(frame)]
    tables = []
    for landmark, rows in by_landmark(frame):
        cells = [
            [
                _NAMES.get(who, who),
                *(percent(recall_at(rows["late"], rows[who], share)) for share in CAPACITIES),
            ]
            for who in predictors(frame)
        ]
        head = ["", *(f"top {100 * share:.0f} %" for share in CAPACITIES)]
        caption = f"{landmark_title(landmark).capitalize()}: share of the late orders found"
        tables.append(Table(caption, head, cells, strong=frozenset({0})))
    words = [
        "If people have time for only the riskiest orders of a list, this is the share of all late"
        " orders that they meet there; by chance it would be the share they look at."
    ]
    return Section("ranking", "Ranking", "What a list in this order finds", words, figures, tables)


def calibration(frame: pd.DataFrame) -> Section:
    """Return reliability diagrams with intervals, and the bins as tables."""
    figures, tables = [], []
    for landmark, rows in by_landmark(frame):
        bins = reliability(rows["late"], rows["model"])
        ends = [wilson(b.observed * b.n, b.n) for b in bins]
        top = max([b.predicted for b in bins] + [high for _, high in ends])
        x, y = Axis.share("predicted probability", min(top, 1)), Axis.share("", min(top, 1))
        points = [(b.predicted, b.observed) for b in bins]
        ece = score(rows["late"], rows["model"]).ece
        svg = chart(
            f"Reliability at {landmark_title(landmark)}: observed share late by predicted"
            f" probability, calibration error {ece:.3f}",
            x, y, [Series("model", points, intervals=ends, dots=True)],
            line=[(0, 0), (min(x.high, y.high),) * 2],
        )  # fmt: skip
        figures.append(Figure(capital(landmark), svg, f"ECE {say(ece)}; up: observed share late"))
        cells = [
            [percent(b.predicted), f"{b.n:,}", percent(b.observed), interval(*ends[i])]
            for i, b in enumerate(bins)
        ]
        head = ("predicted", "rows", "observed", "95 % interval")
        tables.append(Table(f"{capital(landmark)}: the bins", head, cells, folded=True))
    words = [
        "Ten bins with the same number of orders. Where the model says 20 %, 20 of 100 should be"
        " late: points on the thin line. Bars are 95 % Wilson intervals."
    ]
    return Section(
        "reliability", "Reliability", "Do the probabilities hold?", words, figures, tables
    )


def by_month(frame: pd.DataFrame, tidy: pd.DataFrame) -> Section:
    """Return observed and predicted lateness and losses by month."""
    figures, cells = [], []
    for landmark, rows in by_landmark(frame):
        span = months(tidy[tidy["landmark"] == landmark])
        values = {
            name: [figure(tidy, landmark, "model", name, month) for month in span]
            for name in ("n", "base_rate", "mean_p", "log_loss", "roc_auc", "ece")
        }
        constant = [figure(tidy, landmark, "constant", "log_loss", month) for month in span]
        top = max([*values["base_rate"], *values["mean_p"]])
        svg = chart(
            f"Observed and predicted share late by month at {landmark_title(landmark)}",
            Axis.names("", span), Axis.share("", top * 1.1),
            [Series("model", [(i + 0.5, p) for i, p in enumerate(values["mean_p"])], dots=True)],
            columns=values["base_rate"],
        )  # fmt: skip
        legend = (("column", "observed"), ("model", "predicted (mean)"))
        figures.append(Figure(capital(landmark), svg, f"{len(rows):,} rows", legend))
        cells += [
            [
                landmark_title(landmark), month, f"{values['n'][i]:,.0f}",
                percent(values["base_rate"][i]), percent(values["mean_p"][i]),
                say(values["roc_auc"][i]), say(values["log_loss"][i]), say(constant[i]),
                say(values["ece"][i]),
            ]
            for i, month in enumerate(span)
        ]  # fmt: skip
    head = (
        "",
        "month",
        "rows",
        "observed",
        "predicted",
        "ROC-AUC",
        "log loss",
        "base rate's",
        "ECE",
    )
    tables = [Table("By landmark and month", head, cells, words=2)]
    return Section("months", "Months", "Month by month", (), figures, tables)


def _precision_recall(landmark: str, rows: pd.DataFrame) -> Figure:
    drawn: list[Series] = []
    legend: list[tuple[str, str]] = []
    for who in reversed(predictors(rows)):
        if who != "constant" and rows[who].nunique() > 1:
            recall, precision = precision_recall(rows["late"], rows[who])
            area = score(rows["late"], rows[who]).pr_auc
            drawn.append(Series(who, list(zip(recall, precision, strict=True)), who))
            legend.insert(0, (who, f"{who} {say(area)}"))
    base = float(rows["late"].mean())
    svg = chart(
        f"Precision by recall at {landmark_title(landmark)}; " + ", ".join(n for _, n in legend),
        Axis.share("recall: share of late orders found"), Axis.share("precision"), drawn,
        line=[(0, base), (1, base)],
    )  # fmt: skip
    remark = f"up: precision, share late of those flagged; thin line: {percent(base)} late"
    return Figure(capital(landmark), svg, remark, legend)
