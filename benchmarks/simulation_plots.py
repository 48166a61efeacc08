"""Six pictures of the simulated distributor, for the sample's README."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.simulation import months, transit_ratio
from triage.simulation.calendar import DAY, NEVER
from triage.simulation.causes import NAMES
from triage.simulation.exceptions import GROUPS, occurrences
from triage.simulation.sample import Simulated
from triage.simulation.truth import blame

_BLUE, _GREY, _RED = "#2159c4", "#98a2b3", "#c0392b"


def draw(done: Simulated, path: Path) -> None:
    """Draw tails, times, lateness by month, transit, causes and exceptions into one PNG."""
    mpl.rcParams.update(
        {"font.size": 8, "axes.spines.top": False, "axes.spines.right": False, "axes.titlesize": 9}
    )
    figure = Figure(figsize=(11, 6), dpi=110, layout="constrained")
    axes = figure.subplots(2, 3)
    _tail(axes[0, 0], done)
    _lead(axes[0, 1], done)
    _months(axes[0, 2], done)
    _transit(axes[1, 0], done)
    _causes(axes[1, 1], done)
    _exceptions(axes[1, 2], done)
    figure.savefig(path, metadata={"Software": None})


def _tail(axis: Axes, done: Simulated) -> None:
    for values, label, colour in (
        (done.orders.value, "order value, USD", _BLUE),
        (done.orders.lines.astype(float), "lines of an order", _RED),
    ):
        ordered = np.sort(values[values > 0])[::-1]
        axis.loglog(ordered, np.arange(1, len(ordered) + 1) / len(ordered), colour, label=label)
    axis.set(title="Share of orders above a value (heavy tails)", ylim=(1e-5, 1.5))
    axis.legend(frameon=False)


def _lead(axis: Axes, done: Simulated) -> None:
    run, orders = done.run, done.orders
    there = run.delivered < NEVER
    days = (run.delivered - np.maximum(orders.created, orders.not_before))[there] / DAY
    axis.hist(np.minimum(days, 40), bins=80, color=_BLUE)
    axis.set(title="Days to deliver, orders", yscale="log")


def _months(axis: Axes, done: Simulated) -> None:
    run, orders = done.run, done.orders
    judged = (run.cancelled >= NEVER) & (orders.late_from <= done.world.calendar.days * DAY)
    month = months(done)
    numbers = np.unique(month[judged])
    late = run.delivered >= orders.late_from
    share = [100 * late[judged & (month == m)].mean() for m in numbers]
    names = [str(np.datetime64(int(m), "M"))[2:] for m in numbers]
    axis.bar(names, share, color=_BLUE)
    axis.axhline(100 * late[judged].mean(), color=_GREY)
    axis.tick_params(axis="x", rotation=60)
    axis.set(title="Late, percent, by month promised")


def _transit(axis: Axes, done: Simulated) -> None:
    ratio = transit_ratio(done)
    axis.hist(np.minimum(ratio, 4), bins=[0.125 + 0.25 * at for at in range(17)], color=_BLUE)
    axis.set(title="Transit days against nominal (4: and more)", yscale="log")


def _causes(axis: Axes, done: Simulated) -> None:
    causes = blame(done.world, done.shocks, done.orders, done.run, processes=2)
    shares = 100 * causes.shares()[:, causes.late > 0].mean(axis=1)
    names = [*NAMES, "promise"]
    by_size = np.argsort(shares)
    axis.barh([names[at] for at in by_size], shares[by_size], color=_BLUE)
    axis.set(title="What made late orders late, percent")


def _exceptions(axis: Axes, done: Simulated) -> None:
    found = occurrences(done.world, done.shocks, done.orders, done.run)
    ours = [100 * np.isin(found.kind, kinds).mean() for kinds in GROUPS.values()]
    at = np.arange(len(GROUPS))
    axis.bar(at - 0.2, ours, 0.4, color=_BLUE, label="here")
    axis.bar(at + 0.2, [45, 30, 15, 10], 0.4, color=_GREY, label="published")
    axis.set_xticks(at, list(GROUPS))
    axis.set(title="Exceptions by group, percent")
    axis.legend(frameon=False)
