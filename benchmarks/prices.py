"""How well wrong prices are found: simulated months that were not seen, baselines beside it.

    python -m benchmarks.prices [--orders 60000] [--seeds 7 1] [--homes DIR] [--json]

Learns from lines recorded before 2026-01-01, without labels, and judges those of January and
February. The simulator makes about 18 lines in 1,000 wrong, so 0.5 % flagged can hold at most a
quarter of them; a second world leaves out wrong lines at random until 4 in 1,000 are wrong.
Baselines get the best threshold that labels could give them: as many lines flagged as by the model.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.ensemble import IsolationForest

from triage.history.importer import import_extract
from triage.history.log import Log
from triage.models.price_lines import PriceLines, price_lines
from triage.models.priced_line import PricedLine
from triage.models.prices import PriceModel
from triage.simulation.sample import write_simulation
from triage.training.price_recipe import load_recipe
from triage.training.price_train import fit_prices

CUT = pd.Timestamp("2026-01-01", tz="UTC").value // 1000
RARE = 0.004
BUDGET = 0.005
_NAMED = {
    "wrong_unit": "unit", "decimal_slip": "decimal", "stale_contract": "stale_contract",
    "currency": "currency",
}  # fmt: skip
_RIGHT = ("usual", "promotion", "clearance", "concession", "price_match", "small_quantity",
          "sample")  # fmt: skip
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class World:
    """Lines of a simulated distributor with the truth about each."""

    lines: PriceLines
    error: npt.NDArray[np.str_]
    basis: npt.NDArray[np.str_]

    def take(self, kept: npt.NDArray[np.bool_]) -> World:
        """Return some of the lines."""
        rows = np.flatnonzero(kept).tolist()
        own = self.lines
        part = PriceLines(
            [own.lines[at] for at in rows], own.known[kept], [own.order_id[at] for at in rows],
            [own.line_no[at] for at in rows],
        )  # fmt: skip
        return World(part, self.error[kept], self.basis[kept])

    def with_rare_errors(self) -> World:
        """Leave out wrong lines at random until `RARE` of all are wrong."""
        wrong = self.error != "none"
        chance = RARE * (~wrong).sum() / ((1 - RARE) * wrong.sum())
        return self.take(~wrong | (np.random.default_rng(0).random(len(wrong)) < chance))

    def with_unknown_contracts(self) -> World:
        """Leave out the contract of every fifth customer, as where some are only on paper."""
        customers = sorted({line.customer or "" for line in self.lines.lines})
        on_paper = set(customers[::5])
        partly = [
            replace(line, contract_price=None, former_contract_price=None)
            if line.customer in on_paper
            else line
            for line in self.lines.lines
        ]
        return replace(self, lines=replace(self.lines, lines=partly))

    def without_agreements(self) -> World:
        """Leave out contracts, promotions and breaks, as for a company that maps none of them."""
        bare = [
            replace(
                line, contract_price=None, former_contract_price=None, promotion_price=None,
                volume_price=None,
            )
            for line in self.lines.lines
        ]  # fmt: skip
        return replace(self, lines=replace(self.lines, lines=bare))


def load(seed: int, orders: int, folder: Path) -> World:
    """Simulate a world and import it, or take it from `folder` if it is there already."""
    home, extract = folder / f"home{seed}", folder / f"sim{seed}"
    if not (extract / "truth" / "prices.parquet").is_file():
        write_simulation(
            extract, seed=seed, orders=orders, days=420, form="parquet", truth=False, processes=1
        )
    if not (home / "history").is_dir():
        import_extract("sample", extract, home)
    lines = price_lines(Log(home).read())
    truth = pd.read_parquet(extract / "truth" / "prices.parquet")
    known = {
        (order, line): (error, basis)
        for order, line, error, basis in zip(
            truth["order_no"].astype(str), truth["line_no"], truth["error"].astype(str),
            truth["basis"].astype(str), strict=True,
        )
    }  # fmt: skip
    keys = zip(lines.order_id, lines.line_no, strict=True)
    found = [known.get(key, ("none", "usual")) for key in keys]
    return World(lines, np.array([e for e, _ in found]), np.array([b for _, b in found]))


def evaluate(world: World) -> dict[str, Any]:
    """Learn before the cut, judge after it; return figures of the model and of the baselines."""
    recipe, _ = load_recipe()
    model = PriceModel(fit_prices(world.lines, recipe, CUT).kept)
    later = world.lines.known >= CUT
    seen, unseen = world.take(~later), world.take(later)
    verdicts = [model.judge(line) for line in unseen.lines.lines]
    p = np.array([0.0 if v is None else v.p_error for v in verdicts])
    flagged = np.array([v is not None and v.anomalous for v in verdicts])
    kinds = np.array([v.kind or "" if v else "" for v in verdicts])
    wrong = unseen.error != "none"
    rows = {"model": _row(flagged, unseen)}
    rows["model, at most 0.5 % flagged"] = _row(_top(p, flagged, round(BUDGET * len(p))), unseen)
    for name, score in _baselines(seen.lines.lines, unseen.lines.lines).items():
        rows[name] = _row(_top(score, score > -np.inf, int(flagged.sum())), unseen)
    return {
        "lines": len(p),
        "wrong": float(wrong.mean()),
        "threshold": model.numbers.threshold,
        "expected_precision": float(p[flagged].mean()) if flagged.any() else float("nan"),
        "rows": rows,
        "kinds": {
            kind: {
                "lines": int((own := unseen.error == kind).sum()),
                "found": _share(flagged[own]),
                "named": _share(kinds[own & flagged] == _NAMED[kind]),
            }
            for kind in _NAMED
        },
    }


def _top(score: Floats, allowed: npt.NDArray[np.bool_], most: int) -> npt.NDArray[np.bool_]:
    """Return the `most` allowed lines of the highest score."""
    chosen = np.zeros(len(score), dtype=np.bool_)
    chosen[np.argsort(-np.where(allowed, score, -np.inf), kind="stable")[:most]] = True
    return chosen & allowed


def _share(hits: npt.NDArray[np.bool_]) -> float:
    return float(hits.mean()) if len(hits) else float("nan")


def _row(flagged: npt.NDArray[np.bool_], world: World) -> dict[str, float]:
    wrong = world.error != "none"
    figures = {
        "precision": _share(wrong[flagged]),
        "recall": _share(flagged[wrong]),
        "flagged": float(flagged.mean()),
    }
    for basis in _RIGHT:
        own = ~wrong & (world.basis == basis)
        figures[basis] = _share(flagged[own])
    return figures


def _baselines(seen: Sequence[PricedLine], unseen: Sequence[PricedLine]) -> dict[str, Floats]:
    """Return an anomaly score of each unseen line, by baseline."""
    before, after = _frame(seen), _frame(unseen)
    usual = before.groupby("sku")["log_price"].agg(["mean", "std"])
    z = (after["log_price"] - after["sku"].map(usual["mean"])) / after["sku"].map(
        usual["std"]
    ).clip(lower=0.01)
    ratio = after["to_list"] - before["to_list"].median()
    columns = ["to_list", "to_breaks", "to_contract", "to_promotion", "log_quantity", "log_list"]
    forest = IsolationForest(n_estimators=200, random_state=0).fit(before[columns].fillna(0.0))
    return {
        "z-score of the item": z.abs().fillna(0.0).to_numpy(),
        "ratio to list": ratio.abs().fillna(0.0).to_numpy(),
        "isolation forest": -forest.score_samples(after[columns].fillna(0.0)),
    }


def _frame(lines: Sequence[PricedLine]) -> pd.DataFrame:
    frame = pd.DataFrame(lines)
    numbers = frame.select_dtypes("number").columns
    frame[numbers] = frame[numbers].astype(float)
    log = np.log(frame["price"].clip(lower=0.005))
    return pd.DataFrame(
        {
            "sku": frame["sku"],
            "log_price": log,
            "to_list": log - np.log(frame["list_price"].astype(float)),
            "to_breaks": log - np.log(frame["volume_price"].astype(float)),
            "to_contract": log - np.log(frame["contract_price"].astype(float)),
            "to_promotion": log - np.log(frame["promotion_price"].astype(float)),
            "log_quantity": np.log(frame["quantity"]),
            "log_list": np.log(frame["list_price"].astype(float)),
        }
    )


def show(title: str, found: dict[str, Any]) -> None:
    """Print the table of one world."""
    print(f"\n{title}: {found['lines']:,} lines of 2026-01 and 2026-02, {found['wrong']:.2%} wrong;"
          f" threshold {found['threshold']:.2f}, precision that the model expects"
          f" {found['expected_precision']:.3f}")  # fmt: skip
    names = ["precision", "recall", "flagged", *_RIGHT]
    print(f"{'':30}" + "".join(f"{name:>15}" for name in names) + "   (shares; right ones flagged)")
    for name, row in found["rows"].items():
        cells = "".join(f"{row[key]:15.4f}" for key in names)
        print(f"{name:30}{cells}")
    for kind, row in found["kinds"].items():
        print(f"  {kind:16} {row['lines']:4} lines, found {row['found']:.3f},"
              f" of these named rightly {row['named']:.3f}")  # fmt: skip


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=60_000)
    parser.add_argument("--seeds", type=int, nargs="+", default=[7, 1])
    parser.add_argument("--homes", type=Path, help="keep simulations and logs here")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    found = {}
    with tempfile.TemporaryDirectory(prefix="triage-prices-") as scratch:
        for seed in asked.seeds:
            world = load(seed, asked.orders, asked.homes or Path(scratch))
            found[f"seed {seed}"] = evaluate(world)
            found[f"seed {seed}, errors rare"] = evaluate(world.with_rare_errors())
            found[f"seed {seed}, a fifth of contracts on paper"] = evaluate(
                world.with_unknown_contracts()
            )
            found[f"seed {seed}, list prices only"] = evaluate(world.without_agreements())
    if asked.json:
        print(json.dumps(found, indent=1))
        return
    for title, figures in found.items():
        show(title, figures)


if __name__ == "__main__":
    main()
