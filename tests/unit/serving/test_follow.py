from __future__ import annotations

import asyncio
import json
import shutil
import socket
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from copy import copy
from dataclasses import replace
from datetime import UTC, datetime
from itertools import accumulate
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest
import uvicorn
from tests import exception_cases

from triage.advice import policy
from triage.advice.assessment import Assessment
from triage.advice.policy import FollowPolicy
from triage.domain.clock import from_micros
from triage.domain.records import Milestone, MilestoneKind
from triage.history.log import Log
from triage.models.at_risk import NAME, AtRiskModel
from triage.serving.changes import Change, Changes
from triage.serving.event_log import EventLog
from triage.serving.follow import Follower
from triage.serving.last_told import LastTold
from triage.serving.live import Live
from triage.serving.main import create
from triage.serving.scorer import Scorer
from triage.serving.server import config
from triage.serving.webhooks.box import Outbox
from triage.settings import Settings

_HOUR = 3_600_000_000


@pytest.fixture
def scorer(home: Path) -> Scorer:
    (folder,) = (home / "models" / NAME).glob("*/")
    model = AtRiskModel.load(folder, folder.name)
    made = Scorer(model, "7", Log(home).read(), policy.load())
    made.worklist()
    return made


@pytest.fixture
def live(scorer: Scorer, tmp_path: Path) -> Iterator[Live]:
    log = EventLog(tmp_path)
    yield Live(log, [scorer], follower=Follower(scorer, Changes(), scorer.policy.follow))
    log.close()


def delivered(scorer: Scorer, order_id: str) -> Milestone:
    moment = from_micros(scorer.now() + _HOUR)
    return Milestone(
        order_id=order_id, milestone=MilestoneKind.DELIVERED, event_time=moment, record_time=moment
    )


def follower_of(live: Live) -> Follower:
    assert live.follower is not None
    return live.follower


def heard(follower: Follower, after: int = 0) -> list[Change]:
    return [change for change in follower._changes._past if change[0] > after]


def test_an_order_that_a_record_is_about_comes_before_its_neighbours(
    live: Live, scorer: Scorer
) -> None:
    follower = follower_of(live)
    item = scorer.worklist().items[0].assessment
    asyncio.run(live.take([("1", delivered(scorer, item.order_id))]))
    assert follower.turn(1) == 1
    waiting = follower.waiting
    assert waiting > 10
    ((number, told, facts),) = heard(follower)
    assert (number, told, facts["order_id"]) == (1, "order.closed", item.order_id)
    assert facts["now"] is None
    assert follower.turn(waiting) == waiting
    assert follower.waiting == 0


def test_neighbours_share_site_or_carrier(live: Live, scorer: Scorer) -> None:
    follower = follower_of(live)
    item = scorer.worklist().items[0].assessment
    asyncio.run(live.take([("1", delivered(scorer, item.order_id))]))
    assert follower.turn(1) == 1
    listed = {each.assessment.order_id: each.assessment for each in scorer.worklist().items}
    for name in follower._then:
        if name != item.order_id:
            other = listed[name]
            assert other.site == item.site or other.carrier == item.carrier


def test_followed_scores_are_those_that_a_request_would_get(live: Live, scorer: Scorer) -> None:
    follower = follower_of(live)
    first = [each.assessment.order_id for each in scorer.worklist().items[:5]]
    for number, name in enumerate(first):
        asyncio.run(live.take([(str(number), delivered(scorer, name))]))
    while follower.turn(100):
        pass
    told = {facts["order_id"]: facts for _, what, facts in heard(follower) if what[:4] == "risk"}
    asked = {name: scorer.score_id(name) for name in scorer._assessed}
    assert told
    for name, facts in told.items():
        assert facts["now"]["p_late"] == asked[name].p_late
        change = abs(facts["now"]["p_late"] - facts["before"]["p_late"])
        assert change >= 0.05 or facts["now"]["band"] != facts["before"]["band"]


@pytest.fixture
def wall(home: Path) -> tuple[Scorer, list[int]]:
    """A scorer whose clock is the list's only entry."""
    (folder,) = (home / "models" / NAME).glob("*/")
    history = Log(home).read()
    now = [history.extracted_at]
    model = AtRiskModel.load(folder, folder.name)
    made = Scorer(model, "7", history, policy.load(), clock=lambda: now[0])
    made.worklist()
    return made, now


def rested(scorer: Scorer) -> Follower:
    """A follower for whom nothing waits."""
    follower = Follower(scorer, Changes(), scorer.policy.follow)
    follower.look_at_the_clock()
    while follower.turn(1_000):
        pass
    return follower


def test_an_order_is_late_as_soon_as_its_promise_passes_though_nothing_is_heard(
    wall: tuple[Scorer, list[int]],
) -> None:
    scorer, now = wall
    follower = rested(scorer)
    near = min(
        (s for s in scorer._assessed.values() if s.state == "at_risk"), key=lambda s: s.promised_by
    )
    now[0] = near.promised_by + scorer.tolerance - 1
    follower.look_at_the_clock()
    assert near.order_id not in follower._first
    now[0] += 1
    follower.look_at_the_clock()
    assert near.order_id in follower._first
    follower.turn(len(follower._first))
    told = {facts["order_id"]: facts for _, what, facts in heard(follower) if what[:4] == "risk"}
    assert told[near.order_id]["now"]["state"] == "already_late"
    follower.look_at_the_clock()
    assert near.order_id not in follower._first


def test_an_order_is_assessed_again_once_the_last_moment_of_what_helps_has_passed(
    wall: tuple[Scorer, list[int]],
) -> None:
    scorer, now = wall
    latest = {
        said.priority.decide_by: name
        for name, said in scorer._assessed.items()
        if said.priority is not None and said.priority.decide_by is not None
    }
    now[0] = min(moment for moment in latest if moment > now[0])
    assert latest[now[0]] in scorer.overtaken()
    scorer.reassess([latest[now[0]]])
    assert latest[now[0]] not in scorer.overtaken()


def test_when_a_feed_falls_silent_every_order_says_so_and_is_left_to_a_person(
    wall: tuple[Scorer, list[int]],
) -> None:
    scorer, now = wall
    follower = rested(scorer)
    now[0] += 4 * 24 * _HOUR
    follower.look_at_the_clock()
    assert {*follower._first, *follower._then} == set(scorer._assessed)
    while follower.turn(1_000):
        pass
    for said in scorer._assessed.values():
        assert "milestones" in said.stale
        assert said.degraded
        assert any("No news for too long of: milestones" in why for why in said.unsure)
    moment = from_micros(now[0])
    for record in scorer.milestones_of(next(iter(scorer._assessed)))[:1]:
        name, _, _ = record
        scorer.feeds.note(
            Milestone(order_id="SO", milestone=name, event_time=moment, record_time=moment)
        )
    follower.look_at_the_clock()
    assert {*follower._first, *follower._then} == set(scorer._assessed)


def collapsed(scorer: Scorer, moment: int) -> tuple[str, list[Milestone]]:
    """Return a carrier, and the news that each of its orders that is late by now has arrived."""
    dispatched = [said for said in scorer._assessed.values() if said.stage == "shipment_dispatched"]
    ((carrier, _),) = Counter(said.carrier for said in dispatched).most_common(1)
    assert carrier is not None
    known = from_micros(moment)
    return carrier, [
        Milestone(
            order_id=said.order_id, milestone=MilestoneKind.DELIVERED, event_time=known,
            record_time=known,
        )
        for said in dispatched
        if said.carrier == carrier and said.promised_by < moment
    ]  # fmt: skip


def test_when_a_carrier_collapses_its_open_orders_follow_within_the_budget_and_look_worse(
    wall: tuple[Scorer, list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    scorer, now = wall
    follower = rested(scorer)
    follower._policy = FollowPolicy(per_second=200)
    now[0] += 3 * 24 * _HOUR
    carrier, news = collapsed(scorer, now[0])
    assert len(news) > 3
    scorer.reassess(list(scorer._assessed))
    gone = {record.order_id for record in news}
    before = {
        name: said.p_late
        for name, said in scorer._assessed.items()
        if name not in gone and said.state == "at_risk" and said.carrier == carrier
    }
    assert len(before) > 20
    now[0] += 60_000_000
    Live(None, [scorer]).apply(news)
    for record in news:
        follower.note(record)
    began, turns = time.monotonic(), list[tuple[float, int]]()
    reassess = scorer.reassess

    def counted(names: Collection[str]) -> list[Assessment | None]:
        turns.append((time.monotonic() - began, len(names)))
        return reassess(names)

    monkeypatch.setattr(scorer, "reassess", counted)

    async def follow() -> None:
        async with follower.running():
            await asyncio.sleep(0.2)
            while follower.waiting:
                await asyncio.sleep(0.05)

    asyncio.run(asyncio.wait_for(follow(), 30))
    done = accumulate(number for _, number in turns)
    assert all(many <= 200 * took + 1 for many, (took, _) in zip(done, turns, strict=True))
    after = {name: scorer._assessed[name] for name in before}
    assert {said.as_of for said in after.values()} == {now[0]}
    assert fmean(after[name].p_late - before[name] for name in before) > 0.001
    assert gone.isdisjoint(scorer._assessed)


def test_a_risk_that_creeps_is_told_once_it_is_far_enough_from_what_was_told(
    wall: tuple[Scorer, list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    scorer, _ = wall
    follower = rested(scorer)
    quiet = follower._changes.last
    name, said = next((n, s) for n, s in scorer.assessments() if s.p_late < 0.5)
    told = follower.told.orders[name].p_late

    def crept(by: float) -> list[Change]:
        there = replace(said, p_late=told + by, band=follower.told.orders[name].band)
        monkeypatch.setattr(scorer, "reassess", lambda _: [there])
        follower._first[name] = None
        follower.turn(1)
        return heard(follower, quiet)

    assert crept(0.03) == []
    ((_, what, facts),) = crept(0.06)
    assert (what, facts["before"]["p_late"], facts["now"]["p_late"]) == (
        "risk.changed", told, told + 0.06,
    )  # fmt: skip
    assert len(crept(0.03)) == 1


def test_what_an_heir_says_differently_is_told(wall: tuple[Scorer, list[int]]) -> None:
    scorer, _ = wall
    follower = rested(scorer)
    name, told = next((n, s) for n, s in follower.told.orders.items() if s.p_late < 0.5)
    follower.told.order(name, told._replace(p_late=told.p_late + 0.2))
    quiet = follower._changes.last
    assert follower.turn(1_000) == 0
    follower.scorer = copy(scorer)
    assert follower.turn(1_000) == 1
    ((_, what, facts),) = heard(follower, quiet)
    assert (what, facts["order_id"], facts["now"]["p_late"]) == ("risk.changed", name, told.p_late)


def test_what_moved_with_time_alone_is_told_though_the_list_was_ranked_anew_by_a_request(
    wall: tuple[Scorer, list[int]],
) -> None:
    scorer, now = wall
    follower = rested(scorer)
    name, told = next((n, s) for n, s in follower.told.orders.items() if s.p_late < 0.5)
    follower.told.order(name, told._replace(p_late=told.p_late + 0.2))
    quiet = follower._changes.last
    now[0] += 2 * _HOUR
    scorer.worklist()
    assert name not in scorer.assessed_before(now[0])
    while follower.turn(1_000):
        pass
    assert name in {facts["order_id"] for _, _, facts in heard(follower, quiet)}


def test_what_changed_while_the_service_was_away_or_was_left_untold_is_told_after_its_start(
    wall: tuple[Scorer, list[int]], tmp_path: Path
) -> None:
    scorer, _ = wall

    async def begun(change: Callable[[LastTold], None], home: Path) -> list[Change]:
        """Start, be told what changed, and lose what is not on the disk."""
        outbox = Outbox(home)
        follower = Follower(scorer, Changes(), scorer.policy.follow)
        follower.told = outbox.held.told
        while follower.turn(1_000):
            pass
        change(follower.told)
        outbox.close()
        return heard(follower)

    opened, closed, moved = list(dict(scorer.assessments()))[:3]

    def away(told: LastTold) -> None:
        told.order(opened, None)
        told.order("SO-gone", told.orders[closed])
        told.order(moved, told.orders[moved]._replace(p_late=told.orders[moved].p_late + 0.3))

    assert asyncio.run(begun(away, tmp_path)) == []
    said = asyncio.run(begun(lambda _: None, tmp_path))
    assert {(what, facts["order_id"]) for _, what, facts in said} == {
        ("order.opened", opened), ("order.closed", "SO-gone"), ("risk.changed", moved),
    }  # fmt: skip
    assert asyncio.run(begun(lambda _: None, tmp_path)) == []


def test_an_exception_that_is_raised_is_classified_and_told(scorer: Scorer) -> None:
    changes = Changes()
    follower = Follower(scorer, changes, scorer.policy.follow, exception_cases.desk())
    raised = exception_cases.event("E-9", 1.0, None, "wms", "short pick at bin 7")
    follower.note(raised)
    follower.note(exception_cases.closing(raised, 1.0, "short_pick"))
    (_, opened, facts), (_, resolved, _) = changes._past
    assert (opened, resolved) == ("exception.opened", "exception.resolved")
    expected = exception_cases.desk().classify_record(raised)
    assert facts["exception_id"] == raised.exception_id
    assert {name: facts[name] for name in ("code", "owner")} == {
        name: expected[name] for name in ("code", "owner")
    }


def test_a_listener_that_comes_back_gets_what_it_missed_and_a_slow_one_loses_the_oldest() -> None:
    changes = Changes(remembered=5)

    async def listen() -> tuple[list[int], list[int]]:
        for number in range(8):
            changes.tell("risk.changed", {"order_id": str(number)})
        with changes.listening(after=5) as back, changes.listening() as slow:
            for number in range(1_200):
                changes.tell("risk.changed", {"order_id": str(number)})
            return (
                [back.get_nowait()[0] for _ in range(back.qsize())],
                [slow.get_nowait()[0] for _ in range(slow.qsize())],
            )

    back, slow = asyncio.run(listen())
    assert changes.listeners == 0
    assert slow == list(range(209, 1209))
    assert back[-1] == slow[-1]
    with changes.listening(after=1_205) as queue:
        assert [queue.get_nowait()[0] for _ in range(queue.qsize())] == [1206, 1207, 1208]
    with changes.listening(after=9_000) as queue:  # it heard a service before this one
        assert [queue.get_nowait()[0] for _ in range(queue.qsize())] == list(range(1204, 1209))


@pytest.fixture
def server(home: Path, tmp_path: Path) -> Iterator[str]:
    for folder in ("history", "models"):
        shutil.copytree(home / folder, tmp_path / folder)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    settings = Settings(home=tmp_path, port=port)
    running = uvicorn.Server(config(create(settings), settings))
    thread = threading.Thread(target=running.run, daemon=True)
    thread.start()
    while not running.started:
        time.sleep(0.05)
    yield f"http://127.0.0.1:{port}"
    running.should_exit = running.force_exit = True
    thread.join(20)


def asked(url: str, body: object = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})  # noqa: S310
    with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310
        return json.load(answer)


def test_a_change_is_heard_within_a_second_of_its_event(server: str) -> None:
    ready = asked(f"{server}/readyz")
    item = asked(f"{server}/v1/worklist?page_size=1")["items"][0]
    with urllib.request.urlopen(f"{server}/v1/stream", timeout=20) as stream:  # noqa: S310
        opening = [stream.readline() for _ in range(4)]
        assert opening == [b"id: 0\n", b"event: connected\n", b'data: {"last":0}\n', b"\n"]
        moment = datetime.now(UTC).isoformat()
        data = {
            "order_id": item["order_id"], "milestone": "delivered", "event_time": moment,
            "record_time": moment,
        }  # fmt: skip
        event = {"id": "1", "type": "milestone", "data": data}
        started = time.monotonic()
        assert asked(f"{server}/v1/events", event)["accepted"] == 1
        lines = [stream.readline() for _ in range(3)]
        assert time.monotonic() - started < 5  # a second on a quiet machine; see benchmarks
    assert lines[:2] == [b"id: 1\n", b"event: order.closed\n"]
    assert json.loads(lines[2][6:])["order_id"] == item["order_id"]
    assert ready["events"] == {"kept": 0, "applied": 0}
    assert asked(f"{server}/readyz")["events"] == {"kept": 1, "applied": 1}
