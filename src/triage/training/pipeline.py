"""Train, judge, record, promote: what one command does, and what it says when a gate fails."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from triage.training import gates as gating
from triage.training.gates import GateResult
from triage.training.metrics import evaluate
from triage.training.promise import load as load_promise
from triage.training.registry import promote
from triage.training.run import TrainingRun
from triage.training.tracking import TrackedRun, track
from triage.training.train import train


@dataclass(frozen=True, slots=True)
class Judged:
    """A training run with its figures, gates and place in the catalogue."""

    run: TrainingRun
    figures: pd.DataFrame
    gates: tuple[GateResult, ...]
    tracked: TrackedRun

    @property
    def passed(self) -> bool:
        """Return whether every gate passed."""
        return all(gate.passed for gate in self.gates)


def train_and_judge(
    name: str, home: Path, *, workspace: Path | None, progress: Callable[[str], None]
) -> Judged:
    """Train a model, evaluate it, check its gates and record all of it in MLflow.

    Raises:
        TriageError: if the log or a declaration does not allow it.
    """
    run = train(name, home, workspace=workspace, progress=progress)
    progress("evaluating")
    figures = evaluate(run.predictions)
    results = gating.check(run, figures, load_promise(name, workspace))
    progress("recording in MLflow")
    return Judged(run, figures, results, track(run, figures, results, home))


def promote_judged(judged: Judged, home: Path, *, who: str, why: str) -> None:
    """Make a judged run the champion.

    Raises:
        GateError: if a gate failed, with its figures and what to do next.
    """
    promote(
        home, judged.run.name, judged.tracked.model_version, who=who, why=why, gates=judged.gates
    )
