"""How near the model comes to the best anybody could do, stage by stage, on a simulated world.

    python -m benchmarks.ceiling [--orders 20000] [--seed 7] [--futures 16] [--every 1]
                                 [--no-model] [--json FILE] [--frame FILE]

The ceiling is P(late | all that had happened) by Monte Carlo over futures that share the past (see
`triage.simulation.ceiling`): it knows the state of every queue and shelf, so a model that reads
records stays below it. The model is refitted monthly on the extract of the same world (`triage
backtest`) and compared on the same orders at the same moments. Months: the last two whole ones that
are mature. Intervals are 90 % percentile bootstrap over orders.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from triage.history.importer import import_extract
from triage.simulation.calendar import DAY, START
from triage.simulation.ceiling import STAGES, Ceiling, ceiling
from triage.simulation.ceiling_figures import figures, judged, share_of_lift
from triage.simulation.columns import order_no
from triage.simulation.sample import SAMPLE_ORDERS, SAMPLE_SEED, Simulated, write_simulation
from triage.training import recipe as recipes
from triage.training.backtest import evaluation_months
from triage.training.metrics import score
from triage.training.prepared import prepare
from triage.training.train import evaluate_months

Progress = Callable[[str], None]
RESAMPLES = 200


def world(
    orders: int, seed: int, progress: Progress, model: bool
) -> tuple[Simulated, pd.DataFrame]:
    """Simulate, and let the model predict the last two mature months of the extract.

    Returns:
        The world, and the prediction frame (see `triage.training.backtest`); empty without a model.
    """
    with tempfile.TemporaryDirectory(prefix="triage-ceiling-") as name:
        extract, home = Path(name) / "extract", Path(name) / "home"
        done = write_simulation(extract, seed=seed, orders=orders, truth=False, progress=progress)
        if not model:
            return done, pd.DataFrame(columns=["order_id", "landmark", "late", "model"])
        import_extract("sample", extract, home, progress=progress)
        recipe, _ = recipes.load("at_risk", None)
        prepared = prepare(home, recipe, progress=progress)
        months = evaluation_months(
            prepared.data[0].rows, prepared.known_until, prepared.time_zone, recipe.evaluation
        )
        return done, evaluate_months(prepared, recipe, months, progress)


def test_days(done: Simulated, every: int) -> list[int]:
    """Return every so many days of the last two months whose promises have passed."""
    usual = int(np.median(done.orders.promised - done.orders.created // DAY)) + 1
    after = (START + done.world.calendar.days - usual).astype("datetime64[M]")
    first, last = (
        int((month.astype("datetime64[D]") - START) // np.timedelta64(1, "D"))
        for month in (after - 2, after)
    )
    return list(range(first, last, every))


def row(
    done: Simulated, found: Ceiling, frame: pd.DataFrame, loose: Ceiling | None
) -> dict[str, Any]:
    """Return the figures of one stage."""
    ids = np.array(order_no(found.order).to_pylist(), dtype=object)
    late = done.run.delivered[found.order] >= done.orders.late_from[found.order]
    chosen = judged(done, found)
    own = frame[frame["landmark"] == found.stage].set_index("order_id")
    told: dict[str, Any] = {}
    if len(own):
        chosen &= np.isin(ids, own.index.to_numpy())
    best = figures(found, late, chosen)
    if loose is not None:
        told["pr_auc_known_shocks"] = figures(
            loose, late, chosen & ~np.isnan(loose.halves).any(axis=0)
        ).pr_auc
    if len(own):
        mine = own.loc[ids[chosen]]
        told |= _against(found, late, chosen, mine["model"].to_numpy(), best.pr_auc)
        told["same outcomes"] = float((mine["late"].to_numpy() == late[chosen]).mean())
    return {"stage": found.stage, **asdict(best), **told}


def _against(
    found: Ceiling, late: np.ndarray, chosen: np.ndarray, model: np.ndarray, best: float
) -> dict[str, Any]:
    """Return the model's figures beside the ceiling's, with an interval of the share."""
    outcome, p = late[chosen].astype(np.int64), found.p[chosen]
    mine = score(outcome, model)
    gap = best - score(outcome, p).pr_auc
    rng, shares = np.random.default_rng(0), []
    for _ in range(RESAMPLES):
        at = rng.integers(0, len(outcome), len(outcome))
        top = score(outcome[at], p[at]).pr_auc + gap
        base = float(outcome[at].mean())
        shares.append(share_of_lift(base, score(outcome[at], model[at]).pr_auc, top))
    low, high = np.nanpercentile(shares, [5, 95])
    return {
        "model_pr_auc": mine.pr_auc,
        "model_roc_auc": mine.roc_auc,
        "share": share_of_lift(mine.base_rate, mine.pr_auc, best),
        "share_low": float(low),
        "share_high": float(high),
    }


def run(
    orders: int, seed: int, futures: int, every: int, *, model: bool = True,
    frame: pd.DataFrame | None = None, progress: Progress = lambda _: None,
) -> list[dict[str, Any]]:  # fmt: skip
    """Return the figures of every stage.

    Args:
        orders: of the world.
        seed: of the world.
        futures: how many futures of each day.
        every: 1 for all days of the two months, 2 for every other one, and so on.
        model: whether the model is fitted and compared.
        frame: its predictions, if there are some already.
        progress: told what is being done.
    """
    done, predicted = world(orders, seed, progress, model and frame is None)
    predicted = predicted if frame is None else frame
    days, rows = test_days(done, every), []
    for stage in STAGES:
        started = time.monotonic()
        found = ceiling(done, stage, days, futures, processes=2, progress=progress)
        seconds = round(time.monotonic() - started, 1)
        loose = None
        if stage == STAGES[0]:
            loose = ceiling(
                done, stage, days, futures, known_shocks=True, processes=2, progress=progress
            )
        rows.append(row(done, found, predicted, loose) | {"seconds": seconds})
    return rows


def show(rows: list[dict[str, Any]]) -> None:
    """Print a table, one line a stage."""
    head = f"{'stage':<22}{'orders':>7}{'base':>7}{'ceiling':>9}{'(K)':>7}{'(K/2)':>7}{'ROC':>7}"
    print(f"{head}{'shocks known':>14}{'model':>8}{'ROC':>7}{'share of lift':>22}{'seconds':>9}")
    for one in rows:
        loose, model = one.get("pr_auc_known_shocks"), one.get("model_pr_auc")
        line = f"{one['stage']:<22}{one['orders']:>7}{one['base_rate']:>7.3f}{one['pr_auc']:>9.3f}"
        line += f"{one['pr_auc_full']:>7.3f}{one['pr_auc_half']:>7.3f}{one['roc_auc']:>7.3f}"
        line += f"{loose:>14.3f}" if loose is not None else f"{'':>14}"
        if model is None:
            line += f"{'-':>8}{'-':>7}{'-':>22}"
        else:
            span = f"{one['share']:.2f} ({one['share_low']:.2f} to {one['share_high']:.2f})"
            line += f"{model:>8.3f}{one['model_roc_auc']:>7.3f}{span:>22}"
        print(f"{line}{one['seconds']:>9.0f}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--orders", type=int, default=SAMPLE_ORDERS)
    parser.add_argument("--seed", type=int, default=SAMPLE_SEED)
    parser.add_argument("--futures", type=int, default=16, help="futures of each day")
    parser.add_argument("--every", type=int, default=1, help="every so many days")
    parser.add_argument("--no-model", action="store_true", help="the ceiling alone")
    parser.add_argument("--frame", type=Path, help="Parquet of predictions of this very world")
    parser.add_argument("--json", type=Path, help="write the figures here")
    options = parser.parse_args()
    frame = None if options.frame is None else pd.read_parquet(options.frame)
    rows = run(
        options.orders, options.seed, options.futures, options.every,
        model=not options.no_model, frame=frame, progress=lambda w: print(w, file=sys.stderr),
    )  # fmt: skip
    show(rows)
    if options.json is not None:
        options.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
