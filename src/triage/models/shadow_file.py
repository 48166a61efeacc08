"""What champion and challenger said of the same orders: one line of JSON each, a file for each day.

<home>/shadow/<name>-<yyyy-mm-dd>.jsonl     appended to; days are UTC days of the answer

A line holds an order's id and numbers, nothing about who ordered. Files have a largest size and are
deleted after some days, so that a challenger that is forgotten fills no disk.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from triage.domain.clock import from_micros

FOLDER = "shadow"


@dataclass(frozen=True, slots=True)
class ShadowScore:
    """One order at one moment, by both models.

    Attributes:
        moment: when the champion answered, UTC micros.
        order_id: which order.
        stage: its stage by the champion.
        state: at_risk, or already_late (both models then say 1).
        as_of: the moment that both looked from, UTC micros.
        champion: digest of the bundle that answered.
        champion_p: its p(late).
        champion_delay: its median delay against the promise, days.
        challenger: digest of the bundle that scored unseen.
        challenger_p: its p(late).
        challenger_delay: its median delay, days.
    """

    moment: int
    order_id: str
    stage: str
    state: str
    as_of: int
    champion: str
    champion_p: float
    champion_delay: float
    challenger: str
    challenger_p: float
    challenger_delay: float


_NAMES = tuple(field.name for field in fields(ShadowScore))


def day_file(home: Path, name: str, day: date) -> Path:
    """Return the file of one UTC day."""
    return home / FOLDER / f"{name}-{day.isoformat()}.jsonl"


class ShadowFile:
    """Appends scores of one model name, within its bounds.

    Args:
        home: folder of everything generated.
        name: the model's name.
        max_bytes: largest size of one day's file.
        keep_days: files of earlier days are deleted.
    """

    def __init__(self, home: Path, name: str, *, max_bytes: int, keep_days: int) -> None:
        self._home, self._name = home, name
        self._max_bytes, self._keep_days = max_bytes, keep_days
        self._swept: date | None = None

    def append(self, scores: Sequence[ShadowScore]) -> int:
        """Append scores; return how many had room.

        Raises:
            OSError: if the disk refuses them.
        """
        by_day: dict[date, list[ShadowScore]] = {}
        for score in scores:
            by_day.setdefault(from_micros(score.moment).date(), []).append(score)
        return sum(self._append(day, own) for day, own in by_day.items())

    def _append(self, day: date, scores: Sequence[ShadowScore]) -> int:
        path = day_file(self._home, self._name, day)
        path.parent.mkdir(parents=True, exist_ok=True)
        self._sweep()
        room = self._max_bytes - (path.stat().st_size if path.exists() else 0)
        lines: list[bytes] = []
        for score in scores:
            line = json.dumps(asdict(score), separators=(",", ":")).encode() + b"\n"
            room -= len(line)
            if room < 0:
                break
            lines.append(line)
        if lines:
            with path.open("ab") as file:
                file.write(b"".join(lines))
        return len(lines)

    def _sweep(self) -> None:
        today = datetime.now(UTC).date()
        if self._swept == today:
            return
        self._swept = today
        for day, path in _files(self._home, self._name):
            if day < today - timedelta(days=self._keep_days):
                path.unlink(missing_ok=True)


def shadow_scores(home: Path, name: str) -> Iterator[ShadowScore]:
    """Yield everything that was recorded, day by day; lines torn by a crash are passed over."""
    for _, path in _files(home, name):
        with path.open("rb") as file:
            for line in file:
                score = _read(line)
                if score is not None:
                    yield score


def _read(line: bytes) -> ShadowScore | None:
    try:
        plain: Any = json.loads(line)
        return ShadowScore(**{field: plain[field] for field in _NAMES})
    except (ValueError, KeyError, TypeError):
        return None


def _files(home: Path, name: str) -> list[tuple[date, Path]]:
    """Return the files of one model name with their days, earliest first."""
    found = []
    for path in (home / FOLDER).glob(f"{name}-*.jsonl"):
        try:
            day = date.fromisoformat(path.stem.removeprefix(f"{name}-"))
        except ValueError:
            continue
        found.append((day, path))
    return sorted(found)
