"""The model of exceptions as it is trained and served, on months after everything it learnt from.

    python -m benchmarks.exceptions --model [--orders 180000] [--home DIR] [--unseen erp,tms]

A simulated year goes through extract, import and `triage train`'s own fit on what people had said
before day 300; later exceptions are judged by their true class, closed or not. A code lookup stands
beside it. For each source of `--unseen` another fit is made that never saw a message of it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from triage.domain.clock import MICROS_PER_DAY
from triage.history.importer import import_extract
from triage.history.log import Log
from triage.models.exceptions import ExceptionModel
from triage.models.exceptions_context import LogContext
from triage.simulation.sample import TRUTH, write_simulation
from triage.training.exception_figures import judge, lookup
from triage.training.exception_fit import fit_exceptions
from triage.training.exception_next import fit_next
from triage.training.exception_recipe import ExceptionRecipe, load_recipe
from triage.training.exception_rows import ExceptionRows, Ints, exception_rows

CUT_DAY = 300
_FORETOLD_DAYS = 60
_MONTH = 30 * MICROS_PER_DAY
_TRUTH_FILE = "exceptions.parquet"


def measure(seed: int, orders: int, home: Path | None, unseen: Sequence[str]) -> dict[str, Any]:
    """Return the figures of one simulated distributor.

    Args:
        seed: which one.
        orders: how many orders.
        home: where extract and log are kept for the next time; None keeps nothing.
        unseen: sources of which one fit each has never seen a message.
    """
    if home is None:
        with tempfile.TemporaryDirectory(prefix="triage-exceptions-") as folder:
            return measure(seed, orders, Path(folder), unseen)
    rows, context, zone = _rows(seed, orders, home)
    recipe, text = load_recipe()
    cut = int(rows.moment.min()) + CUT_DAY * MICROS_PER_DAY
    taught, judged = rows.known_before(cut), np.flatnonzero(rows.moment >= cut)
    fit = fit_exceptions(rows, cut, recipe, text, zone)
    found = judge(fit.model, rows, taught, judged)
    classes = fit.model.numbers.classes
    _, foretold = fit_next(context, rows, classes, recipe.next, cut, _FORETOLD_DAYS)
    return {
        "taught": len(taught),
        "figures": asdict(found),
        "next": asdict(foretold) | {"days": recipe.next.days},
        "by_month": _by_month(fit.model, rows, judged, cut),
        "unseen": {
            source: _unseen(rows, source, cut, recipe, zone)
            for source in unseen
        },
    }  # fmt: skip


def show(measured: dict[str, Any]) -> None:
    """Print the tables."""
    found = measured["figures"]
    print(f"{measured['taught']:,} closed exceptions to learn from, {found['rows']:,} later ones")
    print(f"{'':34s}{'accuracy':>9s}{'macro-F1':>10s}")
    for name, prefix in (("code lookup (source, code)", "lookup_"), ("the model", "")):
        print(f"{name:34s}{found[prefix + 'accuracy']:9.3f}{found[prefix + 'macro_f1']:10.3f}")
    print(f"right on the surest 85 %: {found['accuracy_at_85']:.3f}")
    print(
        f"it abstains on {1 - found['answered']:.1%}; of the others {found['error']:.1%} are wrong"
        f" (stated {found['stated_error']:.1%}), {1 - found['error']:.3f} right"
    )
    print(f"calibration error {found['ece']:.3f}; {found['milliseconds']:.2f} ms with its reasons")
    for month in measured["by_month"]:
        print(
            f"  days {month['from_day']}-{month['from_day'] + 29}: {month['rows']:,} exceptions,"
            f" {month['abstained']:.1%} abstained, {month['error']:.1%} of the others wrong"
        )
    ahead = measured["next"]
    print(
        f"next exception in {ahead['days']} days, {ahead['rows']:,} open orders of the"
        f" {_FORETOLD_DAYS} days before day {CUT_DAY}: log loss {ahead['log_loss']:.4f} (shares of"
        f" classes {ahead['base_log_loss']:.4f}); among the three likeliest {ahead['top3']:.3f}"
        f" ({ahead['base_top3']:.3f}); any {ahead['stated']:.2%} stated, {ahead['share']:.2%} came"
    )
    for source, each in measured["unseen"].items():
        print(
            f"never seen: {source} ({each['rows']:,} messages): lookup {each['lookup']:.3f},"
            f" order alone {each['without_words']:.3f}, with its words"
            f" {each['with_words']:.3f}; it abstains on {each['abstained']:.0%}"
        )


def _rows(seed: int, orders: int, home: Path) -> tuple[ExceptionRows, LogContext, str]:
    extract = home / "extract"
    if not (extract / TRUTH / _TRUTH_FILE).is_file():
        write_simulation(extract, seed=seed, orders=orders, truth=False)
        import_extract("sample", extract, home)
    truth = pd.read_parquet(extract / TRUTH / _TRUTH_FILE)
    classes = truth["exception_class"].astype(str)
    history = Log(home).read()
    zone = history.sources[0].time_zone
    by_id = dict(zip(truth["exc_no"], classes, strict=True))
    context = LogContext(history, zone)
    return exception_rows(history, context, by_id), context, zone


def _by_month(
    model: ExceptionModel, rows: ExceptionRows, judged: Ints, cut: int
) -> list[dict[str, Any]]:
    found = []
    month = (rows.moment[judged] - cut) // _MONTH
    for number in np.unique(month).tolist():
        own = judged[month == number]
        answers = [model.classify(rows.events[at], rows.facts[at]) for at in own.tolist()]
        kept = [
            model.numbers.classes[answer.label] != rows.labels[at]
            for answer, at in zip(answers, own.tolist(), strict=True)
            if not answer.abstained
        ]
        found.append(
            {
                "from_day": CUT_DAY + 30 * number,
                "rows": len(own),
                "abstained": 1 - len(kept) / len(own),
                "error": float(np.mean(kept)) if kept else float("nan"),
            }
        )
    return found


def _unseen(
    rows: ExceptionRows, source: str, cut: int, recipe: ExceptionRecipe, zone: str
) -> dict[str, Any]:
    """Judge messages of a source that the fit has not seen, without their words and with them."""
    own = np.array([event.source == source for event in rows.events])
    others = replace(rows, labelled=np.where(own, np.iinfo(np.int64).max, rows.labelled))
    judged = np.flatnonzero(own & (rows.moment >= cut))
    model = fit_exceptions(others, cut, recipe, "", zone).model
    deaf = replace(model, numbers=model.numbers.model_copy(update={"least_known": 2.0}))
    labels = np.array([rows.labels[at] for at in judged.tolist()])

    def right(said: Sequence[str]) -> float:
        return float((np.array(said) == labels).mean())

    answers = [model.classify(rows.events[at], rows.facts[at]) for at in judged.tolist()]
    alone = [deaf.classify(rows.events[at], rows.facts[at]) for at in judged.tolist()]
    classes = model.numbers.classes
    return {
        "rows": len(judged),
        "lookup": right(lookup(others, others.known_before(cut), judged)),
        "without_words": right([classes[answer.label] for answer in alone]),
        "with_words": right([classes[answer.label] for answer in answers]),
        "abstained": float(np.mean([answer.abstained for answer in answers])),
    }
