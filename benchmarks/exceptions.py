"""How much of an exception can be read from its message: simulated messages, honest classifiers.

    python -m benchmarks.exceptions [--model] [--orders 60000] [--seed 7] [--json]

With `--model`: the model that is trained and served (see `exception_model`).

Trained on exceptions recorded before day 300, tested on those raised after it. The rows of the
table see nothing, the source's code, the words, and the words with the code and what the systems
knew about the order when the message came. No input looks at the true kind, at its cause or at
anything that happened after the exception.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import numpy.typing as npt
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score
from sklearn.model_selection import StratifiedKFold
from sklearn.preprocessing import OneHotEncoder
from sklearn.svm import LinearSVC

from benchmarks import exception_model
from triage.simulation import demand, distributor, shocks
from triage.simulation.calendar import DAY, HOUR
from triage.simulation.dialects import Messages, messages
from triage.simulation.exception_causes import lines_of, on_shelf
from triage.simulation.exceptions import KINDS, Occurrences, occurrences
from triage.simulation.operations import Operations
from triage.simulation.result import Result
from triage.simulation.world import World

DAYS = 420
CUT = 300 * DAY
Floats = npt.NDArray[np.float64]
Kinds = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Reported:
    """A world's exceptions with their messages."""

    world: World
    orders: demand.Orders
    result: Result
    found: Occurrences
    said: Messages


def simulate(seed: int, count: int) -> Reported:
    """Run a world and write its messages."""
    place = distributor.build(seed, DAYS)
    hits = shocks.draw(place)
    orders = demand.draw(place, hits, count)
    result = Operations(place, hits, orders, watch=True).run()
    found = occurrences(place, hits, orders, result)
    return Reported(place, orders, result, found, messages(place, orders, result, found))


def context(told: Reported) -> Floats:
    """Return (m, columns) what the systems knew about each order when its message was recorded.

    A milestone counts only if it happened before the exception was raised; stock is that of the
    last nightly report.
    """
    orders, found, place = told.orders, told.found, told.world
    order, now = found.order, found.recorded
    customer, site = orders.customer[order], told.result.site[order]
    moments = [
        told.result.entry.entered, told.result.validated, told.result.allocated,
        told.result.queued, told.result.packed, told.result.dispatched, told.result.delivered,
    ]  # fmt: skip
    reached = np.stack([moment[order] <= found.raised for moment in moments], axis=1)
    line, at = lines_of(orders, order)
    synced = now - (now - place.sites.sync_minute[site]) % DAY
    cell = site[at] * len(place.skus.code) + orders.own.sku[line]
    spare = on_shelf(told.result.stock, cell, synced[at]) - orders.own.quantity[line]
    off = np.log(np.maximum(orders.own.prices.entered[line], 0.01) / orders.own.prices.listed[line])
    lowest, cheapest, dearest = (np.full(len(order), edge) for edge in (1e9, 9.0, -9.0))
    np.minimum.at(lowest, at, spare.astype(np.float64))
    np.minimum.at(cheapest, at, off)
    np.maximum.at(dearest, at, off)
    customers = place.customers
    columns = [
        found.source, orders.channel[order], orders.service[order], site,
        told.result.carrier[order], customers.tier[customer], customers.terms[customer],
        *reached.T, reached.sum(axis=1),
        orders.value[order] / customers.credit_limit[customer], np.log1p(orders.value[order]),
        now % DAY // HOUR, now // DAY % 7, (now - orders.created[order]) / DAY,
        orders.promised[order] - now // DAY, orders.ship_by[order] - now // DAY,
        (orders.not_before[order] > now), orders.lines[order], orders.regulated[order],
        lowest, cheapest, dearest, _earlier(found),
    ]  # fmt: skip
    return np.stack([np.asarray(column, dtype=np.float64) for column in columns], axis=1)


def _earlier(found: Occurrences) -> Kinds:
    """Return how many exceptions of the order were recorded before each one."""
    place = np.lexsort((found.recorded, found.order))
    order = found.order[place]
    starts = np.searchsorted(order, order)
    count = np.empty(len(order), dtype=np.int64)
    count[place] = np.arange(len(order)) - starts
    return count


def _bins(values: Floats, train: npt.NDArray[np.bool_]) -> npt.NDArray[np.str_]:
    """Return each column in at most ten steps, and the crossings with the source."""
    steps = []
    for column in values.T:
        edges = np.unique(np.quantile(column[train], np.linspace(0.1, 0.9, 9)))
        few = np.unique(column[train])
        steps.append(np.searchsorted(few if len(few) <= 12 else edges, column, side="right"))
    plain = np.stack(steps, axis=1)
    crossed = plain * 100 + plain[:, :1]
    return np.concatenate([plain, crossed], axis=1).astype(str)


def _words(train: list[str], test: list[str]) -> tuple[sparse.csr_matrix, sparse.csr_matrix]:
    words = TfidfVectorizer(
        ngram_range=(1, 2), min_df=2, sublinear_tf=True,
        token_pattern=r"\S+",  # noqa: S106 - a token of a text
    )  # fmt: skip
    parts = TfidfVectorizer(
        analyzer="char_wb", ngram_range=(2, 5), min_df=4, sublinear_tf=True, max_features=120_000
    )
    return (
        sparse.hstack([words.fit_transform(train), parts.fit_transform(train)]).tocsr(),
        sparse.hstack([words.transform(test), parts.transform(test)]).tocsr(),
    )


def _without_numbers(texts: list[str]) -> list[str]:
    table = str.maketrans("123456789", "0" * 9)
    return [text.translate(table).lower() for text in texts]


def _linear() -> LinearSVC:
    return LinearSVC(C=0.3)


def _lookup(keys: list[tuple[int, str]], kind: Kinds, train: npt.NDArray[np.bool_]) -> Kinds:
    """Return the most frequent kind of each (source, code) in training."""
    usual = int(np.bincount(kind[train]).argmax())
    seen: dict[tuple[int, str], Kinds] = {}
    for key, number in zip(
        [key for key, mine in zip(keys, train, strict=True) if mine], kind[train], strict=True
    ):
        seen.setdefault(key, np.zeros(len(KINDS), dtype=np.int64))[number] += 1
    return np.array(
        [
            int(seen[key].argmax()) if key in seen else usual
            for key, mine in zip(keys, train, strict=True)
            if not mine
        ]
    )


def _boosted(x: Any, known: Floats, y: Kinds, x_test: Any, known_test: Floats) -> Kinds:  # noqa: ANN401
    """Return what boosted trees make of the words (as a linear model sees them) and the context.

    What they learn from are opinions on folds that the linear model has not seen.
    """
    opinion = np.zeros((len(y), len(KINDS)))
    for part, rest in StratifiedKFold(5, shuffle=True, random_state=0).split(opinion, y):
        opinion[rest] = _linear().fit(x[part], y[part]).decision_function(x[rest])
    opinion_test = _linear().fit(x, y).decision_function(x_test)
    trees = lightgbm.train(
        {
            "objective": "multiclass", "num_class": len(KINDS), "num_leaves": 10,
            "learning_rate": 0.06, "min_data_in_leaf": 15, "feature_fraction": 0.5,
            "bagging_fraction": 0.8, "bagging_freq": 1, "verbosity": -1, "num_threads": 2,
            "deterministic": True, "seed": 0,
        },
        lightgbm.Dataset(np.hstack([opinion, known]), y),
        150,
    )  # fmt: skip
    return np.asarray(np.argmax(trees.predict(np.hstack([opinion_test, known_test])), axis=1))


def evaluate(told: Reported) -> dict[str, Any]:
    """Return accuracy and macro-F1 of each classifier, and what the best one confuses."""
    found, said, y = told.found, told.said, told.found.kind
    train, test = found.recorded < CUT, found.raised >= CUT
    texts = _without_numbers(said.text)
    keys = list(zip(said.source.tolist(), said.code, strict=True))
    known = context(told)
    x, x_test = _words(_of(texts, train), _of(texts, test))
    codes = np.array([f"{source} {code}" for source, code in keys])[:, None]
    inputs = np.concatenate([codes, _bins(known, train)], axis=1)
    number = np.searchsorted(np.unique(codes[train]), codes)
    facts = np.concatenate([known, number], axis=1)
    encoder = OneHotEncoder(handle_unknown="ignore").fit(inputs[train])
    beside, beside_test = (0.4 * encoder.transform(inputs[rows]) for rows in (train, test))
    both = sparse.hstack([x, beside]).tocsr()
    both_test = sparse.hstack([x_test, beside_test]).tocsr()
    usual = int(np.bincount(y[train]).argmax())
    kept = train | test
    answers = {
        "majority class": np.full(int(test.sum()), usual),
        "code lookup (source, code)": _lookup(_of(keys, kept), y[kept], train[kept]),
        "text": _linear().fit(x, y[train]).predict(x_test),
        "text + code + context, linear": _linear().fit(both, y[train]).predict(both_test),
        "text + code + context, trees": _boosted(x, facts[train], y[train], x_test, facts[test]),
    }
    best = answers["text + code + context, trees"]
    return {
        "train": int(train.sum()),
        "test": int(test.sum()),
        "scores": {
            name: {
                "accuracy": round(float(accuracy_score(y[test], answer)), 4),
                "macro_f1": round(float(f1_score(y[test], answer, average="macro")), 4),
            }
            for name, answer in answers.items()
        },
        "confused": _confused(y[test], best),
    }


def _of(values: list[Any], rows: npt.NDArray[np.bool_]) -> list[Any]:
    return [value for value, mine in zip(values, rows, strict=True) if mine]


def _confused(y: Kinds, answer: Kinds, most: int = 10) -> list[dict[str, Any]]:
    table = confusion_matrix(y, answer, labels=np.arange(len(KINDS)))
    pairs = table + table.T
    found = sorted((-int(pairs[a, b]), a, b) for a in range(len(KINDS)) for b in range(a))[:most]
    return [{"kinds": [KINDS[a], KINDS[b]], "confused": -less} for less, a, b in found]


def show(measured: dict[str, Any]) -> None:
    """Print one table."""
    print(f"{measured['train']:,} exceptions to learn from, {measured['test']:,} later ones")
    print(f"{'':34s}{'accuracy':>9s}{'macro-F1':>10s}")
    for name, score in measured["scores"].items():
        print(f"{name:34s}{score['accuracy']:9.3f}{score['macro_f1']:10.3f}")
    wrong = sum(row["confused"] for row in measured["confused"])
    print(f"confused most by the last ({wrong} of them):")
    for row in measured["confused"]:
        print(f"  {row['kinds'][0]} / {row['kinds'][1]}: {row['confused']}")


def main() -> None:
    """Simulate, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--orders", type=int, default=60_000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--model", action="store_true", help="the model as trained and served")
    parser.add_argument("--home", type=Path, help="with --model: keep extract and log here")
    parser.add_argument("--unseen", default="", help="with --model: sources to leave out, by comma")
    options = parser.parse_args()
    started = time.monotonic()
    if options.model:
        unseen = [name for name in options.unseen.split(",") if name]
        measured = exception_model.measure(options.seed, options.orders, options.home, unseen)
        printed = exception_model.show
    else:
        measured = evaluate(simulate(options.seed, options.orders))
        printed = show
    measured |= {"seed": options.seed, "orders": options.orders}
    if options.json:
        print(json.dumps(measured))
    else:
        printed(measured)
        print(f"({time.monotonic() - started:.0f} s)")


if __name__ == "__main__":
    main()
