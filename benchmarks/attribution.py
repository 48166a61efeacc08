"""Whether late orders are blamed on what made them late, against the simulator's exact truth.

    python -m benchmarks.attribution [--orders 20000] [--seed 7] [--at-least 0.6] [--since 2025-11]
                                     [--no-model] [--effects FILE]

The bar is a rule that knows records alone: the step that took longest beyond its usual time when
the promise passed. The model is fitted as of `--since` and asked about late orders of the months
after it; the rule is shown for all orders and for these. Another attribution comes in as a frame
(`--effects`, Parquet): order_id and one column of effects a cause, named as in
`attribution.CAUSES`.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from benchmarks.attribution_model import LAST_ROW, model_effects
from triage.simulation.attribution import Agreement, compare, true_shares
from triage.simulation.sample import SAMPLE_ORDERS, SAMPLE_SEED, write_simulation
from triage.simulation.step_rule import slowest_step
from triage.simulation.truth import blame

RULE = "slowest step"
ROAD = {"shock": "carrier"}
"""Slow on the road, by the carrier's fault or the weather's."""


def _progress(words: str) -> None:
    print(words, file=sys.stderr)


def run(
    orders: int, seed: int, at_least: float, attributions: Mapping[str, pd.DataFrame],
    since: str | None = None,
) -> dict[str, Agreement]:  # fmt: skip
    """Return the agreement of the rule, the model and other attributions with the truth.

    Args:
        orders: of the world.
        seed: of the world.
        at_least: share from which on a true cause is dominant.
        attributions: frames of effects by name.
        since: the first month that the model is asked about; None for no model.
    """
    with tempfile.TemporaryDirectory(prefix="triage-attribution-") as name:
        extract = Path(name) / "extract"
        done = write_simulation(extract, seed=seed, orders=orders, truth=False, progress=_progress)
        told = {RULE: slowest_step(done), **attributions}
        if since is not None:
            told |= model_effects(extract, Path(name) / "home", since, _progress)
            asked = told[RULE]["order_id"].isin(told[LAST_ROW]["order_id"])
            told[f"{RULE}, the orders of the model"] = told[RULE][asked]
    truth = true_shares(
        blame(
            done.world, done.shocks, done.orders, done.run, processes=2,
            progress=_progress,
        )
    )  # fmt: skip
    found = {}
    for name, effects in told.items():
        found[name] = compare(effects, truth, at_least=at_least)
        found[f"{name}, carrier and weather as one"] = compare(
            effects, truth, at_least=at_least, merge=ROAD
        )
    return found


def show(found: Mapping[str, Agreement]) -> None:
    """Print agreement, figures by cause and the table of confusions."""
    for name, one in found.items():
        print(
            f"\n{name}: main cause right for {one.agreement:.3f} of {one.dominant} late orders with"
            f" one dominant cause (of {one.late} late ones)"
        )
        print(one.by_cause.round(3).to_string())
        print("true (rows) against attributed (columns)")
        print(one.confusion.to_string())


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--orders", type=int, default=SAMPLE_ORDERS)
    parser.add_argument("--seed", type=int, default=SAMPLE_SEED)
    parser.add_argument("--at-least", type=float, default=0.6, help="share of a dominant cause")
    parser.add_argument("--since", default="2025-11", help="first month the model has not seen")
    parser.add_argument("--no-model", action="store_true", help="the rule alone")
    parser.add_argument("--effects", type=Path, help="Parquet of effects of this very world")
    options = parser.parse_args()
    more = {} if options.effects is None else {"effects": pd.read_parquet(options.effects)}
    since = None if options.no_model else options.since
    show(run(options.orders, options.seed, options.at_least, more, since))


if __name__ == "__main__":
    main()
