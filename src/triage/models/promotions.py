"""The history of promotions: one line of JSON for each change of the champion, never rewritten.

The pointer `champion.json` is the truth and this journal follows it: an entry is written after the
pointer was replaced, and an entry that a crash prevented is caught up with the next one.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from triage.models.champion import find_champion, sync_folder

JOURNAL = "promotions.jsonl"


def promotions(home: Path, name: str) -> list[dict[str, Any]]:
    """Return every promotion and rollback, first to last: the pointers as they were put in force.

    A line that a power cut left unfinished is passed over; a champion that no line names yet stands
    at the end.
    """
    entries = _entries(_path(home, name))
    current = find_champion(home, name)
    if current is not None and (not entries or entries[-1] != current):
        entries.append(current)
    return entries


def record_promotion(home: Path, name: str) -> None:
    """Append the champion in force, durably, unless the last entry is this one already."""
    path, current = _path(home, name), find_champion(home, name)
    entries = _entries(path)
    if current is None or (entries and entries[-1] == current):
        return
    torn = path.is_file() and not path.read_bytes().endswith(b"\n")
    with path.open("a", encoding="utf-8") as file:
        file.write(("\n" if torn else "") + json.dumps(current) + "\n")
        file.flush()
        os.fsync(file.fileno())
    sync_folder(path.parent)


def _path(home: Path, name: str) -> Path:
    return home / "models" / name / JOURNAL


def _entries(path: Path) -> list[dict[str, Any]]:
    if not path.is_file():
        return []
    found = []
    for line in path.read_bytes().splitlines():
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict):
            found.append(entry)
    return found
