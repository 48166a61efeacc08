from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from tests import fakes
from tests.unit.serving.answered import decision
from typer.testing import CliRunner

from triage.advice import policy
from triage.advice.policy import HoldOutPolicy
from triage.cli import app
from triage.domain.clock import MICROS_PER_DAY, from_micros
from triage.domain.records import Milestone, MilestoneKind
from triage.features.book import OrderBook
from triage.history.log import Log
from triage.ledger.entries import Entry
from triage.ledger.ledger import Ledger
from triage.models.at_risk import NAME, AtRiskModel, LabelContract
from triage.models.landmarks import landmark_rows
from triage.serving.handling.state import Act
from triage.serving.metrics import Metrics
from triage.serving.outcomes.alarm import CalibrationAlarm
from triage.serving.outcomes.outcome import Outcome, settle
from triage.serving.outcomes.record import LiveRecord, acted_on
from triage.serving.outcomes.watch import OutcomeWatch
from triage.serving.scorer import Scorer

CONTRACT = LabelContract(version="late-v1", meaning="not delivered by the promised moment")
LATE = Outcome("SO-1", late=True, late_at=100, delivered=None, cancelled=False, contract="late-v1")


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = Ledger.open(tmp_path / "ledger")
    yield opened
    opened.close()


def watching(ledger: Ledger, scorer: Callable[[], Scorer]) -> OutcomeWatch:
    return OutcomeWatch(ledger, scorer, CalibrationAlarm(ledger, lambda *_: None))


def folded(ledger: Ledger) -> LiveRecord:
    record = LiveRecord()
    for entry in ledger.entries():
        record.take(entry)
    return record


def test_outcomes_are_those_of_the_label_contract(home: Path) -> None:
    book = OrderBook.of(Log(home).read(), ())
    now = int(np.median(book.event[: len(book), 7]))
    rows = landmark_rows(book, "order_created", 0)
    mature = rows.take(rows.mature(now + 1))
    expected = {
        book.ids[at]: bool(late)
        for at, late in zip(mature.order, mature.known_late(now + 1), strict=True)
    }
    found = {o.order_id: o.late for o in settle(book, CONTRACT, book.ids, now) if not o.cancelled}
    assert sum(expected.values()) > 20
    assert {name: found[name] for name in expected} == expected


def test_an_order_has_no_outcome_before_its_promise_has_passed(home: Path) -> None:
    book = OrderBook.of(Log(home).read(), ())
    assert settle(book, CONTRACT, book.ids, int(book.event[: len(book)].min())) == []
    assert settle(book, CONTRACT, ["nobody's"], 2**62) == []
    for each in settle(book, CONTRACT, book.ids[:200], 2**61):
        assert each.cancelled or each.late == (
            each.delivered is None or each.delivered >= each.late_at
        )


def test_of_an_order_the_first_answer_at_each_stage_counts(ledger: Ledger) -> None:
    ledger.record(
        decision("SO-1", 0.2), decision("SO-1", 0.9), decision("SO-1", 0.4, stage="pick_released"),
        decision("SO-1", 1.0, stage="shipment_dispatched", state="already_late"),
        decision("SO-1", 0.3, asked={"order_id": "SO-1", "as_of": "2020-01-01T00:00:00Z"},
                 stage="order_validated"),
        LATE.draft(),
    )  # fmt: skip
    (judged,) = folded(ledger).judged.values()
    assert [(said.stage, said.p_late) for said in judged.said] == [
        ("order_created", 0.2), ("pick_released", 0.4),
    ]  # fmt: skip


def test_figures_follow_an_outcome_that_is_recorded_again(ledger: Ledger) -> None:
    delivered = replace(LATE, late=False, delivered=90)
    ledger.record(decision("SO-1", 0.2), LATE.draft())
    before = folded(ledger)
    assert before.open_ended() == ["SO-1"]
    ledger.record(delivered.draft())
    after = folded(ledger)
    (sums,), (was,) = after.sums.values(), before.sums.values()
    assert (was.n, was.late, was.expected) == (1, 1, 0.2)
    assert (sums.n, sums.late, sums.expected) == (1, 0, 0.2)
    assert after.open_ended() == []


def test_who_acts_after_the_outcome_did_not_change_it(ledger: Ledger) -> None:
    act = Act("dispose", by="ada", code="expedited")
    ledger.record(decision("SO-1", 0.2), decision("SO-2", 0.2))
    ledger.record(replace(act, at=1).draft("SO-2", "disposition"))
    ledger.record(LATE.draft(), replace(LATE, order_id="SO-2").draft())
    ledger.record(replace(act, at=2).draft("SO-1", "disposition"))
    record = folded(ledger)
    assert {name: each.acted for name, each in record.judged.items()} == {
        "SO-1": False, "SO-2": True,
    }  # fmt: skip
    assert record.sums["m" * 64, "acted_on"].n == record.sums["m" * 64, "left_alone"].n == 1


@pytest.mark.parametrize(
    ("acts", "acted"),
    [
        ([], False),
        ([Act("note", id="1")], False),
        ([Act("snooze", id="1", until=5)], False),
        ([Act("assign", id="1", to="ada")], True),
        ([Act("assign", id="1", to="ada"), Act("undo", id="2", entry="1")], False),
        ([Act("assign", id="1", to="ada"), Act("dispose", id="2", code="no_action_needed")], False),
        ([Act("dispose", id="1", code="shipped_another_way")], True),
        ([Act("priority", id="1", level="first")], True),
        ([Act("priority", id="1", level="last")], False),
    ],
)
def test_acting_is_what_can_change_what_comes(acts: list[Act], acted: bool) -> None:
    assert acted_on(acts) is acted


def test_memory_is_bounded(ledger: Ledger) -> None:
    record = LiveRecord(most=3)
    for number in range(8):
        ledger.record(decision(f"SO-{number}", 0.5))
        ledger.record(replace(LATE, order_id=f"SO-{number}").draft())
    for entry in ledger.entries():
        record.take(entry)
    assert list(record.judged) == ["SO-5", "SO-6", "SO-7"]
    assert record.sums["m" * 64, "left_alone"].n == 3


@pytest.mark.parametrize("fell_behind", [False, True])
def test_what_the_watch_is_told_of_it_does_not_read_and_what_it_missed_it_reads(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, fell_behind: bool
) -> None:
    watch = watching(ledger, lambda: pytest.fail("nothing is settled"))
    ledger.record(decision("SO-0", 0.5))
    asyncio.run(watch.catch_up())
    for number in range(1, 30):
        ledger.record(decision(f"SO-{number}", 0.5))
    if fell_behind:
        for _ in range(5):
            watch._told.popleft()
    reads: list[int] = []
    usual = ledger.entries

    def note(first: int) -> Iterator[Entry]:
        reads.append(first)
        return usual(first)

    monkeypatch.setattr(ledger, "entries", note)
    asyncio.run(watch.catch_up())
    whole = LiveRecord()
    for entry in usual():
        whole.take(entry)

    assert watch.record == whole
    assert reads == ([2] if fell_behind else [])


def test_a_share_of_orders_is_held_out_and_always_the_same() -> None:
    tenth = HoldOutPolicy(share=0.1, salt="2026")
    names = [f"SO-{number}" for number in range(20_000)]
    held = {name for name in names if tenth.holds(name)}
    assert 0.09 < len(held) / len(names) < 0.11
    assert held == {name for name in names if tenth.holds(name)}
    assert held < {name for name in names if HoldOutPolicy(share=0.2, salt="2026").holds(name)}
    assert held != {name for name in names if HoldOutPolicy(share=0.1, salt="2027").holds(name)}
    assert not any(map(HoldOutPolicy().holds, names[:100]))


def test_the_service_records_each_outcome_once_and_its_delivery_later(
    home: Path, ledger: Ledger
) -> None:
    (folder,) = (home / "models" / NAME).glob("*/")
    model = AtRiskModel.load(folder, folder.name)
    scorer = Scorer(model, "7", Log(home).read(), policy.load())
    late = next(i.assessment for i in scorer.worklist().items if i.assessment.state != "at_risk")
    book = scorer.engine.book
    done = next(o for o in settle(book, CONTRACT, book.ids, scorer.now()) if o.final)
    names = (late.order_id, done.order_id, "nobody's")
    ledger.record(*(decision(name, 0.25, model=model.digest) for name in names))
    metrics, watch = Metrics(), watching(ledger, lambda: scorer)

    async def turn() -> int:
        await watch.catch_up()
        found = await watch.settle()
        await watch.catch_up()
        watch.show(metrics)
        return found

    assert asyncio.run(turn()) == 2
    assert asyncio.run(turn()) == 0
    read = metrics.registry.get_sample_value
    left_alone = {"people": "left_alone"}
    assert read("triage_live_answers", left_alone) == 2 - done.cancelled
    assert read("triage_live_expected", left_alone) == pytest.approx(0.25 * (2 - done.cancelled))
    moment = from_micros(scorer.now() + MICROS_PER_DAY)
    arrived = Milestone(
        order_id=late.order_id, milestone=MilestoneKind.DELIVERED, event_time=moment,
        record_time=moment,
    )  # fmt: skip
    scorer.engine.apply(arrived)
    scorer.note(arrived)
    assert asyncio.run(turn()) == 1
    (last,) = (each for each in ledger.last(1, "outcome"))
    outcome = Outcome.of(last)
    assert (outcome.order_id, outcome.late) == (late.order_id, True)
    assert outcome.delay_days is not None
    assert outcome.delay_days > 1


def judged_by_the_watch(home: Path, model: str, settled: list[Outcome]) -> list[dict[str, object]]:
    """Return what the running service finds of the same answers."""
    ledger = Ledger.open(home)
    record, alarm = folded(ledger), CalibrationAlarm(ledger, lambda *_: None)
    for outcome in settled:
        record.settle(outcome)
    asyncio.run(alarm.look(record, replace(fakes.INFO, digest=model), 0))
    ledger.close()
    assert alarm.latest is not None
    return [asdict(each) for each in alarm.latest.verdict.calibration]


@pytest.mark.parametrize(("factor", "rings"), [(1.0, False), (0.3, True)])
def test_the_command_rings_where_answers_do_not_hold(
    home: Path, tmp_path: Path, factor: float, rings: bool
) -> None:
    for part in ("history", "models"):
        shutil.copytree(home / part, tmp_path / part)
    history = Log(home).read()
    book = OrderBook.of(history, ())
    (folder,) = (home / "models" / NAME).glob("*/")
    settled = settle(book, CONTRACT, book.ids, history.extracted_at)
    known = [each for each in settled if not each.cancelled][-2_000:]
    share = sum(each.late for each in known) / len(known)
    drafts = [
        decision(
            each.order_id, min(factor * share * (1.5 if each.late else 0.95), 1.0),
            model=folder.name, as_of=each.late_at - MICROS_PER_DAY,
        )
        for each in known
    ]  # fmt: skip
    opened = Ledger.open(tmp_path)
    for start in range(0, len(drafts), 500):
        opened.record(*drafts[start : start + 500])
    opened.close()
    result = CliRunner().invoke(
        app,
        ["report", "live", "--home", str(tmp_path), "--json", str(tmp_path / "live.json"),
         "--out", str(tmp_path / "live.html"), "--fail-on-alarm"],
    )  # fmt: skip
    assert result.exit_code == int(rings), result.output
    told = json.loads((tmp_path / "live.json").read_text())
    assert bool(told["alarms"]) is rings
    assert told["calibration"][0]["n"] > 1_000
    assert judged_by_the_watch(tmp_path, folder.name, settled) == [
        {name: pytest.approx(value) if name != "name" else value for name, value in each.items()}
        for each in told["calibration"]
    ]
    page = (tmp_path / "live.html").read_text()
    assert ("<b>Alarm</b>" in page) is rings
    assert "http" not in page.replace("http://www.w3.org", "")
    assert ("triage train at_risk" in result.stdout.replace("\n", " ")) is rings
