from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, get_args

import pytest
from rich.console import Console
from starlette.testclient import TestClient
from tests import fakes
from tests.killed import killed
from tests.unit.serving.receiving import ONE, OTHER, Heard, local, receiver, verified
from typer.testing import CliRunner

from triage.cli import app
from triage.commands import webhooks as webhook_commands
from triage.ledger import tape
from triage.ledger.errors import StoreUnavailableError
from triage.ledger.journal import Journal
from triage.ledger.ledger import Ledger
from triage.ledger.recovery import read_folder
from triage.serving.app import create_app
from triage.serving.changes import Changes, Told
from triage.serving.decisions import Decisions
from triage.serving.event_log import EventLog
from triage.serving.keeping import Keeping, keeping
from triage.serving.live import Live
from triage.serving.metrics import Metrics
from triage.serving.webhooks import box, telling
from triage.serving.webhooks.box import FOLDER, Letter, Outbox, ask_again, read_held
from triage.serving.webhooks.declared import Delivery, Wanted
from triage.serving.webhooks.receiver import Receiver
from triage.serving.webhooks.telling import Webhooks, open_webhooks
from triage.settings import Settings

QUICK = Delivery(attempts=3, first_wait_seconds=0.02, timeout_seconds=2, at_once=2)


class Running:
    """A service of nothing but webhooks, for as long as its receivers need."""

    def __init__(self, home: Path, *receivers: Receiver, delivery: Delivery = QUICK) -> None:
        self.home, self.delivery = home, delivery
        self.receivers = {each.name: each for each in receivers}
        self.metrics = Metrics()

    def run(self, tell: Callable[[Changes], None], until: Callable[[], bool]) -> None:
        async def work() -> None:
            webhooks = Webhooks(self.receivers, self.delivery, Outbox(self.home))
            changes = Changes()
            try:
                async with webhooks.running(changes, self.metrics):
                    tell(changes)
                    async with asyncio.timeout(10):
                        while not until():
                            await asyncio.sleep(0.01)
                    await asyncio.sleep(0.05)
            finally:
                webhooks.close()

        asyncio.run(work())

    def count(self, name: str, result: str) -> float:
        labels = {"subscription": name, "result": result}
        return self.metrics.registry.get_sample_value("triage_webhooks_total", labels) or 0.0


def tell_one(changes: Changes) -> None:
    changes.tell("risk.changed", {"order_id": "SO-1", "now": {"p_late": 0.5}})


def test_a_change_arrives_as_a_signed_cloud_event(tmp_path: Path) -> None:
    with receiver(Heard()) as heard:
        running = Running(tmp_path, local(heard.url))
        running.run(tell_one, lambda: len(heard.requests) == 1)
    ((headers, body),) = heard.requests
    assert verified(headers, body, ONE)
    assert not verified(headers, body + b" ", ONE)
    assert not verified(headers, body, OTHER)
    assert headers["content-type"].startswith("application/cloudevents+json")
    event = json.loads(body)
    assert event["id"] == headers["webhook-id"]
    assert (event["specversion"], event["type"], event["subject"]) == (
        "1.0", "risk.changed", "SO-1",
    )  # fmt: skip
    assert event["data"] == {"order_id": "SO-1", "now": {"p_late": 0.5}}
    assert running.count("here", "delivered") == 1
    assert not read_held(tmp_path).waiting


def test_while_a_secret_changes_both_are_accepted(tmp_path: Path) -> None:
    with receiver(Heard()) as heard:
        both = local(heard.url, OTHER, ONE)
        Running(tmp_path, both).run(tell_one, lambda: len(heard.requests) == 1)
    ((headers, body),) = heard.requests
    assert verified(headers, body, ONE)
    assert verified(headers, body, OTHER)
    assert len(headers["webhook-signature"].split(" ")) == 2


def test_what_failed_is_tried_again_under_the_same_id(tmp_path: Path) -> None:
    with receiver(Heard(lambda number: 500 if number < 2 else 200)) as heard:
        running = Running(tmp_path, local(heard.url))
        running.run(tell_one, lambda: running.count("here", "delivered") == 1)
    assert len(set(heard.ids())) == 1
    assert len(heard.requests) == 3
    assert running.count("here", "failed") == 2


def test_what_a_receiver_does_not_want_is_not_sent(tmp_path: Path) -> None:
    def tell(changes: Changes) -> None:
        changes.tell("order.closed", {"order_id": "SO-1"})
        tell_one(changes)

    with receiver(Heard()) as heard:
        Running(tmp_path, local(heard.url)).run(tell, lambda: bool(heard.requests))
    assert [json.loads(body)["type"] for _, body in heard.requests] == ["risk.changed"]


def test_a_slow_receiver_delays_no_other(tmp_path: Path) -> None:
    def tell(changes: Changes) -> None:
        for _ in range(20):
            tell_one(changes)

    with receiver(Heard(seconds=1.0)) as slow, receiver(Heard()) as quick:
        running = Running(tmp_path, local(slow.url, name="slow"), local(quick.url, name="quick"))
        started = time.monotonic()
        running.run(tell, lambda: running.count("quick", "delivered") == 20)
        assert time.monotonic() - started < 2
        assert running.count("slow", "delivered") < 5
    waiting = read_held(tmp_path).waiting
    assert {to for to, _ in waiting} == {"slow"}


def test_a_redirect_is_not_followed(tmp_path: Path) -> None:
    with receiver(Heard()) as inside:
        with receiver(Heard(lambda _: 307, extra={"Location": inside.url})) as heard:
            running = Running(tmp_path, local(heard.url))
            running.run(tell_one, lambda: running.count("here", "dead") == 1)
        assert inside.requests == []
    (dead,) = read_held(tmp_path).dead.values()
    assert "redirects are not followed" in dead.why
    assert dead.attempts == QUICK.attempts


def test_a_dead_letter_is_kept_and_can_be_tried_again(tmp_path: Path) -> None:
    with receiver(Heard(lambda number: 503 if number < 3 else 200)) as heard:
        running = Running(tmp_path, local(heard.url))
        running.run(tell_one, lambda: running.count("here", "dead") == 1)
        (dead,) = read_held(tmp_path).dead.values()
        assert dead.why == "answered 503"
        assert ask_again(tmp_path, "msg_of_nobody") == []
        assert ask_again(tmp_path, dead.letter.id) == [dead]
        running.run(lambda _: None, lambda: running.count("here", "delivered") == 1)
    assert set(heard.ids()) == {dead.letter.id}
    assert not read_held(tmp_path).dead


def test_who_says_gone_is_asked_no_more(tmp_path: Path) -> None:
    with receiver(Heard(lambda _: 410)) as heard:
        running = Running(tmp_path, local(heard.url))
        running.run(tell_one, lambda: running.count("here", "dead") == 1)
    assert len(heard.requests) == 1


def test_what_a_receiver_asks_to_wait_is_waited_up_to_the_longest(tmp_path: Path) -> None:
    patient = QUICK.model_copy(update={"longest_wait_seconds": 0.4})
    busy = Heard(lambda number: 429 if not number else 200, extra={"Retry-After": "600"})
    with receiver(busy) as heard:
        running = Running(tmp_path, local(heard.url), delivery=patient)
        started = time.monotonic()
        running.run(tell_one, lambda: running.count("here", "delivered") == 1)
    assert 0.4 <= time.monotonic() - started < 5


def test_a_full_queue_gives_up_the_oldest_and_dead_letters_are_bounded(tmp_path: Path) -> None:
    small = Delivery(queue=4, most_dead=2, at_once=1, timeout_seconds=5)

    def tell(changes: Changes) -> None:
        for number in range(10):
            changes.tell("risk.changed", {"order_id": f"SO-{number}"})

    with receiver(Heard(seconds=3.0)) as heard:
        running = Running(tmp_path, local(heard.url), delivery=small)
        running.run(tell, lambda: running.count("here", "dead") >= 5)
    held = read_held(tmp_path)
    assert len(held.dead) == 2
    assert running.count("here", "dropped") == running.count("here", "dead") - 2
    orders = [json.loads(each.body)["data"]["order_id"] for each in held.waiting.values()]
    assert orders[-4:] == ["SO-6", "SO-7", "SO-8", "SO-9"]


KILLED = """
import asyncio, sys
from pathlib import Path
from tests.unit.serving.receiving import local
from triage.serving.changes import Changes
from triage.serving.metrics import Metrics
from triage.serving.webhooks.box import Outbox
from triage.serving.webhooks.declared import Delivery
from triage.serving.webhooks.telling import Webhooks

async def work():
    outbox = Outbox(Path(sys.argv[1]))
    changes = Changes()
    hooks = Webhooks({"here": local(sys.argv[2])}, Delivery(), outbox)
    async with hooks.running(changes, Metrics()):
        for number in range(100):
            changes.tell("risk.changed", {"order_id": f"SO-{number}"})
        await asyncio.sleep(0.3)
        print("told", flush=True)
        await asyncio.sleep(60)

asyncio.run(work())
"""


def test_what_was_pending_when_the_service_was_killed_arrives_after_its_restart(
    tmp_path: Path,
) -> None:
    with receiver(Heard(seconds=0.05)) as heard:
        with killed(KILLED, str(tmp_path), heard.url) as said:
            assert said.readline() == "told\n"
        before = len(set(heard.ids()))
        assert before < 100
        left = len(read_held(tmp_path).waiting)
        assert left >= 100 - before
        running = Running(tmp_path, local(heard.url))
        running.run(lambda _: None, lambda: running.count("here", "delivered") == left)
    told = {json.loads(body)["data"]["order_id"] for _, body in heard.requests}
    assert told == {f"SO-{number}" for number in range(100)}
    assert not read_held(tmp_path).waiting


def test_files_of_what_was_delivered_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(box, "_CARRY_FRAMES", 50)
    monkeypatch.setattr(box, "_SEGMENT_BYTES", 8_000)

    def tell(changes: Changes) -> None:
        for _ in range(300):
            tell_one(changes)

    with receiver(Heard()) as heard:
        running = Running(tmp_path, local(heard.url))
        running.run(tell, lambda: running.count("here", "delivered") == 300)
    assert not read_held(tmp_path).waiting
    frames = list(read_folder(tmp_path / FOLDER / "journal").frames(0))
    assert len(frames) < 200


def test_what_the_disk_does_not_take_is_put_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    append, refused = Journal.append_async, list[int]()

    def failing(journal: Journal, items: Any, within: float | None = None) -> Any:
        if len(refused) < 2:
            refused.append(len(items))
            raise StoreUnavailableError("no space")
        return append(journal, items, within)

    monkeypatch.setattr(Journal, "append_async", failing)
    monkeypatch.setattr(telling, "_LOOK_SECONDS", 0.05)
    with receiver(Heard()) as heard:
        running = Running(tmp_path, local(heard.url))
        running.run(tell_one, lambda: running.count("here", "delivered") == 1)
    assert refused == [1, 1]
    assert len(heard.requests) == 1
    assert not read_held(tmp_path).waiting


def test_events_of_a_subscription_that_is_gone_become_dead_letters(tmp_path: Path) -> None:
    with receiver(Heard(lambda _: 500)) as heard:
        slow = QUICK.model_copy(update={"first_wait_seconds": 60.0})
        running = Running(tmp_path, local(heard.url), delivery=slow)
        running.run(tell_one, lambda: running.count("here", "failed") == 1)
    other = Running(tmp_path, local(heard.url, name="other"))
    other.run(lambda _: None, lambda: other.count("here", "dead") == 1)
    (dead,) = read_held(tmp_path).dead.values()
    assert "no such subscription" in dead.why


def test_whatever_can_be_wanted_is_told() -> None:
    assert set(get_args(Wanted)) < set(get_args(Told))


def test_a_running_service_tells_receivers_and_counts(tmp_path: Path) -> None:
    with receiver(Heard()) as heard:
        receivers = {"here": local(heard.url)}

        def kept() -> AbstractContextManager[Keeping]:
            return keeping(
                lambda _: Live(EventLog(tmp_path), []),
                lambda: Decisions(Ledger.open(tmp_path), fakes.POLICY, "0" * 64, None),
                lambda: open_webhooks(tmp_path, (receivers, QUICK)),
            )

        made = create_app(fakes.FakeAdvisor, Settings(), clock=lambda: fakes.NOW, keep=kept)
        with TestClient(made) as client:
            assert client.portal is not None
            client.portal.call(made.state.kept.changes.tell, "risk.changed", {"order_id": "SO-1"})
            heard.wait_for(1)
            until = time.monotonic() + 5
            wanted = 'triage_webhooks_total{result="delivered",subscription="here"} 1.0'
            while wanted not in client.get("/metrics").text and time.monotonic() < until:
                time.sleep(0.05)
            assert wanted in client.get("/metrics").text
    assert verified(*heard.requests[0], ONE)


def test_nothing_is_opened_where_nobody_is_told(tmp_path: Path) -> None:
    assert open_webhooks(tmp_path, ({}, QUICK)) is None
    assert not list(tmp_path.iterdir())


def command(*words: str, environment: dict[str, str]) -> Any:
    return CliRunner().invoke(app, ["webhooks", *words], env=environment)


def test_the_commands_show_test_and_retry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook_commands, "out", Console(width=200))
    with receiver(Heard(lambda number: 500 if number < 3 else 200)) as heard:
        (tmp_path / "serving").mkdir()
        (tmp_path / "serving" / "webhooks.toml").write_text(
            f'[subscriptions.here]\nurl = "{heard.url}"\nevents = ["risk.changed"]\n'
            'secrets = ["TRIAGE_TEST_HOOK"]\nhttp_on_loopback = true\n'
        )
        environment = {
            "TRIAGE_HOME": str(tmp_path), "TRIAGE_WORKSPACE": str(tmp_path),
            "TRIAGE_TEST_HOOK": ONE,
        }  # fmt: skip
        running = Running(tmp_path, local(heard.url))
        running.run(tell_one, lambda: running.count("here", "dead") == 1)
        (dead,) = read_held(tmp_path).dead.values()
        assert "TRIAGE_TEST_HOOK" in command("list", environment=environment).stdout
        assert ONE not in command("list", environment=environment).stdout
        said = command("dead", environment=environment).stdout
        assert dead.letter.id in said
        assert "answered 500" in said
        assert command("test", "here", environment=environment).exit_code == 0
        assert json.loads(heard.requests[-1][1])["type"] == "webhook.test"
        assert command("retry", "all", environment=environment).exit_code == 0
        running.run(lambda _: None, lambda: running.count("here", "delivered") == 1)
    assert command("retry", dead.letter.id, environment=environment).exit_code == 1
    made = command("secret", environment=environment).stdout.strip()
    assert made.startswith("whsec_")


@pytest.mark.parametrize("hangs", [False, True])
def test_what_is_held_is_carried_on_so_that_files_go_and_nobody_waits_for_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, hangs: bool
) -> None:
    monkeypatch.setattr(box, "_CARRY_FRAMES", 50)
    monkeypatch.setattr(box, "_SEGMENT_BYTES", 8_000)
    over, flush = threading.Event(), tape._flush

    def late(handle: int) -> None:
        over.wait(10)
        flush(handle)

    def letter(number: int) -> Letter:
        return Letter("here", f"id-{number}", "risk.changed", number, "{}")

    async def deliver(outbox: Outbox) -> None:
        await outbox.put([letter(0)])
        with monkeypatch.context() as disk:
            if hangs:
                disk.setattr(tape, "_flush", late)
            for number in range(1, 400):
                put = outbox.put([letter(number)])
                if not hangs:
                    await put
                outbox.done(letter(number))
            over.set()
            await outbox.put([letter(400)])

    outbox = Outbox(tmp_path)
    asyncio.run(deliver(outbox))
    outbox.close()

    assert list(read_held(tmp_path).waiting) == [("here", "id-0"), ("here", "id-400")]
    files = len(list((tmp_path / FOLDER).rglob("*.journal")))
    assert hangs or files < 4


def test_what_is_held_is_carried_on_once_however_much_that_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(box, "_CARRY_FRAMES", 50)
    letters = [Letter("here", f"id-{number}", "risk.changed", number, "{}") for number in range(90)]

    async def deliver(outbox: Outbox) -> None:
        await outbox.put(letters)
        for letter in letters[:20]:
            outbox.done(letter)
            await asyncio.sleep(0.01)

    outbox = Outbox(tmp_path)
    asyncio.run(deliver(outbox))
    outbox.close()

    frames = [frame for _, frame in read_folder(tmp_path / FOLDER / "journal").frames()]
    assert len(frames) < 90 + 20 + 90
    assert len(read_held(tmp_path).waiting) == 70
