"""From a registered version to the champion in force and back, or to the challenger beside it.

The pointer `champion.json` decides; the journal of promotions and MLflow's aliases follow it. Bytes
are copied and checked first, then the pointer is replaced in one step, then the rest: whatever
stops in between, the old champion stays in force until the new one is there as a whole. Going back
needs nothing but the home folder.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from triage.errors import BundleError, GateError
from triage.models.bundle import read_bundle, write_bundle
from triage.models.champion import (
    bundle_folder,
    card_file,
    challenge_with,
    champion,
    end_challenge,
    find_challenger,
    find_champion,
    point_to,
    sync_folder,
)
from triage.models.promotions import promotions, record_promotion
from triage.training.catalogue import (
    fetch,
    fetch_card,
    open_version,
    require_registered,
    set_aliases,
    set_challenger,
)
from triage.training.thresholds import validate
from triage.training.tracking import GATES_TAG, open_catalogue
from triage.training.verdict import STABILITY, GateResult, refusal, require


def promote(
    home: Path,
    name: str,
    version: str,
    *,
    who: str,
    why: str,
    gates: Sequence[GateResult],
    accept_unstable: bool = False,
) -> None:
    """Make a registered version the champion.

    Args:
        home: folder of everything generated.
        name: the registered model.
        version: its version, as `tracking.track` gives it.
        who: who decided.
        why: the reason, in words.
        gates: the gates of this version, as judged when it was registered or anew.
        accept_unstable: `who` accepts that the list is reshuffled; excuses no other gate.

    Raises:
        GateError: if a gate failed, now or when the version was registered; gives the figures.
        BundleError: if there is no such version, or its bytes are not those that were registered.
    """
    require(gates, accept_unstable=accept_unstable)
    with open_catalogue(home) as client:
        _require_of_mlflow(gates)
        registered = open_version(client, name, version)
        require_registered(registered, gates)
        digest, files = fetch(client, registered)
        install(home, name, digest, files)
        _keep_card(home, name, digest, fetch_card(client, registered))
        former = find_champion(home, name)
        pointer = {
            "action": "promote",
            "digest": digest,
            "version": str(version),
            "promoted_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "who": who,
            "why": why,
            "gates": [asdict(gate) for gate in gates],
            "accepted": [STABILITY] if refusal(gates) else [],
            "previous": _previous(former, digest),
        }
        record_promotion(home, name)
        point_to(home, name, pointer)
        record_promotion(home, name)
        set_aliases(client, name, pointer)
        if _challenges(home, name, digest):
            end_challenge(home, name)
            set_challenger(client, name, None)


def rollback(home: Path, name: str, *, who: str, why: str) -> tuple[dict[str, Any], str]:
    """Put the champion before the present one in force again; MLflow is not needed.

    Going back twice goes back two champions; to return, promote the version again.

    Returns:
        The pointer now in force, and in words what could not be told to MLflow (empty if all was).

    Raises:
        BundleError: if there is no earlier champion, or its bytes are damaged; nothing changes.
    """
    current = champion(home, name)
    target = current.get("previous")
    if target is None:
        raise BundleError(
            f"{name} version {current.get('version')} has no champion before it: nothing to go back"
            f" to; `triage models` lists the versions, `triage promote VERSION` takes one"
        )
    try:
        read_bundle(bundle_folder(home, name, target["digest"]), target["digest"])
    except BundleError as error:
        raise BundleError(
            f"version {target['version']} cannot be put in force again: {error}. Version "
            f"{current.get('version')} stays the champion; `triage promote {target['version']}` "
            "writes its files anew from MLflow"
        ) from error
    former = _last_promotion(home, name, target["digest"])
    pointer = {
        "action": "rollback",
        "digest": target["digest"],
        "version": target["version"],
        "promoted_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "who": who,
        "why": why,
        "gates": former.get("gates", []),
        "accepted": former.get("accepted", []),
        "previous": former.get("previous"),
    }
    record_promotion(home, name)
    point_to(home, name, pointer)
    record_promotion(home, name)
    return pointer, _tell_mlflow(home, name, pointer)


def challenge(
    home: Path, name: str, version: str, *, who: str, check: Callable[[Path, str], object]
) -> dict[str, Any]:
    """Make a registered version the challenger: it scores beside the champion and never answers.

    One whose gates failed may challenge; the pointer says what its gates were.

    Args:
        home: folder of everything generated.
        name: the registered model.
        version: its version.
        who: who decided.
        check: reads a bundle (folder, digest); raises BundleError if it cannot be scored.

    Returns:
        The pointer: digest, version, since (ISO, UTC), who, gates (as registered).

    Raises:
        BundleError: if there is no such version or no champion, it is the champion, or its bytes
            are damaged or cannot be scored; a challenger before it then stays.
    """
    current = champion(home, name)
    with open_catalogue(home) as client:
        registered = open_version(client, name, version)
        digest, files = fetch(client, registered)
        if digest == current["digest"]:
            raise BundleError(
                f"version {version} of {name} is the champion: name another as its challenger,"
                " see `triage models`"
            )
        install(home, name, digest, files)
        check(bundle_folder(home, name, digest), digest)
        pointer = {
            "digest": digest,
            "version": str(version),
            "since": datetime.now(UTC).isoformat(timespec="seconds"),
            "who": who,
            "gates": registered.tags.get(GATES_TAG, "unknown"),
        }
        challenge_with(home, name, pointer)
        set_challenger(client, name, str(version))
    return pointer


def stop_challenge(home: Path, name: str) -> tuple[bool, str]:
    """Name no challenger any more; what it scored so far is kept, and MLflow is not needed.

    Returns:
        Whether there was one, and in words what could not be told to MLflow (empty if all was).
    """
    was = end_challenge(home, name)
    if not was:
        return False, ""
    try:
        with open_catalogue(home) as client:
            set_challenger(client, name, None)
    except Exception as error:  # noqa: BLE001  whatever ails MLflow, the challenge has ended
        return True, f"MLflow's alias stays as it was ({type(error).__name__}: {error})"
    return True, ""


def _challenges(home: Path, name: str, digest: str) -> bool:
    """Return whether a bundle is the challenger; a pointer that cannot be read names none."""
    try:
        return (find_challenger(home, name) or {}).get("digest") == digest
    except BundleError:
        return False


def _require_of_mlflow(gates: Sequence[GateResult]) -> None:
    """Refuse what MLflow's own validation refuses: the same thresholds, judged by it.

    Raises:
        GateError: with MLflow's words.
    """
    refused = validate(gates)
    if refused:
        raise GateError(f"MLflow's validation refused what the gates passed: {refused}")


def _last_promotion(home: Path, name: str, digest: str) -> dict[str, Any]:
    """Return how a bundle was last put in force; empty if no entry is left."""
    known = [entry for entry in promotions(home, name) if entry.get("digest") == digest]
    return known[-1] if known else {}


def _tell_mlflow(home: Path, name: str, pointer: dict[str, Any]) -> str:
    """Let MLflow's aliases follow; return in words why that was not possible."""
    try:
        with open_catalogue(home) as client:
            set_aliases(client, name, pointer)
    except Exception as error:  # noqa: BLE001  whatever ails MLflow, the champion is in force
        return f"MLflow's aliases stay as they were ({type(error).__name__}: {error})"
    return ""


def install(home: Path, name: str, digest: str, files: dict[str, bytes]) -> None:
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


def _keep_card(home: Path, name: str, digest: str, card: str | None) -> None:
    """Keep a model's card beside its bundle, where pages find it without a registry."""
    if card is not None:
        card_file(home, name, digest).write_text(card, encoding="utf-8")


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
