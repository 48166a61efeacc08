"""Has the world moved away from what the champion was trained on? `triage drift`.

Inputs of the last weeks against the training rows, and outcomes that have matured since against
what the champion said of them. Features are worked out anew from the log: no state is kept.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

from triage.domain.clock import MICROS_PER_DAY, from_micros
from triage.features.compile import Floats, Ints
from triage.history.log import Log
from triage.models.at_risk import AtRiskModel
from triage.models.champion import bundle_folder, champion
from triage.models.drift_settings import DriftSettings, InputSettings, OutcomeSettings, load
from triage.training import drift_measures as measures
from triage.training import side_runs
from triage.training.drift_champion import Seen, seen_by
from triage.training.drift_report import DriftReport, InputDrift, OutcomeChange, OutcomeDrift
from triage.training.metrics import CLIP, losses
from triage.training.tracking import DIGEST_TAG, open_catalogue

Progress = Callable[[str], None]
EXCESS = "log loss beyond what its probabilities expect"
BIAS = "share late less predicted"
_EXPLAINED = 1_000


def drift(
    name: str,
    home: Path,
    *,
    workspace: Path | None = None,
    progress: Progress = lambda _: None,
) -> DriftReport:
    """Compare the log's last weeks with the champion's training, and record it in the catalogue.

    Args:
        name: the model.
        home: folder of everything generated.
        workspace: the declarations, if not those that came with the package.
        progress: told what is being done.

    Raises:
        BundleError: if no model was promoted, or its bundle was changed.
        HistoryError: if there is no log.
        DeclarationError: if `training/drift.toml` does not fit.
    """
    settings = load(workspace)
    digest = str(champion(home, name)["digest"])
    model = AtRiskModel.load(bundle_folder(home, name, digest), digest)
    progress("reading the log")
    history = Log(home).read()
    progress("inputs as the champion sees them")
    report = check(model, seen_by(model, history), history.extracted_at + 1, settings, progress)
    progress("recording in MLflow")
    record(report, name, home)
    return report


def check(
    model: AtRiskModel,
    seen: tuple[Seen, ...],
    moment: int,
    settings: DriftSettings,
    progress: Progress = lambda _: None,
) -> DriftReport:
    """Judge inputs and outcomes of every landmark by what is known before a moment.

    Args:
        model: the champion.
        seen: what it sees, by landmark.
        moment: UTC micros; the last weeks end here.
        settings: thresholds.
        progress: told what is being done.
    """
    inputs: list[InputDrift] = []
    outcomes: list[OutcomeDrift] = []
    for each in seen:
        progress(f"drift at {each.stage.name}")
        inputs += _inputs(model, each, moment, settings.inputs)
        outcomes.append(_outcomes(model, each, moment, settings.outcomes))
    return DriftReport(
        model.digest, _iso(model.numbers.trained_as_of), _iso(moment), tuple(inputs),
        tuple(outcomes), settings,
    )  # fmt: skip


def record(report: DriftReport, name: str, home: Path) -> None:
    """Put a report into the catalogue as a run tagged `drift`, if there is a catalogue."""
    if not side_runs.catalogue_exists(home):
        return
    tags = {DIGEST_TAG: report.digest, "retrain_advised": str(report.advised).lower()}
    figures = {f"{i.landmark}/psi/{i.feature}": i.psi for i in report.inputs}
    figures |= {f"{o.landmark}/observed_to_expected": o.ratio for o in report.outcomes}
    with open_catalogue(home) as client:
        run = side_runs.begin(client, home, name, "drift", f"drift {report.as_of[:10]}", tags=tags)
        side_runs.note(client, run, figures=figures)
        client.log_text(run, json.dumps(report.plain(), indent=1) + "\n", "drift.json")
        client.set_terminated(run)


def _inputs(
    model: AtRiskModel, seen: Seen, moment: int, settings: InputSettings
) -> list[InputDrift]:
    window = round(settings.days * MICROS_PER_DAY)
    rows = seen.rows
    recent = (rows.as_of >= moment - window) & (rows.as_of < moment)
    reference = rows.mature(model.numbers.trained_as_of) & (rows.as_of < moment - window)
    if not recent.any() or not reference.any():
        return []
    meanings = {slot.name: slot.meaning for slot in model.features.slots}
    shares = _shares(seen, np.flatnonzero(recent))
    found = []
    for at, name in enumerate(seen.stage.numbers.inputs):
        before, now = seen.x[reference, at], seen.x[recent, at]
        bins = measures.Bins.of(before, settings.bins)
        usual = measures.usual_psi(
            bins, before, rows.as_of[reference], window, settings.usual_quantile,
            settings.least_rows,
        )  # fmt: skip
        found.append(
            InputDrift(
                seen.stage.name,
                name,
                meanings[name],
                len(now),
                bins.psi(now),
                bins.by_chance(len(now)),
                usual,
                measures.ks(before, now),
                float(shares[at]),
            )
        )
    return found


def _shares(seen: Seen, recent: Ints) -> Floats:
    """Return each input's share of the mean |contribution| in the last weeks."""
    some = recent[np.linspace(0, len(recent) - 1, min(_EXPLAINED, len(recent))).astype(int)]
    size = np.abs(seen.stage.trees.explain(seen.x[some]).contributions).mean(axis=0)
    return np.asarray(size / max(size.sum(), 1e-12))


def _outcomes(
    model: AtRiskModel, seen: Seen, moment: int, settings: OutcomeSettings
) -> OutcomeDrift:
    rows = seen.rows
    since = rows.mature(moment) & (rows.late_at > model.numbers.trained_as_of)
    chosen = np.flatnonzero(since)
    chosen = chosen[np.argsort(rows.late_at[chosen], kind="stable")]
    if not len(chosen):
        return OutcomeDrift(seen.stage.name, 0, 0, 0.0, float("nan"), float("nan"), ())
    late = rows.take(chosen).known_late(moment).astype(np.float64)
    p = seen.probabilities(chosen)
    ratio, error = measures.observed_to_expected(late, p)
    known = rows.late_at[chosen]
    changes = (
        _change(EXCESS, losses(late, p) - entropy(p), known, settings),
        _change(BIAS, late - p, known, settings),
    )
    return OutcomeDrift(
        seen.stage.name, len(chosen), int(late.sum()), float(p.sum()), ratio, error,
        tuple(each for each in changes if each is not None),
    )  # fmt: skip


def entropy(p: Floats) -> Floats:
    """Return the log loss to be expected of each probability if it is right, (n,).

    Taken off the log loss, it leaves a stream whose mean is 0 for a calibrated model however many
    orders are late: a busy month, in which every model loses more, is no change of the model.
    """
    held = np.clip(p, CLIP, 1 - CLIP)
    return np.asarray(-(held * np.log(held) + (1 - held) * np.log1p(-held)))


def _change(
    measure: str, values: Floats, known: Ints, settings: OutcomeSettings
) -> OutcomeChange | None:
    found = measures.change(values, settings.adwin_delta)
    if found is None:
        return None
    worse = abs(found.after) > max(abs(found.before), settings.least_change)
    return OutcomeChange(measure, _iso(int(known[found.at])), found.before, found.after, worse)


def _iso(moment: int) -> str:
    return from_micros(moment).isoformat(timespec="minutes")
