"""A run of plain files in MLflow's catalogue and registry; promotion is that of any model."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from triage.training.file_run import FileRun
from triage.training.thresholds import metric_name, validate
from triage.training.tracking import (
    BUNDLE,
    DIGEST_TAG,
    GATES_TAG,
    VALIDATION_TAG,
    TrackedRun,
    log_figures,
    open_catalogue,
)
from triage.training.verdict import standing

if TYPE_CHECKING:
    from mlflow import MlflowClient

_ARTIFACTS = "mlartifacts"


def track_files(run: FileRun, home: Path) -> TrackedRun:
    """Record a run and register its bundle as a new version, whether or not its gates passed."""
    with open_catalogue(home) as client:
        tags = {
            DIGEST_TAG: run.digest,
            GATES_TAG: standing(run.gates).value,
            VALIDATION_TAG: "failed" if validate(run.gates) else "passed",
        }
        started = client.create_run(
            _experiment(client, run.name, home), run_name=f"{run.name} {run.digest[:12]}", tags=tags
        )
        run_id = started.info.run_id
        try:
            _record(client, run_id, run)
            version = _register(client, run, run_id, started.info.artifact_uri, tags)
        except BaseException:
            client.set_terminated(run_id, "FAILED")
            raise
        client.set_terminated(run_id)
    return TrackedRun(run_id, version)


def _record(client: MlflowClient, run_id: str, run: FileRun) -> None:
    for name, value in sorted(run.dataset.items()):
        client.log_param(run_id, f"dataset.{name}", str(value))
    log_figures(client, run_id, run.figures)
    judged = {metric_name(gate): gate.measured for gate in run.gates}
    log_figures(client, run_id, {name: x for name, x in judged.items() if x is not None})
    with tempfile.TemporaryDirectory(prefix="triage-run-") as folder:
        for name, text in run.documents().items():
            (Path(folder) / name).write_text(text, encoding="utf-8")
        client.log_artifacts(run_id, folder)
    client.log_artifacts(run_id, str(run.bundle), BUNDLE)


def _experiment(client: MlflowClient, name: str, home: Path) -> str:
    found = client.get_experiment_by_name(name)
    if found is not None:
        return str(found.experiment_id)
    place = (home.resolve() / _ARTIFACTS).as_uri()
    return str(client.create_experiment(name, artifact_location=place))


def _register(
    client: MlflowClient, run: FileRun, run_id: str, artifacts: str, tags: dict[str, str]
) -> str:
    if not client.search_registered_models(f"name = '{run.name}'"):
        client.create_registered_model(run.name, description=f"Advises; see models/{run.name}.toml")
    registered = client.create_model_version(
        run.name, f"{artifacts}/{BUNDLE}", run_id, tags=tags, description=f"bundle {run.digest}"
    )
    return str(registered.version)
