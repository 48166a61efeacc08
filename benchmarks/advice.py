"""What the advice is worth, with its baselines: one command, one table.

    python -m benchmarks.advice [--exceptions 180000] [--prices 60000] [--only PART] [--home DIR]
                                [--ways-seeds 331 337 347 349] [--value-seeds 211 223] [--json FILE]

Four simulated hold-outs, each part by its own module, which says how: what an exception is
(`exception_model`), wrong prices (`prices`), other ways for orders at risk (`alternatives`) and the
order of the list (`value`). A line says what was asked, what came, and what the usual way to do it
reaches on the same orders. The whole takes an hour and more; lines are printed as they come.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import alternatives, exception_model, prices, value
from triage.simulation.policies import Staff

PARTS = ("exceptions", "prices", "ways", "list")
UNSEEN = ("wms", "third_party")
SEED = 7


@dataclass(frozen=True, slots=True)
class Line:
    """One figure.

    Attributes:
        part: which of the four.
        figure: what is measured, in words.
        asked: what is meant; empty where only the figure is.
        came: ours.
        beside: baselines, by name.
    """

    part: str
    figure: str
    asked: str
    came: str
    beside: dict[str, str]


def of_exceptions(orders: int, home: Path) -> Iterator[Line]:
    """Yield how well exceptions are told apart."""
    measured = exception_model.measure(SEED, orders, home, UNSEEN)
    found, part = measured["figures"], "exceptions"
    right = 1 - found["error"]
    yield Line(
        part, f"macro-F1, {found['rows']:,} exceptions", ">= .88", f"{found['macro_f1']:.3f}",
        {"code lookup": f"{found['lookup_macro_f1']:.3f}"},
    )  # fmt: skip
    yield Line(
        part, "accuracy", "", f"{found['accuracy']:.3f}",
        {"code lookup": f"{found['lookup_accuracy']:.3f}"},
    )  # fmt: skip
    yield Line(part, "abstains", "<= 15 %", f"{1 - found['answered']:.1%}", {})
    yield Line(
        part, "right where it answers", ">= .95", f"{right:.3f}",
        {"surest 85 %": f"{found['accuracy_at_85']:.3f}"},
    )  # fmt: skip
    yield Line(
        part, "wrong where it answers", "as stated, within 1 point", f"{found['error']:.1%}",
        {"stated": f"{found['stated_error']:.1%}"},
    )  # fmt: skip
    for source, each in measured["unseen"].items():
        yield Line(
            part, f"right, {source} never seen ({each['rows']:,})", "", f"{each['with_words']:.3f}",
            {"code lookup": f"{each['lookup']:.3f}", "order alone": f"{each['without_words']:.3f}",
             "abstains": f"{each['abstained']:.0%}"},
        )  # fmt: skip


def of_prices(orders: int, home: Path) -> Iterator[Line]:
    """Yield how well wrong prices are found."""
    world, part = prices.load(SEED, orders, home), "prices"
    for name, own in (
        ("", world), (", 4 of 1,000 wrong", world.with_rare_errors()),
        (", list prices only", world.without_agreements()),
    ):  # fmt: skip
        found = prices.evaluate(own)
        rows = found["rows"]
        others = [each for each in rows if not each.startswith("model")]
        for figure, asked in (("precision", ">= .8"), ("recall", ">= .7")):
            beside = {each: f"{rows[each][figure]:.2f}" for each in others}
            yield Line(part, figure + name, asked, f"{rows['model'][figure]:.2f}", beside)
        asked = "<= .5 %" if "1,000" in name else ""
        yield Line(
            part, "lines flagged" + name, asked, f"{rows['model']['flagged']:.2%}",
            {"lines wrong": f"{found['wrong']:.2%}"},
        )  # fmt: skip
        yield Line(
            part, "promotions flagged" + name, "0", f"{rows['model']['promotion']:.2%}",
            {each: f"{rows[each]['promotion']:.2%}" for each in others},
        )  # fmt: skip


def of_ways(seeds: Sequence[int], home: Path) -> Iterator[Line]:
    """Yield what other ways are worth against staying."""
    every = alternatives.measure(seeds, 20_000, 0, home)
    ours = [each for each in every if each.source == "ours"]
    rules = [each for each in every if each.source != "ours"]
    part, rows = "other ways", (ours, rules)

    def pair(said: Callable[[list[alternatives.Judged]], str]) -> tuple[str, dict[str, str]]:
        own, book = (said(each) for each in rows)
        return own, {"rule book": book}

    def better(own: list[alternatives.Judged]) -> str:
        hits = sum(each.net > 0 for each in own)
        low, high = alternatives.wilson(hits, len(own))
        return f"{hits / max(len(own), 1):.0%} ({low:.0%} to {high:.0%})"

    def missed(own: list[alternatives.Judged]) -> str:
        net, best = np.array([e.net for e in own]), np.array([e.best for e in own])
        share, low, high = alternatives.regret(net, best)
        return f"{share:.0%} ({low:.0%} to {high:.0%})"

    yield Line(part, f"given, seeds {' '.join(map(str, seeds))}", "", *pair(lambda e: f"{len(e)}"))
    yield Line(
        part, "infeasible", "0", *pair(lambda own: f"{sum(not each.possible for each in own)}")
    )
    yield Line(part, "better than staying, cost counted", ">= 80 %", *pair(better))
    yield Line(part, "regret against the oracle", "<= 25 %", *pair(missed))


def of_value(seeds: Sequence[int]) -> Iterator[Line]:
    """Yield what the order of the list is worth."""
    found = value.measure(seeds, 20_000, Staff(people=1.0, minutes=60.0), value.ADOPTIONS)
    part = "list"
    for adoption in (f"{each:g}" for each in sorted(value.ADOPTIONS, reverse=True)):
        rules = found[value.RULES][adoption]["lost"]
        for at, figure in ((0, "penalty-weighted late orders"), (1, "cost of lateness")):
            said = {}
            for name, rows in found.items():
                if adoption in rows:
                    share, low, high = value.against(rows[adoption]["lost"][at], rules[at])
                    said[name] = f"{share:+.0%} ({low:+.0%} to {high:+.0%})"
            asked = "<= -30 %" if (adoption, at) == ("1", 0) else ""
            del said[value.RULES]
            ours = said.pop("ours")
            yield Line(part, f"{figure}, {float(adoption):.0%} adopt", asked, ours, said)


def show(line: Line) -> None:
    """Print one line."""
    beside = "; ".join(f"{name} {figure}" for name, figure in line.beside.items())
    print(
        f"{line.part:<11} {line.figure:<46} {line.asked:<26} {line.came:<22} {beside}", flush=True
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--exceptions", type=int, default=180_000, help="orders of that part")
    parser.add_argument("--prices", type=int, default=60_000, help="orders of that part")
    parser.add_argument("--ways-seeds", type=int, nargs="+", default=[331, 337, 347, 349])
    parser.add_argument("--value-seeds", type=int, nargs="+", default=[211, 223])
    parser.add_argument("--home", type=Path, help="keeps worlds, logs and models for the next time")
    parser.add_argument("--json", type=Path, help="writes the lines")
    parser.add_argument("--only", choices=PARTS, action="append")
    asked = parser.parse_args()
    lines: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="triage-advice-") as scratch:
        home = asked.home or Path(scratch)
        parts: dict[str, Callable[[], Iterator[Line]]] = {
            "exceptions": lambda: of_exceptions(asked.exceptions, home / "exceptions"),
            "prices": lambda: of_prices(asked.prices, home / "prices"),
            "ways": lambda: of_ways(asked.ways_seeds, home / "ways"),
            "list": lambda: of_value(asked.value_seeds),
        }
        print(f"{'part':<11} {'figure':<46} {'asked':<26} {'ours':<22} beside it")
        for name in asked.only or parts:
            (home / name).mkdir(parents=True, exist_ok=True)
            for line in parts[name]():
                show(line)
                lines.append(asdict(line))
    if asked.json:
        asked.json.write_text(json.dumps(lines, indent=1))


if __name__ == "__main__":
    main()
