"""Trains the price model: learn, choose the threshold on newer lines, judge, freeze, record.

Temporal throughout: the threshold and the gates look at lines that the first fit has not seen; the
model that is kept is then fitted on all of them, with that threshold.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from triage.domain.clock import MICROS_PER_DAY, from_micros
from triage.errors import NotEnoughHistoryError
from triage.history.log import Log
from triage.models.bundle import write_bundle
from triage.models.price_lines import PriceLines, price_lines
from triage.models.priced_line import PricedLine
from triage.models.prices import FILE, NAME, PriceModel, PriceNumbers, dumped
from triage.training.file_run import FileRun
from triage.training.price_fit import learn
from triage.training.price_planted import Planted, plant
from triage.training.price_recipe import PricePromise, PriceRecipe, load_price_promise, load_recipe
from triage.training.train import write_bundle_as
from triage.training.verdict import Bound, GateResult

RECIPE_FILE = "recipe.toml"
_GRID = tuple(round(0.5 + 0.01 * step, 2) for step in range(50))


def train_prices(
    home: Path, *, workspace: Path | None = None, progress: Callable[[str], None] = lambda _: None
) -> FileRun:
    """Train and judge a price model on the log; the bundle is written to `<home>/runs/<digest>`.

    Raises:
        NotEnoughHistoryError: if the log holds too few lines with a price.
        TriageError: if the log or a declaration does not allow it.
    """
    recipe, text = load_recipe(workspace)
    promise = load_price_promise(workspace)
    log = Log(home)
    progress("reading the log")
    fingerprint, history = log.fingerprint, log.read()
    as_of = history.extracted_at
    lines = price_lines(history, recipe.history.most_lines)
    fitted = fit_prices(lines, recipe, as_of, progress)
    newest = fitted.newest.lines
    progress(f"judging {len(newest):,} lines not seen")
    figures = judged(fitted.tried, newest)
    planted = plant(newest, fitted.tried, most=promise.planted.lines, seed=promise.planted.seed)
    content = {FILE: dumped(fitted.kept), RECIPE_FILE: text.encode()}
    staged = home / "runs" / "staged-prices"
    digest = write_bundle(staged, NAME, content)
    bundle = write_bundle_as(staged, home / "runs" / digest)
    megabytes = sum(map(len, content.values())) / 1e6
    gates = _gates(figures, planted, megabytes, promise)
    dataset = {
        "fingerprint": fingerprint,
        "lines": fitted.kept.lines,
        "held_out": len(newest),
        "trained_as_of": from_micros(as_of).isoformat(),
        "sources": [source.name for source in history.sources],
    }
    figures |= {f"planted/{x.kind}/recall": x.found / x.lines for x in planted if x.lines}
    return FileRun(
        NAME, bundle, digest, recipe.model_dump(), dataset, figures, gates,
        {"planted": [asdict(entry) for entry in planted]},
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class FittedPrices:
    """A model tried on newer lines, and the one that is kept.

    Attributes:
        tried: fitted without `newest`, with the threshold chosen there.
        newest: the lines that it had not seen.
        kept: fitted on all lines, with that threshold.
    """

    tried: PriceModel
    newest: PriceLines
    kept: PriceNumbers


def fit_prices(
    lines: PriceLines,
    recipe: PriceRecipe,
    as_of: int,
    progress: Callable[[str], None] = lambda _: None,
) -> FittedPrices:
    """Fit on lines known before `as_of` (UTC micros).

    Raises:
        NotEnoughHistoryError: if there are too few.
    """
    found = _chosen(lines, recipe, as_of)
    cut = as_of - recipe.history.held_out_days * MICROS_PER_DAY
    past, newest = found.between(0, cut), found.between(cut, as_of)
    least = recipe.history.least_lines // 2
    if min(len(past.lines), len(newest.lines)) < least:
        raise NotEnoughHistoryError(
            f"{len(past.lines)} priced lines before the last {recipe.history.held_out_days} days"
            f" and {len(newest.lines)} in them: both need {least}."
            f" Import more history, or lower [history] in training/{NAME}.toml"
        )
    progress(f"learning from {len(past.lines):,} lines")
    tried = at_threshold(learn(past.lines, recipe, as_of=cut), newest.lines, recipe)
    progress(f"learning from all {len(found.lines):,} lines")
    kept = learn(found.lines, recipe, as_of=as_of)
    return FittedPrices(
        tried, newest, kept.model_copy(update={"threshold": tried.numbers.threshold})
    )


def _chosen(lines: PriceLines, recipe: PriceRecipe, as_of: int) -> PriceLines:
    settings = recipe.history
    start = as_of - settings.window_days * MICROS_PER_DAY
    chosen = lines.between(start, as_of)
    if len(chosen.lines) < settings.least_lines:
        raise NotEnoughHistoryError(
            f"the log holds {len(chosen.lines)} lines with a price in the last"
            f" {settings.window_days} days; {settings.least_lines} are needed"
        )
    return chosen


def at_threshold(
    numbers: PriceNumbers, lines: Sequence[PricedLine], recipe: PriceRecipe
) -> PriceModel:
    """Return the model with the lowest threshold that keeps the recipe's precision on new lines.

    Precision is what the model's own probabilities promise of what would be flagged: there are no
    labels. Where no threshold keeps it, or too many lines would be flagged, the highest is taken.
    """
    model = PriceModel(numbers)
    verdicts = [model.judge(line) for line in lines]
    p = np.array([0.0 if v is None else v.p_error for v in verdicts])
    allowed = [x for x in _GRID if x >= recipe.threshold.least_probability]
    chosen = max(allowed, default=_GRID[-1])
    for threshold in sorted(allowed):
        flagged = p >= threshold
        precise = not flagged.any() or p[flagged].mean() >= recipe.threshold.precision
        if precise and flagged.mean() <= recipe.threshold.most_flagged:
            chosen = threshold
            break
    return PriceModel(numbers.model_copy(update={"threshold": chosen}))


def judged(model: PriceModel, lines: Sequence[PricedLine]) -> dict[str, float]:
    """Return figures that need no labels, as shares of the lines."""
    verdicts = [model.judge(line) for line in lines]
    known = [v for v in verdicts if v is not None]
    flagged = [v for v in known if v.anomalous]
    inside = [v for v in known if v.expected.low <= v.price <= v.expected.high]
    return {
        "lines": float(len(lines)),
        "judged": len(known) / max(len(lines), 1),
        "in_range": len(inside) / max(len(lines), 1),
        "flagged": len(flagged) / max(len(lines), 1),
        "expected_precision": (
            sum(v.p_error for v in flagged) / len(flagged) if flagged else float("nan")
        ),
        "threshold": model.numbers.threshold,
    }


def _gates(
    figures: dict[str, float],
    planted: Sequence[Planted],
    megabytes: float,
    promise: PricePromise,
) -> tuple[GateResult, ...]:
    bounds = promise.gates
    lines = sum(entry.lines for entry in planted)
    found = sum(entry.found for entry in planted)
    named = sum(entry.named for entry in planted)
    by_kind = ", ".join(f"{x.kind} {x.found} of {x.lines}" for x in planted if x.lines)
    recall = found / lines if lines else None
    rightly = named / found if found else None
    return (
        _gate("judged", figures["judged"], bounds.min_judged, "of the lines have something to hold"
              " their price against", "map list_price, volume_price or contract_price"),
        _gate("flagged", figures["flagged"], bounds.max_flagged, "of the lines are flagged",
              f"raise [threshold] in training/{NAME}.toml, or map promotions and contracts",
              Bound.AT_MOST),
        _precision(figures["expected_precision"], bounds.min_expected_precision),
        _gate("planted_recall", recall, bounds.min_planted_recall,
              f"of the planted errors are found ({by_kind})",
              "map what was agreed, so that ranges narrow"),
        _gate("planted_named", rightly, bounds.min_named, "of those found are named rightly",
              "map case_quantity and former_contract_price"),
        _gate("size", round(megabytes, 6), bounds.max_megabytes, "MB",
              f"fewer lines in [history] of training/{NAME}.toml", Bound.AT_MOST),
    )  # fmt: skip


def _precision(measured: float, required: float) -> GateResult:
    if math.isnan(measured):
        return GateResult("expected_precision", None, True, None, required, "nothing is flagged")
    return _gate(
        "expected_precision", measured, required, "of what is flagged is wrong, by the model",
        f"raise [threshold] in training/{NAME}.toml",
    )  # fmt: skip


def _gate(
    name: str,
    measured: float | None,
    required: float,
    words: str,
    remedy: str,
    bound: Bound = Bound.AT_LEAST,
) -> GateResult:
    if measured is None:
        return GateResult(
            name, None, False, None, required, f"nothing to measure. Next: {remedy}", bound
        )
    passed = measured >= required if bound is Bound.AT_LEAST else measured <= required
    said = f"{measured:.4g} {words} ({bound.replace('_', ' ')} {required:g})"
    if not passed:
        said += f". Next: {remedy}"
    return GateResult(name, None, passed, measured, required, said, bound)
