from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest
from tests import fakes

from triage.advice import policy
from triage.domain.clock import from_micros
from triage.domain.records import Milestone, MilestoneKind
from triage.history.log import Log
from triage.ledger.entries import Draft
from triage.ledger.ledger import Ledger
from triage.models.at_risk import NAME, AtRiskModel
from triage.serving import answers, decisions
from triage.serving.changes import Changes
from triage.serving.decisions import KIND, Decisions
from triage.serving.event_log import EventLog
from triage.serving.expiry import Expiries
from triage.serving.follow import Follower
from triage.serving.keeping import keeping
from triage.serving.live import Live
from triage.serving.scorer import Scorer
from triage.serving.webhooks.box import Outbox
from triage.serving.webhooks.declared import Delivery
from triage.serving.webhooks.telling import Webhooks

_SECOND = 1_000_000
NOW = 1_790_000_000 * _SECOND


def draft(order_id: str, stale_at: int, *, whole: bool = False) -> Draft:
    answer = {"order_id": order_id, "stale_at": from_micros(stale_at), "advisory": True}
    body = b'{"as_of":0,"answer":' + answers.dump(answer) + b',"asked":null}'
    return Draft(KIND, body, order_id, b"{}" if whole else None)


def names(expiries: Expiries, now: int) -> list[str]:
    return [held.order_id for held in expiries.passed(now)]


def test_an_answer_expires_once_when_its_moment_has_passed() -> None:
    expiries = Expiries()
    expiries.note(draft("SO-1", NOW))
    assert names(expiries, NOW - 1) == []
    assert names(expiries, NOW) == ["SO-1"]
    assert names(expiries, NOW) == []


def test_who_asks_again_holds_the_newer_answer() -> None:
    expiries = Expiries()
    expiries.note(draft("SO-1", NOW))
    expiries.note(draft("SO-2", NOW + 1))
    again = draft("SO-1", NOW + 2)
    expiries.note(again)
    assert names(expiries, NOW + 1) == ["SO-2"]
    (held,) = expiries.passed(NOW + 2)
    assert held.decision_id == again.id


def test_an_order_that_was_sent_whole_is_not_followed() -> None:
    expiries = Expiries()
    expiries.note(draft("SO-1", NOW, whole=True))
    assert len(expiries) == 0


def test_an_order_id_cannot_pretend_to_be_a_moment() -> None:
    expiries = Expiries()
    expiries.note(draft('x","stale_at":"2000-01-01T00:00:00Z', NOW))
    (held,) = expiries.passed(NOW)
    assert held.stale_at == NOW


def test_memory_is_bounded() -> None:
    expiries = Expiries(remembered=3)
    for number in range(10):
        expiries.note(draft(f"SO-{number}", NOW + number))
    assert names(expiries, NOW + 100) == ["SO-7", "SO-8", "SO-9"]


def test_answers_that_still_hold_are_remembered_over_a_restart(tmp_path: Path) -> None:
    ledger = Ledger.open(tmp_path)
    stale, whole, fresh, newer = (
        draft("SO-1", NOW - 1), draft("SO-2", NOW + 5, whole=True), draft("SO-3", NOW + 6),
        draft("SO-4", NOW + 7),
    )  # fmt: skip
    ledger.record(stale, whole, fresh, newer)
    expiries = Expiries()
    expiries.restore(ledger.last(9, KIND)[::-1], NOW)
    later = Expiries()
    later.restore(ledger.last(9, KIND)[::-1], NOW + 7)
    ledger.close()
    assert len(later) == 0
    assert [held.decision_id for held in expiries.passed(NOW + 10)] == [fresh.id, newer.id]


def test_an_answer_that_is_noted_late_expires_in_its_turn_and_replaces_no_newer_one() -> None:
    expiries = Expiries()
    second = 1_000_000
    newest = draft("SO-1", NOW + 9 * second)
    for each in (draft("SO-2", NOW + 5 * second), newest, draft("SO-3", NOW + 2 * second),
                 draft("SO-1", NOW + second)):  # fmt: skip
        expiries.note(each)
    assert names(expiries, NOW + 3 * second) == ["SO-3"]
    assert names(expiries, NOW + 6 * second) == ["SO-2"]
    assert [held.decision_id for held in expiries.passed(NOW + 9 * second)] == [newest.id]


def test_answers_that_were_noted_within_a_second_of_one_another_expire_each_at_its_moment() -> None:
    expiries = Expiries()
    for order_id, stale_at in (("SO-1", NOW + 9), ("SO-2", NOW + 3), ("SO-3", NOW + 2_000_000)):
        expiries.note(draft(order_id, stale_at))
    assert names(expiries, NOW + 5) == ["SO-2"]
    assert names(expiries, NOW + 9) == ["SO-1"]


def test_an_answer_that_still_holds_is_remembered_behind_one_that_does_not(
    tmp_path: Path,
) -> None:
    ledger = Ledger.open(tmp_path)
    ledger.record(draft("SO-1", NOW + 5), draft("SO-2", NOW - 5))
    expiries = Expiries()
    expiries.restore(ledger.last(9, KIND)[::-1], NOW)
    ledger.close()
    assert names(expiries, NOW + 10) == ["SO-1"]


def test_many_answers_that_hold_are_remembered_however_many_were_given_since(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decisions, "_PAGE", 10)
    ledger = Ledger.open(tmp_path)
    hold = [draft(f"SO-{n}", NOW + n) for n in range(1, 36)]
    gone = [draft("gone", NOW - 9) for _ in range(20)]
    whole = [draft(f"whole-{n}", NOW + 99, whole=True) for n in range(30)]
    ledger.record(draft("forgotten", NOW + 99), *gone, *hold, *whole)
    recording = Decisions(ledger, fakes.POLICY, "0" * 64, None)
    held = recording.remember(NOW).passed(NOW + 100)
    ledger.close()
    assert [each.decision_id for each in held] == [each.id for each in hold]


@pytest.fixture
def scorer(home: Path) -> Scorer:
    (folder,) = (home / "models" / NAME).glob("*/")
    return Scorer(AtRiskModel.load(folder, folder.name), "7", Log(home).read(), policy.load())


def test_only_open_orders_are_told_of(scorer: Scorer) -> None:
    changes = Changes()
    follower = Follower(scorer, changes, scorer.policy.follow)
    follower.expiries = Expiries()
    one, other = (each.assessment.order_id for each in scorer.worklist().items[:2])
    moment = from_micros(scorer.now() + 1)
    scorer.engine.apply(
        Milestone(
            order_id=one, milestone=MilestoneKind.DELIVERED, event_time=moment, record_time=moment
        )
    )
    asked = draft(other, NOW)
    for each in (draft(one, NOW), asked, draft("nobody's", NOW)):
        follower.expiries.note(each)
    heard: list[tuple[str, dict[str, Any]]] = []
    with changes.telling(lambda told, facts: heard.append((told, facts))):
        follower.tell_expired(NOW)
    assert heard == [
        (
            "decision.expired",
            {"order_id": other, "decision_id": asked.id, "stale_at": from_micros(NOW)},
        )
    ]


def test_an_answer_that_went_stale_while_the_service_was_away_is_told_of_after_its_start_and_once(
    scorer: Scorer, tmp_path: Path
) -> None:
    open_order = scorer.worklist().items[0].assessment.order_id
    now = time.time_ns() // 1_000
    before, meanwhile = draft(open_order, now - 9), draft(open_order, now + 5)

    async def service(*answers: Draft) -> list[dict[str, Any]]:
        with keeping(
            lambda changes: Live(
                EventLog(tmp_path), [], None, Follower(scorer, changes, scorer.policy.follow)
            ),
            lambda: Decisions(Ledger.open(tmp_path), scorer.policy, "0" * 64, None),
            lambda: Webhooks({}, Delivery(), Outbox(tmp_path)),
        ) as kept:
            assert kept.decisions is not None
            assert kept.live.follower is not None
            kept.decisions.ledger.record(*answers)
            heard: list[dict[str, Any]] = []
            with kept.changes.telling(lambda _, facts: heard.append(facts)):
                kept.live.follower.tell_expired(now + 10 if not answers else now)
            await asyncio.sleep(0.1)
        return heard

    assert asyncio.run(service(before, meanwhile)) == []
    (told,) = asyncio.run(service())
    assert told["decision_id"] == meanwhile.id
    assert asyncio.run(service()) == []
