from __future__ import annotations

import asyncio
import json
import shutil
import socket
import threading
import time
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from tests import exception_cases

from triage.advice import policy
from triage.domain.clock import from_micros
from triage.domain.records import Milestone, MilestoneKind
from triage.history.log import Log
from triage.models.at_risk import NAME, AtRiskModel
from triage.serving.changes import Change, Changes
from triage.serving.event_log import EventLog
from triage.serving.follow import Follower
from triage.serving.live import Live
from triage.serving.main import create
from triage.serving.scorer import Scorer
from triage.serving.server import config
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
