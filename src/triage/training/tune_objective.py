"""What a trial is judged by: log loss on months before those of the recipe's evaluation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from triage.errors import NotEnoughHistoryError
from triage.features.facts import TIME
from triage.training import tune_space
from triage.training.backtest import evaluation_months, month_start
from triage.training.metrics import losses, settled
from triage.training.prepared import Prepared
from triage.training.recipe import Recipe
from triage.training.train import evaluate_months

if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import Trial

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Months:
    """Months that judge the trials, and those that are held back until the search is over."""

    judging: tuple[str, ...]
    held_back: tuple[str, ...]

    @classmethod
    def of(cls, prepared: Prepared, recipe: Recipe, count: int) -> Months:
        """Return the recipe's evaluation months, and `count` that had matured when they began.

        Raises:
            NotEnoughHistoryError: if there are none before the months of evaluation.
        """
        zone, rows = prepared.time_zone, prepared.data[0].rows
        held = evaluation_months(rows, prepared.known_until, zone, recipe.evaluation)
        wanted = recipe.evaluation.model_copy(update={"months": count})
        before = evaluation_months(rows, month_start(held[0], zone), zone, wanted) if held else []
        if not before:
            raise NotEnoughHistoryError(
                "no whole months are left before those of the recipe's evaluation: import more"
                f" history, or lower `months` in {tune_space.WHERE}"
            )
        return cls(tuple(before), tuple(held))


@dataclass(frozen=True, slots=True)
class Objective:
    """What a trial is judged by: mean over the landmarks of the log loss, over all its months."""

    prepared: Prepared
    recipe: Recipe
    space: tune_space.Space
    months: Months
    progress: Progress

    def __call__(self, trial: Trial) -> float:
        """Fit and score the trial's recipe month by month; end it early if it is poor."""
        import optuna  # noqa: PLC0415  heavy: only who tunes pays for it

        recipe = tune_space.changed(self.recipe, self.space.suggest(trial))
        frames: list[pd.DataFrame] = []
        loss = float("nan")
        for at, month in enumerate(self.months.judging, start=1):
            self.progress(f"trial {trial.number + 1}: {month}, {_best_so_far(trial.study)}")
            frames.append(self._month(recipe, month))
            loss = mean_loss(pd.concat(frames))
            trial.report(loss, at)
            if at < len(self.months.judging) and trial.should_prune():
                raise optuna.TrialPruned
        return loss

    def _month(self, recipe: Recipe, month: str) -> pd.DataFrame:
        frame = settled(evaluate_months(self.prepared, recipe, [month]))
        start = month_start(self.months.held_back[0], self.prepared.time_zone)
        return promise_passed(frame, self.prepared, start)


def mean_loss(frame: pd.DataFrame) -> float:
    """Return the mean over the landmarks of the model's mean log loss."""
    loss = pd.Series(losses(frame["late"], frame["model"]), index=frame.index)
    return float(loss.groupby(frame["landmark"]).mean().mean())


def promise_passed(frame: pd.DataFrame, prepared: Prepared, moment: int) -> pd.DataFrame:
    """Return the rows of orders whose promise (plus tolerance) passed before a moment.

    An order whose promise had not passed when the months held back began could have a row in them.

    Raises:
        NotEnoughHistoryError: if there is none.
    """
    book = prepared.book
    rows = [book.row_of[order] for order in frame["order_id"]]
    late_at = book.event[rows, TIME["promised_by"]] + prepared.features.program.tolerance
    kept = frame[late_at <= moment]
    if kept.empty:
        raise NotEnoughHistoryError(
            "no order of the judging months had a promise that passed before the months held back:"
            " import more history"
        )
    return kept


def _best_so_far(study: Study) -> str:
    from optuna.trial import TrialState  # noqa: PLC0415

    done = [t.value for t in study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))]
    known = [value for value in done if value is not None]
    return f"best log loss so far {min(known):.4f}" if known else "the recipe itself first"
