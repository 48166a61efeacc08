"""What the at-risk model says of late orders of months it has not seen, as frames of causes.

One fit as of the first of these months; each late order is asked about twice, at its last landmark
row before the promise passed and in the minute before it passed. Where too few orders waited at a
stage for a model of their own, the stage's model is asked as of that moment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from triage.advice.causes import CAUSES, Causes
from triage.advice.steps import Delays, UsualSteps, WorkingTime
from triage.domain.clock import MICROS_PER_DAY, MICROS_PER_MINUTE, to_micros
from triage.features.compile import Floats
from triage.features.engine import FeatureEngine
from triage.history.importer import import_extract
from triage.history.log import Log
from triage.models.landmarks import WAITING, stage_of
from triage.models.trees import TreeEnsemble
from triage.simulation.attribution import OF_ADVICE
from triage.training import recipe as recipes
from triage.training.fit import FittedLandmark
from triage.training.landmark_data import LandmarkData
from triage.training.prepared import Prepared, prepare
from triage.training.recipe import Recipe
from triage.training.train import fit_all

Progress = Callable[[str], None]
LAST_ROW = "model, last landmark row"
PASSING = "model, as the promise passes"
PLAIN = "model, last landmark row, by concept alone"


@dataclass(frozen=True, slots=True)
class _Asked:
    """Orders at one landmark: contributions, effect of the promise, steps so far."""

    order_id: list[str]
    landmark: str
    inputs: tuple[str, ...]
    contributions: Floats
    promise: Floats
    delays: list[Delays]


def model_effects(
    extract: Path, home: Path, since: str, progress: Progress, workspace: Path | None = None
) -> dict[str, pd.DataFrame]:
    """Return frames of order_id and one column a cause, named as the truth names causes.

    Args:
        extract: of the simulated distributor.
        home: where the log goes.
        since: the first month that the model has not seen, such as "2025-11".
        progress: told what is being done.
        workspace: declarations, if not those that came with the package.
    """
    import_extract("sample", extract, home, progress=progress)
    recipe, _ = recipes.load("at_risk", workspace)
    prepared = prepare(home, recipe, workspace=workspace, progress=progress)
    moment = to_micros(pd.Timestamp(since, tz=prepared.time_zone).to_pydatetime())
    fitted = fit_all(prepared, moment, recipe, progress)
    engine = FeatureEngine.of(Log(home).read(), prepared.features)
    last = list(_ask(prepared, engine, recipe, fitted, moment, passing=False))
    passing = list(_ask(prepared, engine, recipe, fitted, moment, passing=True))
    return {
        LAST_ROW: _frame(prepared, last),
        PASSING: _frame(prepared, passing),
        PLAIN: _plain(prepared, last),
    }


def _ask(
    prepared: Prepared, engine: FeatureEngine, recipe: Recipe, fitted: dict[str, FittedLandmark],
    moment: int, *, passing: bool,
) -> Iterator[_Asked]:  # fmt: skip
    book = prepared.book
    data_of = {data.rows.landmark: data for data in prepared.data}
    source = prepared.history.sources[0]
    time = WorkingTime(source.time_zone, source.country, source.worked_holidays)
    steps = UsualSteps.of(book, moment, time)
    for landmark, rows in _last_rows(data_of, moment).groupby("landmark"):
        name, as_of = str(landmark), rows["as_of"].to_numpy()
        if passing:
            as_of = rows["late_at"].to_numpy() - MICROS_PER_MINUTE
            name = f"{stage_of(name)}{WAITING}"
        model = name if name in fitted else stage_of(name)
        data, order = data_of[model], rows["order"].to_numpy()
        x = engine.matrix(order, as_of, fitted[model].inputs)
        trees = TreeEnsemble.from_model_text(fitted[model].trees)
        days = (rows["late_at"].to_numpy() - as_of) / MICROS_PER_DAY
        usual = np.log1p(data.rows.promise_days()[data.rows.mature(moment)]).mean()
        yield _Asked(
            [book.ids[at] for at in order.tolist()], name, fitted[model].inputs,
            trees.explain(x).contributions,
            (1.0 - recipe.target.offset) * (usual - np.log1p(days)),
            [
                steps.delays(book.event[at].tolist(), book.known[at].tolist(), when)
                for at, when in zip(order.tolist(), as_of.tolist(), strict=True)
            ],
        )  # fmt: skip


def _last_rows(data_of: dict[str, LandmarkData], moment: int) -> pd.DataFrame:
    """Return the last row of each order that was late, of rows since a moment."""
    frames = []
    for landmark, data in data_of.items():
        rows = data.rows.take(np.flatnonzero((data.rows.as_of >= moment) & (data.rows.late() == 1)))
        frames.append(
            pd.DataFrame(
                {"landmark": landmark, "order": rows.order, "as_of": rows.as_of,
                 "late_at": rows.late_at}
            )
        )  # fmt: skip
    every = pd.concat(frames).sort_values(["order", "as_of"], kind="stable")
    return every.groupby("order").tail(1)


def _frame(prepared: Prepared, asked: list[_Asked]) -> pd.DataFrame:
    rows = []
    for each in asked:
        causes = Causes(each.landmark, each.inputs, prepared.features)
        for order_id, effects, promise, delays in zip(
            each.order_id, each.contributions, each.promise.tolist(), each.delays, strict=True
        ):
            shares = causes.shares(effects, promise, 0.0, delays)
            rows.append({"order_id": order_id} | {one.cause: one.share for one in shares})
    return _named(pd.DataFrame(rows, columns=["order_id", *CAUSES]).fillna(0.0))


def _plain(prepared: Prepared, asked: list[_Asked]) -> pd.DataFrame:
    """Return sums of effects by what their concepts stand for, whatever the steps took."""
    cause_of = {
        slot.name: prepared.features.declarations.concepts[slot.concept].cause
        for slot in prepared.features.slots
    }
    frames = []
    for each in asked:
        groups = [cause_of[name] for name in each.inputs]
        frame = pd.DataFrame(each.contributions, columns=groups).T.groupby(level=0).sum().T
        frame = frame.reindex(columns=list(CAUSES), fill_value=0.0)
        frame["promise"] += each.promise
        frames.append(frame.assign(order_id=each.order_id))
    return _named(pd.concat(frames, ignore_index=True))


def _named(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.rename(columns=OF_ADVICE)[["order_id", *OF_ADVICE.values()]]
