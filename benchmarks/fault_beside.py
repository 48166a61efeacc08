"""What belongs on the sheet of faults and is measured elsewhere, for who asks for it."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import hostile, restart, score_http

_BLOCKS, _SIZE = 20, 200
_SHARE = 0.3


@dataclass(frozen=True, slots=True)
class Beside:
    """What was seen; None where nobody asked.

    Attributes:
        hostile: what became of hostile requests; see `benchmarks.hostile`.
        recording: what a durable record adds to a score; see `benchmarks.score_http`.
        restart: how long the service is away, and whether it answers as before; see
            `benchmarks.restart`.
    """

    hostile: dict[str, Any] | None = None
    recording: dict[str, Any] | None = None
    restart: restart.Restart | None = None

    @property
    def held(self) -> bool:
        """Return whether nothing hostile came through and a restart changed no answer."""
        through = self.hostile is not None and bool(self.hostile["wrong"])
        changed = self.restart is not None and self.restart.same != self.restart.asked
        return not through and not changed


def beside(home: Path, requests: int, orders: int, *, recording: bool) -> Beside:
    """Measure on copies of a home.

    Args:
        home: one with a log and promoted models.
        requests: hostile ones; 0 for none.
        orders: simulated ones of the service that is started again; 0 for none.
        recording: whether to measure what a record adds.
    """
    with tempfile.TemporaryDirectory(prefix="triage-beside-") as folder:
        own = Path(folder) / "home"
        if recording or orders:
            for part in ("history", "models"):
                shutil.copytree(home / part, own / part)
        return Beside(
            hostile.run(requests, 1) if requests else None,
            score_http.run(own, _BLOCKS, _SIZE) if recording else None,
            restart.run(own, orders, _SHARE, Path(folder)) if orders else None,
        )


def show_beside(found: Beside) -> None:
    """Print what was measured."""
    if found.hostile is not None:
        told, wrong = found.hostile, found.hostile["wrong"]
        statuses = ", ".join(f"{count:,} {name}" for name, count in told["statuses"].items())
        print(
            f"hostile requests: {told['requests']:,} to {len(told['addresses'])} addresses"
            f" ({statuses}), wrong {sum(wrong.values())}"
        )
        for each in told["shown"]:
            print(f"  {each}")
    if found.recording is not None:
        print("what a record adds to a score:")
        score_http.show(found.recording)
    if found.restart is not None:
        print("started again:")
        restart.show(found.restart)
