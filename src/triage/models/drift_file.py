"""What the last look for drift found: `<home>/runs/drift-<name>.json`, replaced by the next one."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any


def keep_drift(home: Path, name: str, found: dict[str, Any]) -> None:
    """Keep what was found, with the moment of looking.

    Args:
        home: folder of everything generated.
        name: the model's name.
        found: plain values, among them `verdict`, `retrain_advised` and `digest`.
    """
    path = _path(home, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    looked_at = datetime.now(UTC).isoformat(timespec="seconds")
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(found | {"looked_at": looked_at}) + "\n", encoding="utf-8")
    partial.replace(path)


def last_drift(home: Path, name: str) -> dict[str, Any] | None:
    """Return what was found last, with `looked_at` (ISO, UTC); None if nobody looked."""
    try:
        found = json.loads(_path(home, name).read_bytes())
    except (FileNotFoundError, ValueError):
        return None
    return found if isinstance(found, dict) and "verdict" in found else None


def _path(home: Path, name: str) -> Path:
    return home / "runs" / f"drift-{name}.json"
