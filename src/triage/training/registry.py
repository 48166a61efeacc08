"""From a registered version to the champion in force.

The pointer `champion.json` decides; MLflow's aliases follow it. Bytes are copied and checked first,
then the pointer is replaced in one step, then the aliases: whatever stops in between, the old
champion stays in force until the new one is there as a whole.
"""

from __future__ import annotations

import os
import tempfile
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from triage.errors import BundleError, GateError
from triage.models.bundle import read_bundle, write_bundle
from triage.models.champion import bundle_folder, find_champion, point_to, sync_folder
from triage.training.gates import GateResult, require
from triage.training.tracking import DIGEST_TAG, GATES_TAG, open_catalogue

if TYPE_CHECKING:
    from mlflow import MlflowClient

CHAMPION, PREVIOUS = "champion", "previous"


def promote(
    home: Path, name: str, version: str, *, who: str, why: str, gates: tuple[GateResult, ...]
) -> None:
    """Make a registered version the champion.

    Args:
        home: folder of everything generated.
        name: the registered model.
        version: its version, as `tracking.track` gives it.
        who: who decided.
        why: the reason, in words.
        gates: what `gates.check` gave for this version.

    Raises:
        GateError: if a gate failed, now or when the version was registered; gives the figures.
        BundleError: if there is no such version, or its bytes are not those that were registered.
    """
    require(gates)
    with open_catalogue(home) as client:
        digest, files = _fetch(client, name, version)
        _install(home, name, digest, files)
        former = find_champion(home, name)
        pointer = {
            "digest": digest,
            "version": str(version),
            "promoted_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "who": who,
            "why": why,
            "gates": [asdict(gate) for gate in gates],
            "previous": _previous(former, digest),
        }
        point_to(home, name, pointer)
        _set_aliases(client, name, pointer)


def _fetch(client: MlflowClient, name: str, version: str) -> tuple[str, dict[str, bytes]]:
    """Return digest and files of a version, checked against the digest of its registration."""
    from mlflow.artifacts import download_artifacts  # noqa: PLC0415  heavy: only who promotes pays
    from mlflow.exceptions import MlflowException  # noqa: PLC0415

    try:
        registered = client.get_model_version(name, version)
    except MlflowException as error:
        raise BundleError(f"{name} has no version {version}: run `triage train {name}`") from error
    if registered.tags.get(GATES_TAG) != "passed":
        raise GateError(
            f"version {version} of {name} was registered with failed gates: see gates.json of run "
            f"{registered.run_id}, then train again"
        )
    with tempfile.TemporaryDirectory(prefix="triage-bundle-") as folder:
        try:
            place = download_artifacts(
                artifact_uri=registered.source, dst_path=folder, tracking_uri=client.tracking_uri
            )
        except (MlflowException, OSError) as error:
            raise BundleError(
                f"the files of {name} version {version} are not at {registered.source}: {error}"
            ) from error
        return read_bundle(Path(place), registered.tags[DIGEST_TAG])


def _install(home: Path, name: str, digest: str, files: dict[str, bytes]) -> None:
    """Write the bundle below `home`, durably; one that is there and whole is left as it is."""
    folder = bundle_folder(home, name, digest)
    if folder.is_dir() and _whole(folder, digest):
        return
    written = write_bundle(folder, name, files)
    if written != digest:
        raise BundleError(f"the bundle {digest} is not of a model named {name}: refused")
    for path in sorted(folder.rglob("*")):
        if path.is_dir():
            sync_folder(path)
        else:
            with path.open("rb") as file:
                os.fsync(file.fileno())
    sync_folder(folder)
    sync_folder(folder.parent)


def _whole(folder: Path, digest: str) -> bool:
    try:
        read_bundle(folder, digest)
    except BundleError:
        return False
    return True


def _previous(former: dict[str, Any] | None, digest: str) -> dict[str, Any] | None:
    """Return digest and version of the champion before; promoting one again keeps its own."""
    if former is None:
        return None
    if former["digest"] == digest:
        kept: dict[str, Any] | None = former.get("previous")
        return kept
    return {"digest": former["digest"], "version": former["version"]}


def _set_aliases(client: MlflowClient, name: str, pointer: dict[str, Any]) -> None:
    client.set_registered_model_alias(name, CHAMPION, pointer["version"])
    if pointer["previous"] is not None:
        client.set_registered_model_alias(name, PREVIOUS, pointer["previous"]["version"])
