"""Train, judge, record, promote: what one command does, and what it says when a gate fails."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Thread

import pandas as pd

from triage.features.availability import available
from triage.history.log import Log
from triage.models.bundle import write_bundle
from triage.models.champion import bundle_folder, find_champion
from triage.models.exceptions import NAME as EXCEPTIONS
from triage.models.prices import NAME as PRICES
from triage.training import gates as gating
from triage.training.catalogue import fetch, open_version, registered_gates
from triage.training.metrics import evaluate
from triage.training.promise import load as load_promise
from triage.training.registry import promote
from triage.training.rehearsal import Bundle, Serve, rehearse
from triage.training.report_page import write_report
from triage.training.run import TrainingRun
from triage.training.segments import with_segments
from triage.training.tracking import (
    TrackedRun,
    load_library,
    open_catalogue,
    require_registry,
    track,
)
from triage.training.train import train
from triage.training.verdict import GateResult, Standing, standing

_WITHOUT_REHEARSAL = frozenset({PRICES, EXCEPTIONS})
"""Models that do not rank the list: the gates of their registration decide alone."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A training run with its figures, gates, place in the catalogue, and page for people."""

    run: TrainingRun
    figures: pd.DataFrame
    gates: tuple[GateResult, ...]
    tracked: TrackedRun
    page: Path

    @property
    def passed(self) -> bool:
        """Return whether every gate passed."""
        return standing(self.gates) is Standing.PASSED


def train_and_judge(
    name: str,
    home: Path,
    *,
    workspace: Path | None,
    progress: Callable[[str], None],
    serve: Serve | None = None,
) -> Judged:
    """Train a model, evaluate it, check its gates and record all of it in MLflow.

    Args:
        name: the recipe, `training/<name>.toml`, and the promise, `models/<name>.toml`.
        home: where the log is.
        workspace: the declarations, if not those that came with the package.
        progress: told what is being done.
        serve: how a bundle answers; without it speed, stability and replay are not judged.

    Raises:
        TriageError: if the log or a declaration does not allow it.
    """
    promise = load_promise(name, workspace)
    require_registry(home)
    library = Thread(target=load_library)
    library.start()
    try:
        run = train(name, home, workspace=workspace, progress=progress)
    finally:
        library.join()
    progress("evaluating")
    history = Log(home).read()
    run = replace(run, predictions=with_segments(run.predictions, history))
    figures = evaluate(run.predictions)
    results = gating.check(run, figures, promise, available=available(history))
    if serve is not None:
        progress("rehearsing: speed, stability, replay")
        bundle = Bundle(run.bundle, run.digest)
        results += rehearse(bundle, champion_bundle(home, name), history, serve, promise)
    progress("writing the report")
    page = write_report(run, figures, results, home / "runs" / f"{run.digest}.html")
    progress("recording in MLflow")
    return Judged(run, figures, results, track(run, figures, results, home, page), page)


def promote_judged(
    judged: Judged, home: Path, *, who: str, why: str, accept_unstable: bool = False
) -> None:
    """Make a judged run the champion.

    Raises:
        GateError: if a gate failed, with its figures and what to do next.
    """
    promote(
        home, judged.run.name, judged.tracked.model_version, who=who, why=why, gates=judged.gates,
        accept_unstable=accept_unstable,
    )  # fmt: skip


def promote_version(
    name: str,
    version: str,
    home: Path,
    *,
    who: str,
    why: str,
    accept_unstable: bool,
    workspace: Path | None,
    serve: Serve,
) -> tuple[GateResult, ...]:
    """Make a registered version the champion, rehearsed anew on the log and the champion of today.

    Returns:
        The gates by which it was promoted: those of its registration, the rehearsal's as of now.

    Raises:
        GateError: if a gate failed, then or now, with its figures and what to do next.
        BundleError: if there is no such version, or its bytes are not those that were registered.
        HistoryError: if there is no log to rehearse on.
    """
    if name in _WITHOUT_REHEARSAL:
        judged = registered_gates(home, name, version)
        promote(home, name, version, who=who, why=why, gates=judged)
        return judged
    history = Log(home).read()
    with open_catalogue(home) as client:
        digest, files = fetch(client, open_version(client, name, version))
    with tempfile.TemporaryDirectory(prefix="triage-rehearsal-") as folder:
        bundle = Bundle(Path(folder) / "bundle", digest)
        write_bundle(bundle.folder, name, files)
        today = rehearse(
            bundle, champion_bundle(home, name), history, serve, load_promise(name, workspace)
        )
    anew = {gate.name for gate in today}
    gates = (*(g for g in registered_gates(home, name, version) if g.name not in anew), *today)
    promote(home, name, version, who=who, why=why, gates=gates, accept_unstable=accept_unstable)
    return gates


def champion_bundle(home: Path, name: str) -> Bundle | None:
    """Return the bundle in force; None if no model was promoted.

    Raises:
        BundleError: if the pointer cannot be read.
    """
    pointer = find_champion(home, name)
    if pointer is None:
        return None
    return Bundle(bundle_folder(home, name, pointer["digest"]), pointer["digest"])
