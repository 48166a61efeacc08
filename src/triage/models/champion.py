"""Which bundle is in force: a pointer in plain JSON, read without any registry.

<home>/models/<name>/champion.json      the pointer, replaced as a whole
<home>/models/<name>/<digest>/          the bytes of every model that was ever promoted
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from triage.errors import BundleError

POINTER = "champion.json"


def bundle_folder(home: Path, name: str, digest: str) -> Path:
    """Return where the bytes of a promoted model are kept."""
    return home / "models" / name / digest


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
    path = home / "models" / name / POINTER
    if not path.is_file():
        return None
    try:
        found = json.loads(path.read_bytes())
    except ValueError as error:
        raise BundleError(f"{path} cannot be read ({error}): promote a version again") from error
    if not isinstance(found, dict) or not isinstance(found.get("digest"), str):
        raise BundleError(f"{path} names no digest: promote a version again")
    return found


def point_to(home: Path, name: str, pointer: dict[str, Any]) -> None:
    """Replace the pointer; a reader sees the old one or the new one, also after a power cut."""
    folder = home / "models" / name
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / f"{POINTER}.partial"
    with partial.open("w", encoding="utf-8") as file:
        file.write(json.dumps(pointer, indent=1) + "\n")
        file.flush()
        os.fsync(file.fileno())
    partial.replace(folder / POINTER)
    sync_folder(folder)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
