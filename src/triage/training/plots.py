"""Pictures of a run, as PNG files: calibration, precision and recall, months, contributions."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from triage.training.metrics import landmarks, predictors, reliability, score
from triage.training.run import TrainingRun

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_STYLE: Any = {
    "font.size": 10,
    "axes.titlesize": 11,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e4e4e4",
    "grid.linewidth": 0.8,
    "legend.frameon": False,
    "lines.linewidth": 1.6,
}
_COLOURS = {"model": "#0b4f8a", "logistic": "#c4622d", "rule": "#5f8f4e", "constant": "#8a8a8a"}
_OTHER = "#7a5195"
_FAINT = "#c9d6e3"
_BESIDE = 4  # more months than that: one panel below the other
_DPI = 140
_TOP = 15
_LEAST = 25  # fewer flagged orders (or a fortieth of the rows) say little about precision


def draw(run: TrainingRun, folder: Path) -> tuple[Path, ...]:
    """Draw every picture of a run and return the files."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [
        drawing(run.predictions, landmark, folder)
        for landmark in landmarks(run.predictions)
        for drawing in (reliability_plot, precision_recall_plot)
    ]
    if paths:
        paths.append(month_plot(run.predictions, folder))
    for landmark, (features, contributions) in run.explained.items():
        if len(features):
            paths.append(contribution_plot(features, contributions, landmark, folder))
    return tuple(paths)


def reliability_plot(predictions: pd.DataFrame, landmark: str, folder: Path) -> Path:
    """Draw observed lateness against the model's probability, 10 bins of equal count."""
    rows = predictions[predictions["landmark"] == landmark]
    bins = reliability(rows["late"], rows["model"])
    predicted, observed = [b.predicted for b in bins], [b.observed for b in bins]
    error = [1.96 * (b.observed * (1 - b.observed) / b.n) ** 0.5 for b in bins]
    top = min(1.0, 1.12 * max([*predicted, *(o + e for o, e in zip(observed, error, strict=True))]))
    with _figure(folder / f"reliability_{landmark}.png", (5.4, 5.2)) as figure:
        axes = figure.subplots()
        axes.plot([0, 1], [0, 1], color="#8a8a8a", linewidth=1, label="perfect")
        axes.errorbar(
            predicted, observed, yerr=error, fmt="o-", color=_COLOURS["model"], markersize=5,
            elinewidth=1, capsize=2, label="model (bars: 95 % of chance)",
        )  # fmt: skip
        ece = score(rows["late"], rows["model"]).ece
        axes.set(
            title=f"Reliability at {landmark}: ECE {ece:.3f}",
            xlabel=f"predicted probability (10 bins, {_counts([b.n for b in bins])} orders each)",
            ylabel="observed share late", xlim=(0, top), ylim=(0, top),
        )  # fmt: skip
        axes.set_aspect("equal")
        axes.legend(loc="upper left")
    return folder / f"reliability_{landmark}.png"


def precision_recall_plot(predictions: pd.DataFrame, landmark: str, folder: Path) -> Path:
    """Draw precision against recall of every predictor, with the base rate."""
    rows = predictions[predictions["landmark"] == landmark]
    base = float(rows["late"].mean())
    with _figure(folder / f"precision_recall_{landmark}.png", (6.0, 4.4)) as figure:
        axes = figure.subplots()
        axes.axhline(
            base, color="#8a8a8a", linewidth=1, linestyle="--", label=f"base rate {base:.3f}"
        )
        for name in predictors(rows):
            if rows[name].nunique() == 1:
                continue
            recall, precision = _precision_recall(rows["late"], rows[name])
            area = score(rows["late"], rows[name]).pr_auc
            axes.plot(
                recall, precision, color=_COLOURS.get(name, _OTHER), label=f"{name} {area:.3f}",
                linewidth=2.2 if name == "model" else 1.3, zorder=3 if name == "model" else 2,
            )  # fmt: skip
        axes.set(
            title=f"Precision and recall at {landmark} (PR-AUC)", xlim=(0, 1), ylim=(0, 1),
            xlabel="recall: share of the late orders found",
            ylabel="precision: share late of those flagged",
        )  # fmt: skip
        axes.legend(loc="upper right")
    return folder / f"precision_recall_{landmark}.png"


def month_plot(predictions: pd.DataFrame, folder: Path) -> Path:
    """Draw observed and predicted lateness by month, one panel a landmark."""
    names = landmarks(predictions)
    months = sorted(predictions["month"].unique())
    means = predictions.groupby(["landmark", "month"])[["late", "model"]].mean()
    counts = predictions.groupby(["landmark", "month"])[["late"]].count()
    beside = len(months) <= _BESIDE
    size = (1.6 + 2.9 * len(names), 3.9) if beside else (0.8 * len(months), 0.9 + 2.3 * len(names))
    with _figure(folder / "months.png", size) as figure:
        grid = (1, len(names)) if beside else (len(names), 1)
        panels = figure.subplots(*grid, sharey=True, squeeze=False).ravel()
        for panel, landmark in zip(panels, names, strict=True):
            own = means.loc[landmark].reindex(months)
            at = np.arange(len(months))
            panel.bar(at, own["late"], width=0.6, color=_FAINT, label="observed")
            panel.plot(at, own["model"], "o-", color=_COLOURS["model"], label="predicted (mean)")
            rows = counts.loc[landmark].reindex(months, fill_value=0)["late"]
            _month_axis(panel, [f"{m}\nn {n:,}" for m, n in zip(months, rows, strict=True)])
            panel.set_title(landmark)
            panel.set_ylabel("share late" if panel is panels[0] or not beside else "")
        figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper right", ncols=2)
    return folder / "months.png"


def contribution_plot(
    features: pd.DataFrame, contributions: npt.NDArray[np.float64], landmark: str, folder: Path
) -> Path:
    """Draw the contributions of the 15 strongest features (SHAP summary), in log-days.

    Args:
        features: (n, k) feature rows; categories are coloured by their code.
        contributions: (n, k) contributions to the location of log(1 + days).
        landmark: where the rows were scored.
        folder: where the file goes.
    """
    names = [str(name) for name in features.columns]
    values = np.column_stack([_numbers(features[name]) for name in features.columns])
    path = folder / f"contributions_{landmark}.png"
    with _figure(path, (8.2, 1.6 + 0.36 * min(_TOP, len(names)))) as figure, _shap() as shap:
        axes = figure.subplots()
        explained = shap.Explanation(values=contributions, data=values, feature_names=names)
        shap.plots.beeswarm(
            explained, max_display=_TOP, ax=axes, show=False, plot_size=None, s=10,
            group_remaining_features=False, color_bar_label="feature value (grey: missing)",
        )  # fmt: skip
        axes.set_title(f"What moved the expected delivery at {landmark}")
        axes.set_xlabel("contribution in log-days (right: later)", fontsize=10)
        axes.tick_params(axis="both", labelsize=9)
        figure.axes[-1].yaxis.label.set_fontsize(9)
    return path


@contextmanager
def _figure(path: Path, size: tuple[float, float]) -> Iterator[Figure]:
    """Give a figure that no window and no other caller knows, and write it at the end."""
    import matplotlib as mpl  # noqa: PLC0415  heavy: only who draws pays for it
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=size, layout="constrained")
        FigureCanvasAgg(figure)
        yield figure
        figure.savefig(path, dpi=_DPI)


@contextmanager
def _shap() -> Iterator[Any]:
    """Give the shap package; what it warns about itself is not the caller's to mend."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import shap  # noqa: PLC0415  heavy: only who draws pays for it

        yield shap


def _month_axis(panel: Axes, labels: list[str]) -> None:
    panel.set_xticks(range(len(labels)), labels, fontsize=8)
    panel.grid(visible=False, axis="x")


def _precision_recall(late: pd.Series[int], p: pd.Series[float]) -> tuple[Any, Any]:
    """Return recall and precision by threshold, highest first, without the first few orders."""
    found = pd.DataFrame({"late": late, "n": 1}).groupby(p).sum().sort_index(ascending=False)
    flagged = found.cumsum()
    flagged = flagged[flagged["n"] >= min(_LEAST, len(late) // 40)]
    recall = flagged["late"] / max(int(late.sum()), 1)
    return recall.to_numpy(), (flagged["late"] / flagged["n"]).to_numpy()


def _numbers(column: pd.Series[Any]) -> npt.NDArray[np.float64]:
    if isinstance(column.dtype, pd.CategoricalDtype):
        return np.asarray(column.cat.codes, dtype=np.float64)
    return np.asarray(pd.to_numeric(column, errors="coerce"), dtype=np.float64)


def _counts(sizes: list[int]) -> str:
    low, high = min(sizes), max(sizes)
    return f"{low:,}" if low == high else f"{low:,}-{high:,}"
