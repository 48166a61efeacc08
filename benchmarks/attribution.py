"""Whether late orders are blamed on what made them late, against the simulator's exact truth.

    python -m benchmarks.attribution [--orders 20000] [--seed 7] [--at-least 0.6] [--effects FILE]

The bar is a rule that knows records alone: the step that took longest beyond its usual time when
the promise passed. A model's attribution comes in as a frame (`--effects`, Parquet, or the argument
of `run`): order_id and one column of effects a cause, named as in `attribution.CAUSES`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from triage.simulation.attribution import Agreement, compare, true_shares
from triage.simulation.sample import SAMPLE_ORDERS, SAMPLE_SEED, simulate
from triage.simulation.step_rule import slowest_step
from triage.simulation.truth import blame

ROAD = {"shock": "carrier"}
"""Slow on the road, by the carrier's fault or the weather's."""


def run(
    orders: int, seed: int, at_least: float, attributions: Mapping[str, pd.DataFrame]
) -> dict[str, Agreement]:
    """Return the agreement of the rule and of other attributions with the truth.

    Args:
        orders: of the world.
        seed: of the world.
        at_least: share from which on a true cause is dominant.
        attributions: frames of effects by name. THE MODEL'S ATTRIBUTION IS PLUGGED IN HERE.
    """
    done = simulate(seed, orders)
    truth = true_shares(
        blame(
            done.world, done.shocks, done.orders, done.run, processes=2,
            progress=lambda words: print(words, file=sys.stderr),
        )
    )  # fmt: skip
    found = {}
    for name, effects in {"slowest step": slowest_step(done), **attributions}.items():
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
    parser.add_argument("--effects", type=Path, help="Parquet of effects of this very world")
    options = parser.parse_args()
    more = {} if options.effects is None else {"model": pd.read_parquet(options.effects)}
    show(run(options.orders, options.seed, options.at_least, more))


if __name__ == "__main__":
    main()
