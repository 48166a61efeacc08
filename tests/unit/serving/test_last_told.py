from __future__ import annotations

import asyncio
import json
import time
from itertools import islice
from pathlib import Path

import pytest
from tests import exception_cases, fakes
from tests.killed import killed
from tests.unit.serving.receiving import Heard, local, receiver

from triage.ledger.recovery import read_folder
from triage.serving.changes import Changes
from triage.serving.event_log import EventLog
from triage.serving.follow import Follower
from triage.serving.keeping import Keeping, keeping
from triage.serving.last_told import Said
from triage.serving.live import Live
from triage.serving.metrics import Metrics
from triage.serving.webhooks import box
from triage.serving.webhooks.box import FOLDER, Letter, Outbox, read_held
from triage.serving.webhooks.declared import Delivery
from triage.serving.webhooks.telling import open_webhooks


def subjects(heard: Heard) -> set[str]:
    return {json.loads(body)["subject"] for _, body in heard.requests}


RAISING = """
import asyncio, sys
from pathlib import Path
from datetime import UTC, datetime
from tests.unit.serving.receiving import local
from triage.advice.policy import FollowPolicy
from triage.domain.records import ExceptionEvent
from triage.serving.event_log import EventLog
from triage.serving.follow import Follower
from triage.serving.keeping import keeping
from triage.serving.live import Live
from triage.serving.metrics import Metrics
from triage.serving.webhooks.declared import Delivery
from triage.serving.webhooks.telling import open_webhooks

class Nobody:
    ranked = False
    def order_of(self, name): return None

NOW = datetime(2026, 1, 1, tzinfo=UTC)
home, start, exceptions = Path(sys.argv[1]), int(sys.argv[3]), int(sys.argv[4])
told = {"here": local(sys.argv[2], events=("exception.opened",))}, Delivery()

async def work(kept):
    async with kept.running(Metrics()):
        print("untold", flush=True)
        for number in range(start, start + exceptions):
            raised = ExceptionEvent(
                exception_id=f"E-{number}", phase="raised", event_time=NOW, record_time=NOW,
            )
            await kept.live.take([(f"E-{number}", raised)])
            print(f"E-{number}", flush=True)
        await asyncio.sleep(60)

with keeping(
    lambda changes: Live(EventLog(home), [], None, Follower(Nobody(), changes, FollowPolicy())),
    lambda: None, lambda: open_webhooks(home, told),
) as kept:
    asyncio.run(work(kept))
"""


def test_an_exception_that_was_acknowledged_is_told_though_the_service_was_killed_at_once(
    tmp_path: Path,
) -> None:
    acknowledged = set[str]()
    with receiver(Heard()) as heard:
        for begun, count in ((0, 400), (400, 400), (800, 1)):
            with killed(RAISING, str(tmp_path), heard.url, str(begun), str(count)) as said:
                assert said.readline() == "untold\n"
                for line in islice(said, min(count, 37 + begun // 7)):
                    acknowledged.add(line.strip())
                if count == 1:
                    until = time.monotonic() + 10
                    while acknowledged - subjects(heard) and time.monotonic() < until:
                        time.sleep(0.05)
    assert acknowledged <= subjects(heard)
    assert len(acknowledged) == 37 + 94 + 1


def test_an_exception_that_was_kept_and_never_told_is_told_once_by_the_next_start(
    tmp_path: Path,
) -> None:
    def start(home: Path) -> None:
        with keeping(
            lambda changes: Live(EventLog(home), [], None, following(changes)),
            lambda: None, lambda: open_webhooks(home, (told, Delivery())),
        ) as kept:  # fmt: skip
            asyncio.run(settled(kept))

    def following(changes: Changes) -> Follower:
        return Follower(Scorers(), changes, fakes.POLICY.follow)  # type: ignore[arg-type]

    async def settled(kept: Keeping) -> None:
        async with kept.running(Metrics()):
            await asyncio.sleep(0.3)

    async def crashed(home: Path) -> None:
        events = EventLog(home)
        await events.keep([("E-1", exception_cases.event("E-1", 1.0, None, "wms", "short pick"))])
        events.close()

    with receiver(Heard()) as heard:
        told = {"here": local(heard.url, events=("exception.opened",))}
        start(tmp_path)
        asyncio.run(crashed(tmp_path))
        start(tmp_path)
        start(tmp_path)
    (event,) = (json.loads(body) for _, body in heard.requests)
    assert (event["type"], event["subject"]) == ("exception.opened", "E-1")


class Scorers:
    """A champion that has no list yet."""

    ranked = False

    def order_of(self, _: str | None) -> None:
        """Know no order."""


def test_what_was_told_last_stays_when_the_files_go_that_noted_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(box, "_CARRY_FRAMES", 50)
    monkeypatch.setattr(box, "_SEGMENT_BYTES", 8_000)
    said = Said(1, 0.25, "high", "at_risk", "created", "why", abstained=False)
    letters = [
        Letter("here", f"id-{number}", "risk.changed", number, "{}") for number in range(300)
    ]

    async def deliver(outbox: Outbox) -> None:
        told = outbox.held.told
        told.begin({"SO-1": said, "SO-2": said})
        told.order("SO-2", None)
        told.exceptions(7)
        told.expired(9)
        for letter in letters:
            await outbox.put([letter])
            outbox.done(letter)

    outbox = Outbox(tmp_path)
    asyncio.run(deliver(outbox))
    outbox.close()

    (first, _), *_ = read_folder(tmp_path / FOLDER / "journal").frames()
    assert first > 5
    told = read_held(tmp_path).told
    assert (told.orders, told.begun, told.events, told.stale_at) == ({"SO-1": said}, True, 7, 9)
