"""Registered versions in MLflow: bytes, gates, aliases, and what people see of them."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from triage.errors import BundleError, GateError
from triage.models.bundle import read_bundle
from triage.models.champion import find_challenger, find_champion
from triage.models.promotions import promotions
from triage.training.tracking import (
    CARD_FILE,
    DIGEST_TAG,
    GATES_FILE,
    GATES_TAG,
    failed_store,
    open_catalogue,
)
from triage.training.verdict import STABILITY, Bound, GateResult, Standing

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

CHAMPION, PREVIOUS, CHALLENGER = "champion", "previous", "challenger"


@dataclass(frozen=True, slots=True)
class ListedVersion:
    """One registered version as people see it.

    Attributes:
        version: number in the registry.
        digest: of its bundle; empty if it was registered by another program.
        gates: passed, unstable or failed when it was registered.
        alias: "champion", "previous", "challenger" or nothing, by the pointers.
        promotion: the pointer with which it was last put in force; None if it never was.
    """

    version: str
    digest: str
    gates: str
    alias: str
    promotion: dict[str, Any] | None


def listed_versions(home: Path, name: str) -> list[ListedVersion]:
    """Return every registered version, newest first.

    Raises:
        BundleError: if none was registered.
    """
    current = find_champion(home, name) or {}
    alias = {(current.get("previous") or {}).get("version"): PREVIOUS}
    alias[(find_challenger(home, name) or {}).get("version")] = CHALLENGER
    alias[current.get("version")] = CHAMPION
    last = {str(entry.get("version")): entry for entry in promotions(home, name)}
    with open_catalogue(home) as client:
        registered = _registered(client, name)
    return [
        ListedVersion(
            str(found.version), found.tags.get(DIGEST_TAG, ""), found.tags.get(GATES_TAG, ""),
            alias.get(str(found.version), ""), last.get(str(found.version)),
        )
        for found in registered
    ]  # fmt: skip


def newest_version(client: MlflowClient, name: str) -> str:
    """Return the newest registered version.

    Raises:
        BundleError: if none was registered.
    """
    return str(_registered(client, name)[0].version)


def _registered(client: MlflowClient, name: str) -> list[ModelVersion]:
    found = client.search_model_versions(f"name = '{name}'")
    if not found:
        raise BundleError(f"no version of {name} is registered: run `triage train {name}`")
    return sorted(found, key=lambda version: -int(version.version))


def open_version(client: MlflowClient, name: str, version: str) -> ModelVersion:
    """Return what MLflow knows of a version.

    Raises:
        BundleError: if there is no such version.
    """
    from mlflow.exceptions import MlflowException  # noqa: PLC0415  heavy: only who promotes pays

    try:
        return client.get_model_version(name, version)
    except MlflowException as error:
        if failed_store(error) is not None:
            raise
        raise BundleError(f"{name} has no version {version}: run `triage train {name}`") from error


def require_registered(registered: ModelVersion, gates: Sequence[GateResult]) -> None:
    """Refuse a version whose gates failed when it was registered.

    One that only reshuffled the list then is not refused if its stability was judged anew.

    Raises:
        GateError: naming the run that has the figures.
    """
    found = registered.tags.get(GATES_TAG)
    judged_anew = any(gate.name == STABILITY for gate in gates)
    if found == Standing.PASSED or (found == Standing.UNSTABLE and judged_anew):
        return
    raise GateError(
        f"version {registered.version} of {registered.name} was registered with failed gates: "
        f"see {GATES_FILE} of run {registered.run_id}, then train again"
    )


def fetch(client: MlflowClient, registered: ModelVersion) -> tuple[str, dict[str, bytes]]:
    """Return digest and files of a version, checked against the digest of its registration.

    Raises:
        BundleError: if the files are not there, or not those that were registered.
    """
    with tempfile.TemporaryDirectory(prefix="triage-bundle-") as folder:
        place = _download(client, registered.source, folder, registered)
        return read_bundle(place, registered.tags.get(DIGEST_TAG, "none"))


def fetch_card(client: MlflowClient, registered: ModelVersion) -> str | None:
    """Return the model card of a version as Markdown; None if its run has none."""
    with tempfile.TemporaryDirectory(prefix="triage-card-") as folder:
        uri = f"runs:/{registered.run_id}/{CARD_FILE}"
        try:
            return _download(client, uri, folder, registered).read_text(encoding="utf-8")
        except BundleError:
            return None


def registered_gates(home: Path, name: str, version: str) -> tuple[GateResult, ...]:
    """Return the gates as they were judged when a version was registered.

    Raises:
        BundleError: if there is no such version, or its run has no gates.
    """
    with (
        open_catalogue(home) as client,
        tempfile.TemporaryDirectory(prefix="triage-gates-") as folder,
    ):
        registered = open_version(client, name, version)
        place = _download(client, f"runs:/{registered.run_id}/{GATES_FILE}", folder, registered)
        gates = json.loads(place.read_bytes())
    return tuple(_gate(gate) for gate in gates)


def _gate(plain: dict[str, Any]) -> GateResult:
    bound = plain.get("bound")
    return GateResult(**plain | {"bound": None if bound is None else Bound(bound)})


def _download(client: MlflowClient, uri: str, folder: str, registered: ModelVersion) -> Path:
    from mlflow.artifacts import download_artifacts  # noqa: PLC0415
    from mlflow.exceptions import MlflowException  # noqa: PLC0415

    try:
        place = download_artifacts(
            artifact_uri=uri, dst_path=folder, tracking_uri=client.tracking_uri
        )
    except (MlflowException, OSError) as error:
        raise BundleError(
            f"the files of {registered.name} version {registered.version} are not at {uri}: {error}"
        ) from error
    return Path(place)


def set_aliases(client: MlflowClient, name: str, pointer: dict[str, Any]) -> None:
    """Let aliases and tags of the registry follow the pointer.

    A former champion that the registry does not know (a rule, a deleted version) has no alias.
    """
    version, former = pointer["version"], pointer["previous"]
    client.set_registered_model_alias(name, CHAMPION, version)
    for tag in ("promoted_at", "who", "why"):
        client.set_model_version_tag(name, version, f"promotion.{tag}", pointer[tag])
    if former is not None and _knows(client, name, former["version"]):
        client.set_registered_model_alias(name, PREVIOUS, former["version"])
    elif PREVIOUS in client.get_registered_model(name).aliases:
        client.delete_registered_model_alias(name, PREVIOUS)


def _knows(client: MlflowClient, name: str, version: str) -> bool:
    try:
        open_version(client, name, version)
    except BundleError:
        return False
    return True


def set_challenger(client: MlflowClient, name: str, version: str | None) -> None:
    """Let the alias of the challenger follow its pointer; None takes the alias away."""
    if version is not None:
        client.set_registered_model_alias(name, CHALLENGER, version)
    elif CHALLENGER in client.get_registered_model(name).aliases:
        client.delete_registered_model_alias(name, CHALLENGER)
