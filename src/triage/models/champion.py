"""Which bundle is in force, and which one runs beside it: pointers, read without a registry.

<home>/models/<name>/champion.json      the model that answers; replaced as a whole
<home>/models/<name>/challenger.json    the model that scores the same orders unseen, if any
<home>/models/<name>/rule.json          the rule that answers where no model can, if it was fitted
<home>/models/<name>/<digest>/          the bytes of every model that any of them ever named
<home>/models/<name>/<digest>.md        its card, for people
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from triage.errors import BundleError

POINTER = "champion.json"
CHALLENGER_POINTER = "challenger.json"
RULE_POINTER = "rule.json"
RULE = "rule"
"""Version under which the rule answers."""


def bundle_folder(home: Path, name: str, digest: str) -> Path:
    """Return where the bytes of a promoted model are kept."""
    return home / "models" / name / digest


def card_file(home: Path, name: str, digest: str) -> Path:
    """Return where the card of a promoted model is kept, if its training wrote one."""
    return home / "models" / name / f"{digest}.md"


def champion(home: Path, name: str) -> dict[str, Any]:
    """Return the pointer: digest, version, promoted_at (ISO, UTC), who, why, gates, previous.

    Args:
        home: folder of everything generated.
        name: the model's name.

    Raises:
        BundleError: if no model was promoted, or the pointer cannot be read.
    """
    found = find_champion(home, name)
    if found is None:
        raise BundleError(f"no {name} was promoted in {home}: run `triage train {name}`")
    return found


def find_champion(home: Path, name: str) -> dict[str, Any] | None:
    """Return the pointer, or None if no model was promoted.

    Raises:
        BundleError: if the pointer cannot be read.
    """
    return _read(home / "models" / name / POINTER, "promote a version again")


def find_challenger(home: Path, name: str) -> dict[str, Any] | None:
    """Return the challenger's pointer, or None: digest, version, since (ISO, UTC), who, gates.

    Raises:
        BundleError: if the pointer cannot be read.
    """
    return _read(
        home / "models" / name / CHALLENGER_POINTER,
        "name a version again with `triage shadow VERSION`, or end it with `triage shadow --off`",
    )


def find_rule(home: Path, name: str) -> dict[str, Any] | None:
    """Return the pointer of the rule that answers where no model can, or None: digest, since (ISO).

    Raises:
        BundleError: if the pointer cannot be read.
    """
    return _read(home / "models" / name / RULE_POINTER, "fit it again with `triage rule`")


def stand_in_with(home: Path, name: str, pointer: dict[str, Any]) -> None:
    """Name the rule that answers where no model can, as durably as the champion."""
    _replace(home / "models" / name, RULE_POINTER, pointer)


def point_to(home: Path, name: str, pointer: dict[str, Any]) -> None:
    """Replace the pointer; a reader sees the old one or the new one, also after a power cut."""
    _replace(home / "models" / name, POINTER, pointer)


def challenge_with(home: Path, name: str, pointer: dict[str, Any]) -> None:
    """Name the challenger in place of the one before, as durably as the champion."""
    _replace(home / "models" / name, CHALLENGER_POINTER, pointer)


def end_challenge(home: Path, name: str) -> bool:
    """Name no challenger any more; return whether there was one (its bytes stay)."""
    path = home / "models" / name / CHALLENGER_POINTER
    if not path.exists():
        return False
    path.unlink()
    sync_folder(path.parent)
    return True


def _read(path: Path, remedy: str) -> dict[str, Any] | None:
    if not path.is_file():
        return None
    try:
        found = json.loads(path.read_bytes())
    except ValueError as error:
        raise BundleError(f"{path} cannot be read ({error}): {remedy}") from error
    if not isinstance(found, dict) or not isinstance(found.get("digest"), str):
        raise BundleError(f"{path} names no digest: {remedy}")
    return found


def _replace(folder: Path, name: str, pointer: dict[str, Any]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / f"{name}.partial"
    with partial.open("w", encoding="utf-8") as file:
        file.write(json.dumps(pointer, indent=1) + "\n")
        file.flush()
        os.fsync(file.fileno())
    partial.replace(folder / name)
    sync_folder(folder)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
