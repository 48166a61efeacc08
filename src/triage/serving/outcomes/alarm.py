"""Judges while the service runs whether live answers hold, as `triage report live` does.

An alarm is one of a model. It begins when answers of any stage do not hold: then it is recorded
and told, once. It ends, which is recorded and not told, when none has rung at any look for a day;
what rings again within that day is the same alarm. What is recorded tells the next start where it
stood.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from triage.ledger.entries import Draft, Entry, canonical
from triage.ledger.ledger import Ledger
from triage.models.drift_settings import load
from triage.models.held import Stages, Sums, Verdict, added, judge
from triage.serving.advisor import ModelInfo
from triage.serving.changes import Told
from triage.serving.outcomes.record import Cell, LiveRecord, People

QUIET_SECONDS = 86_400.0
_ALARM = "calibration"
_LOG = logging.getLogger("triage.serving")


@dataclass(frozen=True, slots=True)
class Looked:
    """What the last look found.

    Attributes:
        model: digest of the model whose answers were judged.
        verdict: whether they hold.
        since: when its alarm began, UTC micros; None if there is none.
    """

    model: str
    verdict: Verdict
    since: int | None


class CalibrationAlarm:
    """Keeps the alarms of all models, and judges one.

    Args:
        ledger: where alarms are recorded.
        tell: tells everybody of a change.
        workspace: where it is declared when answers do not hold; None: where the package is.

    Attributes:
        latest: what the last look found; None before the first.
    """

    def __init__(
        self, ledger: Ledger, tell: Callable[[Told, dict[str, Any]], None],
        workspace: Path | None = None,
    ) -> None:  # fmt: skip
        self.latest: Looked | None = None
        self._ledger, self._tell, self._workspace = ledger, tell, workspace
        self._begun: dict[str, int] | None = None
        self._quiet: dict[str, float] = {}

    def of(self, model: str) -> Looked | None:
        """Return what the last look found of a model; None if it was not at that model."""
        return self.latest if self.latest is not None and self.latest.model == model else None

    def rings_for(self, model: str) -> bool:
        """Return whether answers of a model do not hold, as the last look found."""
        found = self.of(model)
        return found is not None and bool(found.verdict.alarms)

    async def look(self, record: LiveRecord, info: ModelInfo, since: int) -> None:
        """Judge the answers of a model, and record that its alarm began or ended.

        Args:
            record: answers and what came of them; what is older than `since` leaves its cells.
            info: the model.
            since: first day of answers that count (from 1970, UTC).

        Raises:
            LedgerError: if that cannot be recorded now; the next look tries again.
            DeclarationError: if thresholds do not fit.
        """
        if self._begun is None:
            self._begun = await asyncio.to_thread(self._recorded)
        cells, model = dict(record.cells), info.digest
        for cell in await asyncio.to_thread(_older, cells, since):
            record.cells.pop(cell, None)
        verdict = await asyncio.to_thread(self._judge, cells, model, since)
        self.latest = Looked(model, verdict, self._begun.get(model))
        if verdict.alarms:
            self._quiet.pop(model, None)
            if model not in self._begun:
                self._begun[model] = (await self._note("began", info, verdict)).at
                _LOG.error("live answers of version %s do not hold", info.version)
                self._tell("alarm.raised", _said("began", info, verdict))
        elif model in self._begun:
            quiet_since = self._quiet.setdefault(model, time.monotonic())
            if time.monotonic() - quiet_since >= QUIET_SECONDS:
                await self._note("ended", info, verdict)
                del self._begun[model], self._quiet[model]
        self.latest = Looked(model, verdict, self._begun.get(model))

    def _recorded(self) -> dict[str, int]:
        """Return the models whose alarm has begun and not ended, and when it began."""
        begun: dict[str, int] = {}
        for entry in self._ledger.entries(kind="alarm"):
            said = json.loads(entry.body)
            if said.get("alarm") != _ALARM:
                continue
            if said["state"] == "began":
                begun[said["model"]] = entry.at
            else:
                begun.pop(said["model"], None)
        return begun

    def _judge(self, cells: Mapping[Cell, Sums], model: str, since: int) -> Verdict:
        own = {c: sums for c, sums in cells.items() if c.model == model and c.answered >= since}
        return judge(
            _stages(own, "held_out"), _stages(own, "held_out", "left_alone"),
            load(self._workspace).live,
        )  # fmt: skip

    async def _note(
        self, state: Literal["began", "ended"], info: ModelInfo, verdict: Verdict
    ) -> Entry:
        draft = Draft("alarm", canonical(_said(state, info, verdict)))
        (entry,) = await self._ledger.record_async(draft)
        return entry


def _older(cells: Mapping[Cell, Sums], since: int) -> list[Cell]:
    return [cell for cell in cells if cell.answered < since]


def _stages(cells: Mapping[Cell, Sums], *people: People) -> Stages:
    """Return sums by stage and day of the promise, of orders with which people did some things."""
    told: dict[str, list[tuple[int, Sums]]] = {}
    for cell, sums in cells.items():
        if cell.people in people and sums.n:
            told.setdefault(cell.stage, []).append((cell.promised, sums))
    return {stage: added(days) for stage, days in told.items()}


def _said(state: str, info: ModelInfo, verdict: Verdict) -> dict[str, Any]:
    return {
        "alarm": _ALARM,
        "state": state,
        "name": info.name,
        "version": info.version,
        "model": info.digest,
        "read_on": "held_out" if verdict.on_hold_out else "left_alone",
        "found": [asdict(each) for each in verdict.alarms],
    }
