"""Runs in the catalogue that register no model: searches, trials, checks for drift."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from triage.training.tracking import _DATABASE, _experiment, _key, log_figures

if TYPE_CHECKING:
    from mlflow import MlflowClient

PARENT_TAG = "mlflow.parentRunId"
KIND_TAG = "kind"


def begin(
    client: MlflowClient,
    home: Path,
    name: str,
    kind: str,
    title: str,
    *,
    tags: Mapping[str, str] | None = None,
    parent: str | None = None,
) -> str:
    """Open a run beside the training runs of a model and return its id.

    Args:
        client: of the catalogue below `home`.
        home: folder of everything generated.
        name: the model's name, which is the experiment's.
        kind: what the run is (`tune`, `trial`, `drift`); kept as a tag.
        title: name of the run.
        tags: further tags.
        parent: run below which it is shown.
    """
    own = {KIND_TAG: kind, **(tags or {})}
    if parent is not None:
        own[PARENT_TAG] = parent
    started = client.create_run(_experiment(client, name, home), run_name=title, tags=own)
    return str(started.info.run_id)


def catalogue_exists(home: Path) -> bool:
    """Return whether anything was ever recorded below `home`."""
    return (home / _DATABASE).is_file()


def note(
    client: MlflowClient,
    run_id: str,
    *,
    parameters: Mapping[str, object] | None = None,
    figures: Mapping[str, float] | None = None,
) -> None:
    """Add parameters (at most a hundred) and figures to a run."""
    from mlflow.entities import Param  # noqa: PLC0415  heavy: only who tracks pays for it

    params = [Param(_key(name), str(value)) for name, value in (parameters or {}).items()]
    if params:
        client.log_batch(run_id, params=params)
    log_figures(client, run_id, dict(figures or {}))
