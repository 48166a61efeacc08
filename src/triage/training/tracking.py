"""A run in the catalogue: MLflow on SQLite below the home folder. Never on the request path.

The model is registered as plain files, not as a pyfunc: nothing in it can be unpickled, and MLflow
has no environment to infer.
"""

from __future__ import annotations

import json
import logging
import os
import re
import shutil
import sqlite3
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from triage.errors import RegistryError
from triage.training.card import model_card
from triage.training.metrics import NAMES, POOLED, WITHIN_MONTH
from triage.training.report_page import write_report
from triage.training.report_table import as_dict
from triage.training.run import TrainingRun
from triage.training.thresholds import metric_name, validate
from triage.training.verdict import GateResult, standing

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Metric

BUNDLE = "bundle"
DIGEST_TAG = "digest"
GATES_TAG = "gates"
GATES_FILE = "gates.json"
REPORT_FILE = "report.html"
CARD_FILE = "model_card.md"
VALIDATION_TAG = "mlflow_validation"
_DATABASE, _ARTIFACTS = "mlflow.db", "mlartifacts"
_LONGEST_DATASET_DIGEST = 36
_LONGEST_PARAMETER = 6_000
_METRICS_A_BATCH, _PARAMETERS_A_BATCH = 1_000, 100
_SWITCHES = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false"}
_REQUIREMENTS = ("fulfilment-triage", "lightgbm", "numpy", "numba")


@dataclass(frozen=True, slots=True)
class TrackedRun:
    """Where a run is found in the catalogue: MLflow's run id, version of the registered model."""

    run_id: str
    model_version: str


def track(
    run: TrainingRun,
    tidy: pd.DataFrame,
    gates: tuple[GateResult, ...],
    home: Path,
    page: Path | None = None,
) -> TrackedRun:
    """Record a run and register its bundle as a new version.

    Args:
        run: the run.
        tidy: what `metrics.evaluate` gives for its predictions.
        gates: every gate's result; a version whose gates failed is registered all the same, says
            so in its tags (passed, unstable or failed), and cannot be promoted.
        home: folder of everything generated; the store is created if it is absent.
        page: the run's report if it is written already.
    """
    tags = {DIGEST_TAG: run.digest, GATES_TAG: standing(gates).value}
    with open_catalogue(home) as client:
        refused = validate(gates)
        tags[VALIDATION_TAG] = "failed" if refused else "passed"
        experiment = _experiment(client, run.name, home)
        started = client.create_run(experiment, run_name=f"{run.name} {run.digest[:12]}", tags=tags)
        run_id = started.info.run_id
        try:
            _log_facts(client, run_id, run, tidy)
            _log_gates(client, run_id, gates, refused)
            with tempfile.TemporaryDirectory(prefix="triage-run-") as folder:
                _write_artifacts(Path(folder), run, tidy, gates, page)
                client.log_artifacts(run_id, folder)
            client.log_artifacts(run_id, str(run.bundle), BUNDLE)
            registered = _register(
                client, run, f"{started.info.artifact_uri}/{BUNDLE}", run_id, tags
            )
        except BaseException:
            client.set_terminated(run_id, "FAILED")
            raise
        client.set_terminated(run_id)
    return TrackedRun(run_id, registered)


def load_library() -> None:
    """Import MLflow, quietly: it takes seconds, in which something else can be done."""
    with _quiet():
        from mlflow import MlflowClient  # noqa: F401, PLC0415


@contextmanager
def open_catalogue(home: Path) -> Iterator[MlflowClient]:
    """Give a client of the store below `home`; nothing global is changed when it ends.

    The tracking URI stays the caller's, telemetry is off, MLflow's log is quiet.

    Raises:
        RegistryError: if the database of the store cannot be read or written.
    """
    home = home.resolve()
    home.mkdir(parents=True, exist_ok=True)
    place = home / _DATABASE
    uri = f"sqlite:///{place}"
    with _quiet():
        from mlflow import MlflowClient  # noqa: PLC0415  heavy: only who tracks pays for it

        try:
            yield MlflowClient(tracking_uri=uri, registry_uri=uri)
        except Exception as error:
            failed = failed_store(error)
            if failed is None:
                raise
            raise _unusable(place, failed) from error


def require_registry(home: Path) -> None:
    """See that the database can be read, if there is one: before a training, not after it.

    Raises:
        RegistryError: if it cannot.
    """
    place = home.resolve() / _DATABASE
    if not place.exists():
        return
    try:
        with closing(sqlite3.connect(f"{place.as_uri()}?mode=ro", uri=True)) as opened:
            opened.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.Error as error:
        raise _unusable(place, str(error)) from error


def _unusable(place: Path, why: str) -> RegistryError:
    return RegistryError(
        f"{place}: {why}. The champion stays in force. Try again; if the file is damaged bring it "
        "back from a copy, or set it aside: `triage train` begins a new registry"
    )


def failed_store(error: BaseException) -> str | None:
    """Return what ails MLflow's database if an error comes from there; None if it does not."""
    for each in (error, error.__cause__):
        origin = getattr(each, "orig", None)  # SQLAlchemy's name for what the driver raised
        if isinstance(origin, sqlite3.Error):
            return str(origin)
    return None


@contextmanager
def _quiet() -> Iterator[None]:
    """Hold back MLflow's messages, its telemetry and the warnings of its own libraries."""
    before = {name: os.environ.get(name) for name in _SWITCHES}
    logger = logging.getLogger("mlflow")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        os.environ.update(_SWITCHES)
        level = logger.level
        try:
            import mlflow  # noqa: F401, PLC0415  sets its own log level when it is imported

            level = logger.level
            logger.setLevel(logging.ERROR)
            yield
        finally:
            logger.setLevel(level)
            for name, value in before.items():
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value


def _experiment(client: MlflowClient, name: str, home: Path) -> str:
    found = client.get_experiment_by_name(name)
    if found is not None:
        return str(found.experiment_id)
    place = (home.resolve() / _ARTIFACTS).as_uri()
    return str(client.create_experiment(name, artifact_location=place))


def _log_facts(client: MlflowClient, run_id: str, run: TrainingRun, tidy: pd.DataFrame) -> None:
    from mlflow.entities import Param  # noqa: PLC0415

    parameters = [
        Param(_key(name), str(value)[:_LONGEST_PARAMETER])
        for name, value in sorted(run.parameters.items())
    ]
    for start in range(0, len(parameters), _PARAMETERS_A_BATCH):
        client.log_batch(run_id, params=parameters[start : start + _PARAMETERS_A_BATCH])
    metrics = _metrics(tidy)
    for start in range(0, len(metrics), _METRICS_A_BATCH):
        client.log_batch(run_id, metrics=metrics[start : start + _METRICS_A_BATCH])
    _log_dataset(client, run_id, run)


def log_figures(client: MlflowClient, run_id: str, figures: dict[str, float]) -> None:
    """Record figures by name with a run; those that are not defined (NaN) are left out."""
    from mlflow.entities import Metric  # noqa: PLC0415

    now = int(time.time() * 1000)
    metrics = [Metric(_key(k), float(x), now, 0) for k, x in figures.items() if not pd.isna(x)]
    for start in range(0, len(metrics), _METRICS_A_BATCH):
        client.log_batch(run_id, metrics=metrics[start : start + _METRICS_A_BATCH])


def _log_gates(
    client: MlflowClient, run_id: str, gates: tuple[GateResult, ...], refused: str
) -> None:
    """Record each gate's figure and bound, and what MLflow's own validation said of them."""
    figures = {metric_name(gate): gate.measured for gate in gates}
    figures |= {f"{metric_name(gate)}_required": gate.required for gate in gates}
    log_figures(client, run_id, {name: x for name, x in figures.items() if x is not None})
    client.log_text(run_id, (refused or "Model validation passed") + "\n", "validation.txt")


def _metrics(tidy: pd.DataFrame) -> list[Metric]:
    """Return `landmark/predictor/metric`, the same within months, and by month (step = yyyymm)."""
    from mlflow.entities import Metric  # noqa: PLC0415

    now = int(time.time() * 1000)
    found = []
    for row in tidy.to_dict("records"):
        for name in NAMES:
            if pd.isna(row[name]):
                continue
            key, step = f"{row['landmark']}/{row['predictor']}/{name}", 0
            if row["month"] == WITHIN_MONTH:
                key += "_within_month"
            elif row["month"] != POOLED:
                key, step = f"{key}_by_month", int(str(row["month"]).replace("-", ""))
            found.append(Metric(_key(key), float(row[name]), now, step))
    return found


def _log_dataset(client: MlflowClient, run_id: str, run: TrainingRun) -> None:
    """Record the log as the run's input; MLflow keeps 36 digits of a dataset's digest."""
    from mlflow.entities import Dataset, DatasetInput, InputTag  # noqa: PLC0415

    fingerprint = str(run.dataset["fingerprint"])
    dataset = Dataset(
        name="history",
        digest=fingerprint[:_LONGEST_DATASET_DIGEST],
        source_type="triage-log",
        source=json.dumps({"fingerprint": fingerprint, "sources": run.dataset.get("sources")}),
        profile=json.dumps(run.dataset, default=str),
    )
    context = InputTag("mlflow.data.context", "training")
    client.log_inputs(run_id, [DatasetInput(dataset, [context])])


def _write_artifacts(
    folder: Path,
    run: TrainingRun,
    tidy: pd.DataFrame,
    gates: tuple[GateResult, ...],
    page: Path | None,
) -> None:
    documents: dict[str, Any] = {
        "metrics.json": as_dict(tidy),
        GATES_FILE: [asdict(gate) for gate in gates],
        "recipe.json": run.recipe,
        "dataset.json": run.dataset,
    }
    for name, content in documents.items():
        text = json.dumps(content, indent=1, default=str) + "\n"
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "declarations.json").write_text(run.declarations, encoding="utf-8")
    (folder / CARD_FILE).write_text(model_card(run, tidy, gates), encoding="utf-8")
    pins = "".join(f"{name}=={version(name)}\n" for name in _REQUIREMENTS if _installed(name))
    (folder / "requirements.txt").write_text(pins, encoding="utf-8")
    if page is None:
        write_report(run, tidy, gates, folder / REPORT_FILE)
    else:
        shutil.copyfile(page, folder / REPORT_FILE)


def _register(
    client: MlflowClient, run: TrainingRun, source: str, run_id: str, tags: dict[str, str]
) -> str:
    from mlflow.exceptions import MlflowException  # noqa: PLC0415

    try:
        client.get_registered_model(run.name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        client.create_registered_model(run.name, description="Advises; see the model card")
    registered = client.create_model_version(
        run.name, source, run_id, tags=tags, description=f"bundle {run.digest}"
    )
    return str(registered.version)


def _key(text: str) -> str:
    """Return a name in the characters that MLflow takes."""
    return re.sub(r"[^\w\-. :/]", "_", text)


def _installed(name: str) -> bool:
    try:
        version(name)
    except PackageNotFoundError:
        return False
    return True
