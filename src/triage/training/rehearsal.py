"""A bundle tried as the service would use it: speed, a steady list, the same answer twice.

Whoever trains hands in how a bundle is served, so that what is judged is what will answer.
Measured on the log as it is: latency (median milliseconds of one score with its reasons), stability
(ranks of the open orders against the champion's), replay (an engine built from the log at once and
one that took in its newest records one by one must answer bit for bit the same). Of a long log only
the newest orders are taken.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd

from triage.advice.assessment import Assessment
from triage.errors import TriageError
from triage.features.compile import FeatureSet
from triage.features.engine import FeatureEngine
from triage.history.tables import History
from triage.models.at_risk import AtRiskModel
from triage.training.newest import newest_orders
from triage.training.parity import records_in_order
from triage.training.promise import ModelPromise
from triage.training.promise import Rehearsal as Asked
from triage.training.verdict import STABILITY, Bound, GateResult


class Served(Protocol):
    """A bundle that answers.

    Attributes:
        model: the bundle, read.
        engine: what it computes features with.
    """

    model: AtRiskModel
    engine: FeatureEngine

    def score_id(self, order_id: str, as_of: int | None = None) -> Assessment:
        """Assess a stored order; `as_of` in UTC micros, None for the moment of the log."""


class Serve(Protocol):
    """How a bundle is made to answer for a log; `engine` if one is there already."""

    def __call__(
        self, model: AtRiskModel, history: History, engine: FeatureEngine | None = None
    ) -> Served:
        """Return the bundle, ready to answer."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle on disk and the digest that it must have."""

    folder: Path
    digest: str

    def load(self) -> AtRiskModel:
        """Read it.

        Raises:
            BundleError: if it is not the one with this digest, or cannot be scored exactly.
        """
        return AtRiskModel.load(self.folder, self.digest)


def rehearse(
    challenger: Bundle,
    champion: Bundle | None,
    history: History,
    serve: Serve,
    promise: ModelPromise,
) -> tuple[GateResult, ...]:
    """Judge speed, stability and replay of a bundle.

    Args:
        challenger: the bundle that is judged.
        champion: the one in force; None if there is none yet.
        history: the log as it is.
        serve: how a bundle is served.
        promise: bounds and sizes of the samples.

    Raises:
        TriageError: if the challenger cannot be served at all.
    """
    asked = promise.rehearsal
    history = newest_orders(history, asked.most_orders)
    served = serve(challenger.load(), history)
    newest = _newest(history, asked.orders)
    latency = _latency(served, newest, promise)
    stability = _stability(served, challenger, champion, history, serve, promise)
    moments = [*newest, *((order_id, None) for order_id, _ in newest)]
    answers = [_answer(served, order_id, moment) for order_id, moment in moments]
    model = served.model
    del served  # one engine at a time
    replay = _replay(answers, model, history, moments, serve, asked)
    return latency, stability, replay


def _newest(history: History, count: int) -> list[tuple[str, int]]:
    """Return id and moment of recording of the newest orders."""
    orders = history.orders.iloc[-count:]
    return list(zip(orders["order_id"].tolist(), orders["record_time"].tolist(), strict=True))


def _latency(
    served: Served, newest: Sequence[tuple[str, int]], promise: ModelPromise
) -> GateResult:
    """Judge the median time of one answer, once everything is compiled and warm."""
    scored = [pair for pair in newest if isinstance(_answer(served, *pair), Assessment)]
    if not scored:
        words = f"not judged: none of the {len(newest)} newest orders can be scored"
        return GateResult("latency", None, True, None, promise.gates.max_score_ms, words)
    took = []
    for order_id, moment in scored:
        start = time.perf_counter()
        served.score_id(order_id, moment)
        took.append(1000 * (time.perf_counter() - start))
    measured, required = float(np.median(took)), promise.gates.max_score_ms
    words = (
        f"{measured:.2f} ms for one order with its reasons (median of {len(took)}, slowest tenth "
        f"from {np.quantile(took, 0.9):.2f}), at most {required:g}"
    )
    if measured > required:
        words += (
            f". Next: fewer trees.rounds in training/{promise.name}.toml, or run the gates again "
            "on a machine that does nothing else"
        )
    passed = measured <= required
    return GateResult("latency", None, passed, measured, required, words, Bound.AT_MOST)


def _stability(
    served: Served,
    challenger: Bundle,
    champion: Bundle | None,
    history: History,
    serve: Serve,
    promise: ModelPromise,
) -> GateResult:
    """Judge how far the list of open orders stays as it is under the champion."""
    required, asked = promise.gates.min_rank_correlation, promise.rehearsal
    if champion is None:
        return _unjudged(required, "there is no champion yet")
    if champion.digest == challenger.digest:
        return _unjudged(required, "the champion has the very same bytes")
    try:
        former = _former(served, champion, history, serve)
        before = _risks(former, history)
    except TriageError as error:
        return _unjudged(required, f"the champion cannot answer any more ({error})")
    after = _risks(served, history)
    common = sorted(before.keys() & after.keys())
    if len(common) < asked.min_open:
        return _unjudged(required, f"{len(common)} open orders, fewer than {asked.min_open}")
    correlation = rank_correlation([before[i] for i in common], [after[i] for i in common])
    share = top_in_common({i: before[i] for i in common}, {i: after[i] for i in common}, asked.top)
    least = promise.gates.min_top_in_common
    words = (
        f"{len(common)} open orders against the champion: rank correlation {correlation:.3f} (at "
        f"least {required:g}), {share:.0%} of the riskiest {asked.top} in common (at least "
        f"{least:.0%})"
    )
    passed = correlation >= required and share >= least
    if not passed:
        words += (
            ". Next: `triage compare` says whether the new order of the list is a better one; if "
            "so, tell those who work on it, then "
            "`triage promote VERSION --accept-unstable --why ...`"
        )
    return GateResult(STABILITY, None, passed, correlation, required, words)


def _former(served: Served, champion: Bundle, history: History, serve: Serve) -> Served:
    """Return the champion, on the challenger's engine if it looks at the very same features."""
    model = champion.load()
    own, other = (
        (each.features.names, each.numbers.available, each.features.declarations.fingerprint,
         each.features.program.tolerance)
        for each in (served.model, model)
    )  # fmt: skip
    engine = served.engine if own == other else None
    return serve(model, history, engine)


def rank_correlation(a: Sequence[float], b: Sequence[float]) -> float:
    """Return Spearman's rank correlation, ties by mean rank; 1 for equal values, NaN if undefined.

    Args:
        a: (n,) values.
        b: (n,) values of the same things.
    """
    if list(a) == list(b):
        return 1.0
    first, second = pd.Series(a).rank().to_numpy(), pd.Series(b).rank().to_numpy()
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        return float("nan")
    return float(np.corrcoef(first, second)[0, 1])


def top_in_common(before: dict[str, float], after: dict[str, float], top: int) -> float:
    """Return which share of the riskiest `top` stays; equal risks in order of the id."""
    count = min(top, len(before), len(after))
    return len(_riskiest(before, count) & _riskiest(after, count)) / count


def _riskiest(risks: dict[str, float], count: int) -> set[str]:
    return set(sorted(risks, key=lambda order_id: (-risks[order_id], order_id))[:count])


def _risks(served: Served, history: History) -> dict[str, float]:
    """Return p(late) now of every open order whose promise has not passed."""
    found = {}
    for order_id in _open_orders(history):
        answer = _answer(served, order_id, None)
        if isinstance(answer, Assessment) and answer.state == "at_risk":
            found[order_id] = answer.p_late
    return found


def _open_orders(history: History) -> list[str]:
    milestones = history.milestones
    closed = milestones.loc[
        milestones["milestone"].isin(["delivered", "order_cancelled"]), "order_id"
    ]
    orders = history.orders
    still = ~orders["order_id"].isin(closed) & (orders["promised_by"] > history.extracted_at)
    return [str(order_id) for order_id in orders.loc[still, "order_id"]]


def _replay(
    answers: Sequence[Assessment | str],
    model: AtRiskModel,
    history: History,
    moments: Sequence[tuple[str, int | None]],
    serve: Serve,
    asked: Asked,
) -> GateResult:
    """Judge whether an engine fed record by record gives the very same answers."""
    engine, streamed = streamed_engine(history, model.features, asked.streamed_records)
    again = serve(model, history, engine)
    differing, answered = [], 0
    for (order_id, moment), first in zip(moments, answers, strict=True):
        second = _answer(again, order_id, moment)
        answered += isinstance(first, Assessment)
        if repr(first) != repr(second):
            differing.append(order_id)
    words = (
        f"{answered} answers for the {len(moments) // 2} newest orders, from the log at once and "
        f"with its {streamed} newest records one by one: {len(differing)} differ"
    )
    if differing:
        words += (
            f" (first: {differing[0]}). Next: this is a defect of Triage, not of the data; keep "
            "the champion and report it with the log"
        )
    return GateResult(
        "replay", None, not differing, float(len(differing)), 0.0, words, Bound.AT_MOST
    )


def streamed_engine(
    history: History, features: FeatureSet, newest: int
) -> tuple[FeatureEngine, int]:
    """Return an engine that took in the newest records one by one, and how many these were.

    Records of one moment stay together, so it may be more than `newest`.
    """
    times = np.concatenate([table["record_time"] for table in _dated(history).values()])
    moment = int(np.sort(times)[-min(newest, len(times) - 1)])
    engine = FeatureEngine.of(history.before(moment), features)
    records = records_in_order(_since(history, moment))
    engine.stream(record for _, record in records)
    return engine, len(records)


def _since(history: History, moment: int) -> History:
    """Return the records known at a moment (UTC micros) or after it."""
    first = int(np.searchsorted(history.orders["record_time"], moment))
    lines = history.lines[history.lines["order"] >= first]
    later: dict[str, Any] = {
        name: table[table["record_time"] >= moment] for name, table in _dated(history).items()
    }
    later["orders"] = later["orders"].reset_index(drop=True)
    return replace(history, lines=lines.assign(order=lines["order"] - first), **later)


def _dated(history: History) -> dict[str, pd.DataFrame]:
    """Return the tables of records by name; lines have the time of their order."""
    tables = {field.name: getattr(history, field.name) for field in fields(history)}
    return {
        name: table
        for name, table in tables.items()
        if isinstance(table, pd.DataFrame) and "record_time" in table
    }


def _answer(served: Served, order_id: str, moment: int | None) -> Assessment | str:
    """Return the answer, or in words why there is none."""
    try:
        return served.score_id(order_id, moment)
    except TriageError as error:
        return str(error)


def _unjudged(required: float, why: str) -> GateResult:
    return GateResult(STABILITY, None, True, None, required, f"not judged: {why}")
