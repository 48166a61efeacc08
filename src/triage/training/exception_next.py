"""Learning which exception an open order has next, judged on days that taught nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from triage.domain.clock import MICROS_PER_DAY, MICROS_PER_HOUR
from triage.models.exceptions_context import LogContext
from triage.models.exceptions_next import LEVELS, NONE, Floats, Ints, NextRates
from triage.training.exception_recipe import NextSettings
from triage.training.exception_rows import ExceptionRows

_STEP = 17 * MICROS_PER_HOUR
_TOP = 3


@dataclass(frozen=True, slots=True)
class NextFigures:
    """How well the next exception is foretold; the share of each class over all orders beside it.

    Attributes:
        rows: open orders at moments that were judged.
        happened: of these, those that had an exception in the days ahead.
        log_loss, base_log_loss: of every row, "none" among the outcomes.
        top3, base_top3: share of those that had one of which it was among the three likeliest.
        stated, share: mean probability of any exception, and the share that had one.
    """

    rows: int
    happened: int
    log_loss: float
    base_log_loss: float
    top3: float
    base_top3: float
    stated: float
    share: float


def fit_next(
    context: LogContext, rows: ExceptionRows, classes: Sequence[str], settings: NextSettings,
    moment: int, held_out: int,
) -> tuple[NextRates, NextFigures]:  # fmt: skip
    """Learn from open orders before a moment; only shares of classes if cells do not beat them.

    Args:
        context: the log, arranged.
        rows: its exceptions.
        classes: those that are told apart.
        settings: how far to look ahead, and how much to trust a cell.
        moment: what is known before it may teach (UTC micros).
        held_out: days before it by which the figures are judged; they teach afterwards.
    """
    cut = moment - held_out * MICROS_PER_DAY
    trial = learn_next(context, rows, classes, settings, cut)
    first = int(rows.moment.min())
    starts = np.arange(cut, moment - settings.days * MICROS_PER_DAY, _STEP)
    where, came = _landmarks(context, rows, classes, settings.days, starts, moment)
    figures = judge_next(trial, where, came)
    final = learn_next(context, rows, classes, settings, moment)
    beats = len(came) > 0 and moment > first and figures.log_loss < figures.base_log_loss
    return (final if beats else replace(final, cells={})), figures


def learn_next(
    context: LogContext, rows: ExceptionRows, classes: Sequence[str], settings: NextSettings,
    moment: int,
) -> NextRates:  # fmt: skip
    """Learn rates from what was known before a moment (UTC micros)."""
    last = moment - settings.days * MICROS_PER_DAY
    starts = np.arange(int(rows.moment.min()), last + 1, _STEP)
    where, came = _landmarks(context, rows, classes, settings.days, starts, moment)
    return NextRates.learn(settings.days, (*classes, NONE), where, came, settings.weight)


def judge_next(rates: NextRates, where: Ints, came: Ints) -> NextFigures:
    """Judge rates on open orders, (rows, LEVELS), and what came next, (rows,)."""
    if not len(came):
        nan = float("nan")
        return NextFigures(0, 0, nan, nan, nan, nan, nan, nan)
    cells, inverse = np.unique(where, axis=0, return_inverse=True)
    said = np.array([rates.of(cell) for cell in cells.tolist()])[inverse.reshape(-1)]
    plain = np.tile(rates.base, (len(came), 1))
    had = came < len(rates.codes) - 1
    return NextFigures(
        len(came), int(had.sum()), _log_loss(said, came), _log_loss(plain, came),
        _among_top(said, came, had), _among_top(plain, came, had),
        float(1 - said[:, -1].mean()), float(had.mean()),
    )  # fmt: skip


def _landmarks(
    context: LogContext, rows: ExceptionRows, classes: Sequence[str], days: int, starts: Ints,
    moment: int,
) -> tuple[Ints, Ints]:  # fmt: skip
    """Return open orders at several moments, and what each had next within so many days.

    An exception of which nobody had said before `moment` what it was is left out.
    """
    number = {word: at for at, word in enumerate(classes)}
    order = context.rows_of([event.order_id for event in rows.events])
    known = rows.labelled < moment
    label = np.array(
        [
            number.get(str(word), -1) if said else -1
            for word, said in zip(rows.labels, known.tolist(), strict=True)
        ],
        dtype=np.int64,
    )
    in_turn = np.argsort(rows.moment, kind="stable")
    times = rows.moment[in_turn]
    where, came = [np.empty((0, LEVELS), dtype=np.int64)], [np.empty(0, dtype=np.int64)]
    for start in starts.tolist():
        found, cells = context.open_orders.at(start)
        first, last = np.searchsorted(times, [start, start + days * MICROS_PER_DAY]).tolist()
        mine = in_turn[first:last]
        whose, at = np.unique(order[mine], return_index=True)
        outcome = dict(zip(whose.tolist(), label[mine[at]].tolist(), strict=True))
        nexts = np.array([outcome.get(row, len(classes)) for row in found.tolist()], dtype=np.int64)
        where.append(cells[nexts >= 0])
        came.append(nexts[nexts >= 0])
    return np.concatenate(where), np.concatenate(came)


def _log_loss(said: Floats, came: Ints) -> float:
    return float(-np.log(np.maximum(said[np.arange(len(came)), came], 1e-12)).mean())


def _among_top(said: Floats, came: Ints, had: npt.NDArray[np.bool_]) -> float:
    if not had.any():
        return float("nan")
    top = np.argsort(-said[had, :-1], axis=1, kind="stable")[:, :_TOP]
    return float((top == came[had, None]).any(axis=1).mean())
