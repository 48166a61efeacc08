from __future__ import annotations

import asyncio
import json
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from tests import fakes
from tests.unit.serving.answered import decision
from tests.unit.serving.bodies import beside

from triage.advice.policy import HoldOutPolicy
from triage.domain.clock import MICROS_PER_DAY
from triage.ledger.ledger import Ledger
from triage.models.at_risk import NAME
from triage.models.held import Sums
from triage.serving.main import create
from triage.serving.metrics import Metrics
from triage.serving.outcomes import alarm, watch
from triage.serving.outcomes.alarm import CalibrationAlarm
from triage.serving.outcomes.outcome import Outcome
from triage.serving.outcomes.record import Cell, LiveRecord, People
from triage.serving.outcomes.watch import OutcomeWatch
from triage.serving.scorer import Scorer
from triage.settings import Settings

MODEL = fakes.INFO.digest
DAYS, ORDERS = 30, 20


class Told(list[tuple[str, dict[str, Any]]]):
    def take(self, told: str, facts: dict[str, Any]) -> None:
        self.append((told, facts))


def planted(
    ledger: Ledger, late_of: int, *, share: Callable[[str], int] | None = None, model: str = MODEL
) -> None:
    """Record answers of .2 each and what came of them: so many of each day's orders late."""
    for day in range(DAYS):
        names = [f"SO-{day}-{n}" for n in range(ORDERS)]
        late = {name: n < (late_of if share is None else share(name))
                for n, name in enumerate(names)}  # fmt: skip
        outcome = Outcome("", late=False, late_at=day * MICROS_PER_DAY, delivered=None,
                          cancelled=False, contract="c")  # fmt: skip
        ledger.record(*(decision(name, 0.2, model=model) for name in names))
        drafts = (replace(outcome, order_id=name, late=late[name]).draft() for name in names)
        ledger.record(*drafts)


def scorer(share: float = 0.0) -> Scorer:
    policy = fakes.POLICY.model_copy(update={"hold_out": HoldOutPolicy(share=share)})
    return cast("Scorer", SimpleNamespace(info=fakes.INFO, policy=policy))


def watched(ledger: Ledger, told: Told, share: float = 0.0) -> tuple[Metrics, OutcomeWatch]:
    """Let a watch run until it has looked several times."""
    standing = scorer(share)
    metrics = Metrics()
    made = OutcomeWatch(ledger, lambda: standing, CalibrationAlarm(ledger, told.take))
    looks = 0
    usual = made.alarm.look

    async def counted(*args: Any) -> None:
        nonlocal looks
        await usual(*args)
        looks += 1

    async def run() -> None:
        async with made.running(metrics):
            until = time.monotonic() + 30
            while looks < 4 and time.monotonic() < until:
                await asyncio.sleep(0.01)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(made.alarm, "look", counted)
        patch.setattr(made, "settle", lambda: asyncio.sleep(0, 0))
        for name in ("_LOOK_SECONDS", "_SETTLE_SECONDS"):
            patch.setattr(watch, name, -1.0)
        patch.setattr(watch, "_REST_SECONDS", 0.01)
        patch.setattr(watch, "_BREATH_SECONDS", 0.0)
        asyncio.run(run())
    assert looks >= 4
    return metrics, made


def alarms(ledger: Ledger) -> list[dict[str, Any]]:
    return [json.loads(entry.body) for entry in ledger.entries(kind="alarm")]


def test_planted_miscalibration_rings_once_while_the_service_runs_and_over_a_restart(
    tmp_path: Path,
) -> None:
    ledger, told = Ledger.open(tmp_path), Told()
    planted(ledger, 8)  # .4 where .2 was said
    metrics, made = watched(ledger, told)
    ledger.close()
    assert metrics.registry.get_sample_value("triage_live_alarm") == 1
    (kept,) = ledger_of(tmp_path)
    assert (kept["alarm"], kept["state"], kept["model"]) == ("calibration", "began", MODEL)
    assert kept["found"][0]["late"] == 8 * DAYS
    assert kept["found"][0]["expected"] == pytest.approx(0.2 * ORDERS * DAYS)
    assert [name for name, _ in told] == ["alarm.raised"]
    assert told[0][1] == kept

    again, told_again = Ledger.open(tmp_path), Told()
    metrics, after = watched(again, told_again)
    again.close()
    assert metrics.registry.get_sample_value("triage_live_alarm") == 1
    assert ledger_of(tmp_path) == [kept]
    assert told_again == []
    assert made.alarm.latest is not None
    assert after.alarm.latest is not None
    assert after.alarm.latest.since == made.alarm.latest.since is not None


def ledger_of(home: Path) -> list[dict[str, Any]]:
    opened = Ledger.open(home)
    try:
        return alarms(opened)
    finally:
        opened.close()


def test_the_service_as_it_is_started_judges_by_itself(home: Path, tmp_path: Path) -> None:
    for folder in ("history", "models"):
        shutil.copytree(home / folder, tmp_path / folder)
    (bundle,) = (tmp_path / "models" / NAME).glob("*/")
    ledger = Ledger.open(tmp_path)
    planted(ledger, 8, model=bundle.name)
    ledger.close()
    with beside(create(Settings(home=tmp_path))) as client:
        until = time.monotonic() + 60
        while "triage_live_alarm 1.0" not in client.get("/metrics").text:
            assert time.monotonic() < until
            time.sleep(0.2)
        assert "live answers do not hold" in client.get("/models").text
        kept = client.app.state.kept  # type: ignore[attr-defined]
        assert [told for _, told, _ in kept.changes._past] == ["alarm.raised"]
    assert [each["model"] for each in ledger_of(tmp_path)] == [bundle.name]


def test_answers_that_hold_do_not_ring(tmp_path: Path) -> None:
    ledger, told = Ledger.open(tmp_path), Told()
    planted(ledger, 4)
    metrics, _ = watched(ledger, told)
    ledger.close()
    assert metrics.registry.get_sample_value("triage_live_alarm") == 0
    assert metrics.registry.get_sample_value("triage_live_late", {"people": "left_alone"}) == 120
    assert ledger_of(tmp_path) == []
    assert told == []


def test_gauges_and_alarm_are_read_on_the_hold_out_where_there_is_one(tmp_path: Path) -> None:
    """Only orders that are not held out come out later than was said: people had a hand in them."""
    ledger, told = Ledger.open(tmp_path), Told()
    held = HoldOutPolicy(share=0.5).holds
    planted(ledger, 0, share=lambda name: 4 if held(name) else 12)
    metrics, made = watched(ledger, told, share=0.5)
    ledger.close()
    read = metrics.registry.get_sample_value
    counts = [read("triage_live_answers", {"people": name}) for name in ("held_out", "left_alone")]
    assert sum(filter(None, counts)) == ORDERS * DAYS
    assert all(n and n > ORDERS * DAYS / 3 for n in counts)
    assert made.alarm.latest is not None
    assert made.alarm.latest.verdict.on_hold_out
    assert made.alarm.latest.verdict.calibration[0].n == counts[0]
    assert told == []


def record_of(late: int, people: People = "left_alone") -> LiveRecord:
    cells = {
        Cell(MODEL, people, "order_created", 100, day): Sums(20, late, 4.0, 3.2)
        for day in range(DAYS)
    }
    return LiveRecord(cells=cells)


def looking(judge: CalibrationAlarm, *records: LiveRecord) -> None:
    async def look() -> None:
        for record in records:
            await judge.look(record, fakes.INFO, 90)

    asyncio.run(look())


def test_an_alarm_that_ends_is_not_told_and_the_next_one_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alarm, "QUIET_SECONDS", 0.0)
    ledger, told = Ledger.open(tmp_path), Told()
    off, right = record_of(8), record_of(4)
    looking(CalibrationAlarm(ledger, told.take), off, right, right)
    assert [each["state"] for each in alarms(ledger)] == ["began", "ended"]
    assert len(told) == 1
    looking(CalibrationAlarm(ledger, told.take), right, off, off)
    assert [each["state"] for each in alarms(ledger)] == ["began", "ended", "began"]
    assert [facts["state"] for _, facts in told] == ["began", "began"]
    ledger.close()


def test_what_rings_again_within_a_day_is_the_same_alarm(tmp_path: Path) -> None:
    ledger, told = Ledger.open(tmp_path), Told()
    off, right = record_of(8), record_of(4)
    judge = CalibrationAlarm(ledger, told.take)
    looking(judge, off, right)
    assert not judge.rings_for(MODEL)
    looking(judge, off, right, off)
    assert judge.rings_for(MODEL)
    assert [each["state"] for each in alarms(ledger)] == ["began"]
    assert len(told) == 1
    ledger.close()


def test_what_the_ledger_does_not_take_is_recorded_and_told_at_the_next_look(
    tmp_path: Path,
) -> None:
    ledger, told = Ledger.open(tmp_path), Told()
    judge = CalibrationAlarm(ledger, told.take)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ledger, "record_async", fakes_down)
        with pytest.raises(OSError, match="down"):
            looking(judge, record_of(8))
    assert judge.rings_for(MODEL)
    assert told == []
    looking(judge, record_of(8))
    assert len(told) == len(alarms(ledger)) == 1
    ledger.close()


def fakes_down(*_: object) -> None:
    raise OSError("down")


@pytest.mark.parametrize("luck", [0.0, 0.5])
def test_chance_alone_rings_nothing_however_often_it_is_looked_at(
    tmp_path: Path, luck: float
) -> None:
    """Looked at after each of 40 days, in 25 worlds whose probabilities are right."""
    ledger, told = Ledger.open(tmp_path), Told()
    for seed in range(25):
        rng = np.random.default_rng(seed)
        record = LiveRecord()
        judge = CalibrationAlarm(ledger, told.take)
        looks = []
        for day in range(40):
            p = rng.beta(0.8, 4.0, 40)
            odds = np.log(p / (1 - p)) + luck * rng.normal()
            late = int((rng.random(40) < 1 / (1 + np.exp(-odds))).sum())
            cell = Cell(MODEL, "left_alone", "order_created", 100, day)
            record.cells[cell] = Sums(40, late, float(p.sum()), float((p * (1 - p)).sum()))
            looks.append(LiveRecord(cells=dict(record.cells)))
        looking(judge, *looks)
    ledger.close()
    assert len(told) <= 1


def test_answers_older_than_the_window_count_no_more(tmp_path: Path) -> None:
    ledger, told = Ledger.open(tmp_path), Told()
    judge = CalibrationAlarm(ledger, told.take)
    record = record_of(8)
    asyncio.run(judge.look(record, fakes.INFO, 101))
    ledger.close()
    assert told == []
    assert record.cells == {}
