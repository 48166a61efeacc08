"""One training run of the classes of exceptions: from the log to a bundle that was judged."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np

from triage.domain.clock import MICROS_PER_DAY, from_micros
from triage.errors import BundleError, NotEnoughHistoryError
from triage.history.log import Log
from triage.ledger.corrections import KIND, Correction, corrections
from triage.ledger.errors import LedgerError, StoreUnavailableError
from triage.ledger.reading import open_reading
from triage.models.bundle import write_bundle
from triage.models.exceptions import NAME, ExceptionModel
from triage.models.exceptions_context import LogContext
from triage.models.exceptions_next import FILE
from triage.training.exception_figures import ExceptionFigures, judge
from triage.training.exception_fit import fit_exceptions
from triage.training.exception_next import fit_next
from triage.training.exception_recipe import (
    ExceptionGates,
    ExceptionRecipe,
    load_promise,
    load_recipe,
)
from triage.training.exception_rows import ExceptionRows, exception_rows
from triage.training.file_run import FileRun
from triage.training.train import write_bundle_as
from triage.training.verdict import Bound, GateResult

_MORE = "import more history, or have people say what closed exceptions were"


def train_exceptions(
    home: Path,
    *,
    workspace: Path | None = None,
    progress: Callable[[str], None] = lambda _: None,
    ledger_url: str | None = None,
) -> FileRun:
    """Train on everything that people said of exceptions, judged on the newest of them.

    Args:
        home: where log and ledger are; the bundle is written to `<home>/runs/<digest>`.
        workspace: the declarations, if not those that came with the package.
        progress: told what is being done.
        ledger_url: where the ledger is, if not in the home.

    Raises:
        HistoryError: if there is no log.
        StoreUnavailableError: if the ledger cannot be read.
        NotEnoughHistoryError: if too few exceptions were closed with a disposition.
        DeclarationError: if recipe or gates cannot be used.
    """
    recipe, text = load_recipe(workspace)
    gates = load_promise(workspace).gates
    progress("reading the log")
    log = Log(home)
    history = log.read()
    zone, moment = history.sources[0].time_zone, history.extracted_at + 1
    context = LogContext(history, zone)
    corrected = recorded_corrections(home, ledger_url)
    rows = exception_rows(history, context, corrected=corrected)
    progress(f"learning from exceptions before the last {recipe.evaluation.days} days")
    figures = _evaluate(rows, recipe, text, zone, moment)
    rows = rows.as_known(moment)
    progress(f"learning from all {len(rows.known_before(moment)):,} exceptions with a known class")
    fit = fit_exceptions(rows, moment, recipe, text, zone)
    progress(f"learning what open orders have in the next {recipe.next.days} days")
    rates, foretold = fit_next(
        context, rows, fit.model.numbers.classes, recipe.next, moment, recipe.evaluation.days
    )
    files = fit.files | {FILE: rates.written()}
    staged = home / "runs" / f"{NAME}-staged"
    digest = write_bundle(staged, NAME, files)
    bundle = write_bundle_as(staged, home / "runs" / digest)
    megabytes = sum(len(content) for content in files.values()) / 1e6
    dataset = {
        "fingerprint": log.fingerprint,
        "exceptions": len(rows),
        "rows": fit.model.numbers.label_rows,
        "classes": len(fit.model.numbers.classes),
        "corrections": sum(each.as_of < moment for each in corrected),
        "trained_as_of": from_micros(moment).isoformat(),
    }
    measured = asdict(figures) | {f"next_{name}": x for name, x in asdict(foretold).items()}
    return FileRun(
        NAME, bundle, digest, recipe.model_dump(mode="json"), dataset, measured,
        (*check(figures, gates, megabytes), _reloads(bundle, digest)), {}, figures.words(),
    )  # fmt: skip


def _evaluate(
    rows: ExceptionRows, recipe: ExceptionRecipe, text: str, zone: str, moment: int
) -> ExceptionFigures:
    """Judge a fit on what was known before the newest weeks, on the exceptions of these."""
    cut = moment - recipe.evaluation.days * MICROS_PER_DAY
    known = rows.known_before(moment)
    judged = known[rows.moment[known] >= cut]
    if not len(judged):
        raise NotEnoughHistoryError(
            f"no exception of the last {recipe.evaluation.days} days was closed with a disposition:"
            f" {_MORE}"
        )
    taught = rows.as_known(cut)
    fit = fit_exceptions(taught, cut, recipe, text, zone)
    return judge(fit.model, rows, taught.known_before(cut), np.asarray(judged))


def recorded_corrections(home: Path, ledger_url: str | None = None) -> list[Correction]:
    """Return what people said exceptions are, as the ledger has it; none without a ledger.

    Raises:
        StoreUnavailableError: if the ledger cannot be read.
    """
    try:
        reading = open_reading(home, ledger_url)
    except StoreUnavailableError:
        raise
    except LedgerError:  # nothing was recorded yet
        return []
    with contextlib.closing(reading):
        return corrections(reading.entries(kind=KIND))


def check(
    figures: ExceptionFigures, gates: ExceptionGates, megabytes: float
) -> tuple[GateResult, ...]:
    """Judge figures by the gates; what is excused by chance is said with each."""
    excused = gates.standard_errors * figures.error_deviation
    allowed = figures.stated_error + gates.max_error_excess + excused
    beats = (
        _gate("beats_lookup_accuracy", figures.accuracy, figures.lookup_accuracy,
              "accuracy, against a lookup of the code", _MORE, Bound.ABOVE),
        _gate("beats_lookup_macro_f1", figures.macro_f1, figures.lookup_macro_f1,
              "macro-F1, against a lookup of the code", _MORE, Bound.ABOVE),
    )  # fmt: skip
    return (
        _gate("rows", figures.rows, gates.min_rows, "exceptions held out", _MORE),
        *(beats if gates.must_beat_lookup else ()),
        _gate("accuracy", figures.accuracy, gates.min_accuracy, "of the likeliest class", _MORE),
        _gate("answered", figures.answered, gates.min_answered, "of the exceptions are answered",
              f"{_MORE}; or raise calibration.most_error in training/{NAME}.toml"),
        _gate("stated_error", figures.error, allowed,
              f"of the answers are wrong; stated {figures.stated_error:.3f}, chance {excused:.3f}",
              "the newest weeks differ from those before: train again when they are closed",
              Bound.AT_MOST),
        _gate("calibrated", figures.ece, gates.max_ece, "calibration error", _MORE, Bound.AT_MOST),
        _gate("latency", figures.milliseconds, gates.max_ms, "ms for one exception",
              f"fewer trees.rounds in training/{NAME}.toml", Bound.AT_MOST),
        _gate("size", megabytes, gates.max_megabytes, "MB",
              f"fewer trees.rounds or text.most_terms in training/{NAME}.toml", Bound.AT_MOST),
    )  # fmt: skip


def _gate(
    name: str, measured: float, required: float, what: str, otherwise: str,
    bound: Bound = Bound.AT_LEAST,
) -> GateResult:  # fmt: skip
    if measured != measured:  # noqa: PLR0124 - NaN: there was nothing to measure
        return GateResult(name, None, True, None, required, f"not judged: nothing {what}", bound)
    passed = {
        Bound.AT_LEAST: measured >= required,
        Bound.AT_MOST: measured <= required,
        Bound.ABOVE: measured > required,
    }[bound]
    words = f"{measured:.3f} {what} ({bound.value.replace('_', ' ')} {required:.3f})"
    if not passed:
        words += f". Next: {otherwise}"
    return GateResult(name, None, bool(passed), float(measured), float(required), words, bound)


def _reloads(bundle: Path, digest: str) -> GateResult:
    try:
        ExceptionModel.load(bundle, digest)
    except BundleError as error:
        return GateResult("reloads", None, False, None, None, str(error))
    return GateResult("reloads", None, True, None, None, "the bundle reads back as it was written")
