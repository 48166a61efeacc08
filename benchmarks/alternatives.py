"""Recommended ways against the truth: were they possible, better than staying, and by how much?

    python -m benchmarks.alternatives [--home DIR] [--since 2025-11-01] [--each 1]

Trains on the sample as of the first day of the hold-out, asks the scorer for recommendations for
each order of the hold-out at the moment when it was validated, and looks up what the simulator says
would have come of the best one (`truth/alternatives`). Held orders are not asked about: the truth's
moment of choice is before their approval.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from triage.advice import policy
from triage.domain.clock import to_micros
from triage.errors import RequestError
from triage.history.importer import import_extract
from triage.history.log import Log
from triage.models.at_risk import NAME, AtRiskModel, bundle_files
from triage.models.bundle import write_bundle
from triage.serving.scorer import Scorer
from triage.training import recipe as recipes
from triage.training.train import fit_all, model_numbers, prepare

SAMPLE = Path(__file__).parents[1] / "data" / "samples"
_ACTIONS = {"other_site": "other_warehouse", "faster_service": "faster_service", "split": "split"}


def scorer_as_of(home: Path, since: str) -> Scorer:
    """Return a scorer on the whole log whose model saw only what was known before a day."""
    recipe, text = recipes.load(NAME)
    prepared = prepare(home, recipe, progress=print)
    moment = to_micros(pd.Timestamp(since, tz=prepared.time_zone).to_pydatetime())
    fitted = fit_all(prepared, moment, recipe, print)
    numbers = model_numbers(prepared, recipe, fitted, moment)
    trees = {landmark: model.trees for landmark, model in fitted.items()}
    files = bundle_files(numbers, prepared.features.declarations, text, trees)
    with tempfile.TemporaryDirectory() as folder:
        write_bundle(Path(folder) / "bundle", NAME, files)
        model = AtRiskModel.load(Path(folder) / "bundle")
    return Scorer(model, "hold-out", Log(home).read(), policy.load())


def recommended(scorer: Scorer, home: Path, since: str, each: int) -> pd.DataFrame:
    """Return the best recommendation that changes something, for orders validated since a day."""
    steps = Log(home).read().milestones
    steps = steps[steps["milestone"] == "order_validated"]
    first = to_micros(pd.Timestamp(since, tz=scorer.time_zone).to_pydatetime())
    rows: list[dict[str, Any]] = []
    asked = steps[steps["record_time"] >= first].iloc[::each]
    for order_id, moment in zip(asked["order_id"], asked["record_time"].tolist(), strict=True):
        try:
            said = scorer.score_id(str(order_id), moment)
        except RequestError:
            continue
        ways = [way for way in said.recommendations if way.action in _ACTIONS]
        best = ways[0] if ways else None
        rows.append(
            {
                "order_no": order_id, "p_late": said.p_late,
                "action": _ACTIONS[best.action] if best else None,
                "site": best.site if best else None,
                "p_other": best.p_late if best else np.nan,
                "unfamiliar": bool(best and best.support),
            }
        )  # fmt: skip
    return pd.DataFrame(rows)


def against_truth(said: pd.DataFrame) -> dict[str, float | str]:
    """Return how good the recommendations were, by the truth's alternatives of the same orders."""
    ways = pd.read_csv(SAMPLE / "truth" / "alternatives.csv.gz")
    ways["net"] = ways["saved"] - ways["extra_cost"]
    real = pd.read_csv(SAMPLE / "truth" / "orders.csv.gz").set_index("order_no")
    known = set(ways["order_no"])
    given = said[said["action"].notna() & said["order_no"].isin(known)].reset_index(drop=True)
    found = given.merge(ways, on=["order_no", "action"], how="left")
    right = (found["site"] == found["ship_from"]) | (found["action"] == "faster_service")
    found = found[right & found["delivered_at"].notna()].drop_duplicates("order_no")
    stayed = pd.to_datetime(real.loc[found["order_no"], "delivered_at"]).to_numpy()
    sooner = pd.to_datetime(found["delivered_at"]).to_numpy() < stayed
    late = real.loc[found["order_no"], "late"].to_numpy(bool)
    by_action = {
        f"{name}: given, possible, sooner": f"{(given['action'] == name).sum()}, "
        f"{(found['action'] == name).sum()}, {sooner[found['action'] == name].sum()}"
        for name in _ACTIONS.values()
    }
    best = ways.groupby("order_no")["net"].max().clip(lower=0.0)
    oracle = best.loc[found["order_no"]].to_numpy()
    return {
        "orders asked about": len(said),
        "recommendations": len(given),
        "of them possible in truth": len(found) / max(len(given), 1),
        "for orders that were late": float(late.mean()),
        "arrives sooner than by staying": float(sooner.mean()),
        "of the late ones, arrives sooner": float(sooner[late].mean()),
        "of the late ones, arrives in time": float((found["late"].to_numpy() == 0)[late].mean()),
        "in time by staying, late this way": float((found["late"].to_numpy() == 1)[~late].mean()),
        "saves more than it costs": float((found["net"] > 0).mean()),
        "USD saved net, all of them": float(found["net"].sum()),
        "USD saved before cost": float(found["saved"].sum()),
        "USD saved net by an oracle for the same orders": float(oracle.sum()),
        "mean chance of lateness told, staying": float(found["p_late"].mean()),
        "mean chance of lateness told, this way": float(found["p_other"].mean()),
        "share late in truth, this way": float((found["late"] == 1).mean()),
        **by_action,
    }


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--home", type=Path, help="a home into which the sample was imported")
    parser.add_argument("--since", default="2025-11-01")
    parser.add_argument("--each", type=int, default=1, help="ask about every so many-th order")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = options.home or Path(folder)
        if options.home is None:
            import_extract("sample", SAMPLE, home)
        scorer = scorer_as_of(home, options.since)
        said = recommended(scorer, home, options.since, options.each)
    for name, value in against_truth(said).items():
        digits = 3 if not isinstance(value, str) and value < 10 else 0
        told = value if isinstance(value, str) else f"{value:,.{digits}f}"
        print(f"{name:<50}{told:>12}")


if __name__ == "__main__":
    main()
