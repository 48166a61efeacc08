"""Messages of a broker reach the service, are acknowledged after it has them, and none is lost."""

from __future__ import annotations

import asyncio
import base64
import json
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import nats
import pytest
from faststream.kafka import TestKafkaBroker
from faststream.nats import TestNatsBroker
from nats.errors import Error as NatsError
from nats.js import JetStreamContext

from triage.errors import RequestError, SettingsError
from triage.serving import forward
from triage.serving.brokers import kafka_broker, nats_broker
from triage.serving.forward import FILE, Forwarder, Message

NATS = shutil.which("nats-server") or shutil.which("nats-server", path="/usr/sbin")
SECONDS = 60.0


class Events(ThreadingHTTPServer):
    """A service that takes events: by default all of them, else as it was told."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.taken: list[dict[str, Any]] = []
        self.statuses: list[int] = []
        self.keys: list[str | None] = []
        self.most = 10**9

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def answer(self, events: list[dict[str, Any]]) -> tuple[int, dict[str, Any]]:
        if self.statuses and (status := self.statuses.pop(0)) != 200:
            return status, {"status": status}
        if len(events) > self.most:
            return 413, {"status": 413}
        bad = [at for at, event in enumerate(events) if event.get("type") == "nonsense"]
        self.taken += [event for at, event in enumerate(events) if at not in bad]
        problems = [{"index": at, "problem": {"title": "unknown type"}} for at in bad]
        return 200, {"problems": problems}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Events

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.keys.append(self.headers["authorization"])
        status, said = self.server.answer([json.loads(line) for line in body.split(b"\n")])
        content = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def service() -> Iterator[Events]:
    served = Events()
    thread = threading.Thread(target=served.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield served
    served.shutdown()
    served.server_close()


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forward, "_FIRST_PAUSE", 0.01)


def event(number: int, kind: str = "milestone") -> dict[str, Any]:
    return {"id": str(number), "source": "test", "type": kind, "data": {"n": number}}


def messages(events: Sequence[dict[str, Any]]) -> list[Message]:
    return [Message(json.dumps(each, indent=1).encode(), f"at {each['id']}") for each in events]


def taken(service: Events, folder: Path, sent: Sequence[Message], key: str | None = None) -> int:
    """Hand messages to a service; return how many were refused."""
    with closing(Forwarder(service.url, folder, key)) as forwarder:
        return asyncio.run(forwarder.take(sent))


def refused(folder: Path) -> list[dict[str, Any]]:
    path = folder / FILE
    return [json.loads(x) for x in path.read_text().splitlines()] if path.is_file() else []


def test_a_batch_is_done_with_once_the_service_has_it(service: Events, tmp_path: Path) -> None:
    service.statuses = [503, 429, 500]
    sent = [event(n) for n in range(20)]
    assert taken(service, tmp_path, messages(sent), "k") == 0
    assert service.taken == sent
    assert service.keys == ["Bearer k"] * 4


def test_what_is_no_event_is_kept_with_its_reason_and_the_rest_goes_on(
    service: Events, tmp_path: Path
) -> None:
    sent = messages([event(0), event(1, "nonsense"), event(2)])
    broken = Message(b"{", "at 3", {"ce-id": "3"})
    assert taken(service, tmp_path, [*sent, broken]) == 2
    assert [each["id"] for each in service.taken] == ["0", "2"]
    kept = {each["place"]: each for each in refused(tmp_path)}
    assert set(kept) == {"at 1", "at 3"}
    assert base64.b64decode(kept["at 3"]["body"]) == b"{"
    assert kept["at 1"]["problem"] == {"title": "unknown type"}


def test_a_batch_that_is_too_large_is_sent_in_parts(service: Events, tmp_path: Path) -> None:
    service.most = 3
    sent = [event(n) for n in range(10)]
    assert taken(service, tmp_path, messages(sent)) == 0
    assert service.taken == sent


def test_of_a_batch_that_is_refused_as_a_whole_only_the_bad_one_is_kept_back(
    service: Events, tmp_path: Path
) -> None:
    service.statuses = [422, 200, 422, 200]
    sent = messages([event(0), event(1), event(2)])
    assert taken(service, tmp_path, sent) == 1
    assert [each["id"] for each in service.taken] == ["0", "2"]
    assert [each["place"] for each in refused(tmp_path)] == ["at 1"]


@pytest.mark.parametrize("status", [401, 403])
def test_a_key_that_is_not_good_acknowledges_nothing(
    service: Events, tmp_path: Path, status: int
) -> None:
    service.statuses = [status]
    with pytest.raises(RequestError, match="triage keys create"):
        taken(service, tmp_path, messages([event(0)]))
    assert refused(tmp_path) == []


def test_an_address_that_is_none_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="is no address"):
        Forwarder("localhost:8080", tmp_path)


def test_attributes_in_headers_make_an_event(service: Events, tmp_path: Path) -> None:
    named = {"ce_id": "9", "ce_source": "test", "ce_type": "milestone", "other": "x"}
    sent = Message(b'{"n": 9}', "here", named)
    taken(service, tmp_path, [sent])
    assert service.taken == [event(9)]


def test_messages_of_nats_and_kafka_come_as_they_were_sent(service: Events, tmp_path: Path) -> None:
    forwarder = Forwarder(service.url, tmp_path)
    headers = {"ce-id": "1", "ce-source": "test", "ce-type": "milestone"}

    async def go() -> None:
        broker = nats_broker("nats://nowhere", "orders.>", "ORDERS", "triage", forwarder)
        async with TestNatsBroker(broker):
            await broker.publish(b'{"n": 1}', "orders.x", stream="ORDERS", headers=headers)
        broker = kafka_broker("nowhere:9092", "orders", "triage", forwarder)
        async with TestKafkaBroker(broker):
            await broker.publish(json.dumps(event(2)).encode(), "orders")

    with closing(forwarder):
        asyncio.run(go())
    assert service.taken == [event(1), event(2)]
    assert refused(tmp_path) == []


@pytest.fixture
def nats_server(tmp_path: Path) -> Iterator[str]:
    assert NATS is not None
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [NATS, "-a", "127.0.0.1", "-p", str(port), "-js", "-sd", str(tmp_path / "nats")],
        stderr=subprocess.DEVNULL,
    )
    yield f"nats://127.0.0.1:{port}"
    process.terminate()
    process.wait()


@pytest.mark.skipif(NATS is None, reason="needs nats-server: apt-get install nats-server")
def test_a_real_stream_is_read_to_its_end_across_failures_and_a_restart(
    nats_server: str, service: Events, tmp_path: Path
) -> None:
    service.statuses = [503, 200, 503]
    sent = [event(n) for n in range(1200)]

    async def read_until(count: int) -> None:
        forwarder = Forwarder(service.url, tmp_path)
        broker = nats_broker(nats_server, "orders.>", "ORDERS", "triage", forwarder)
        with closing(forwarder):
            await read(broker, count)

    async def read(broker: Any, count: int) -> None:
        async with broker:
            await broker.start()
            async with asyncio.timeout(SECONDS):
                while len({each["id"] for each in service.taken}) < count:
                    await asyncio.sleep(0.02)
            await asyncio.sleep(0.3)

    async def go() -> Any:
        async with _stream(nats_server) as stream:
            await _publish(stream, sent[:700])
            await read_until(700)
            await _publish(stream, sent[700:])
            await read_until(1200)
            return await stream.consumer_info("ORDERS", "triage")

    info = asyncio.run(go())
    assert {each["id"] for each in service.taken} == {each["id"] for each in sent}
    assert (info.num_pending, info.num_ack_pending) == (0, 0)


@pytest.mark.skipif(NATS is None, reason="needs nats-server: apt-get install nats-server")
def test_what_was_fetched_before_the_time_ran_out_is_not_fetched_again(
    nats_server: str, service: Events, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetch, fetched = JetStreamContext.PullSubscription.fetch, 0

    async def one_by_one(self: Any, batch: int, timeout: float) -> list[Any]:
        nonlocal fetched
        fetched += 1
        if fetched % 2 == 0:
            raise TimeoutError
        return await fetch(self, min(batch, 1), timeout)

    monkeypatch.setattr(JetStreamContext.PullSubscription, "fetch", one_by_one)

    async def go() -> Any:
        async with _stream(nats_server) as stream:
            await _publish(stream, [event(n) for n in range(5)])
            with closing(Forwarder(service.url, tmp_path)) as forwarder:
                broker = nats_broker(nats_server, "orders.>", "ORDERS", "triage", forwarder)
                async with broker, asyncio.timeout(SECONDS):
                    await broker.start()
                    while len(service.taken) < 5:
                        await asyncio.sleep(0.02)
            return await stream.consumer_info("ORDERS", "triage")

    info = asyncio.run(go())
    assert [each["id"] for each in service.taken] == ["0", "1", "2", "3", "4"]
    assert info.delivered.consumer_seq == 5


@asynccontextmanager
async def _stream(url: str) -> AsyncIterator[Any]:
    """Connect to a server that has just been started; make a stream."""
    until = time.monotonic() + SECONDS
    while True:
        try:
            client = await nats.connect(url, max_reconnect_attempts=1, connect_timeout=1)
            break
        except (OSError, NatsError):
            if time.monotonic() > until:
                raise
            await asyncio.sleep(0.1)
    try:
        stream = client.jetstream()
        await stream.add_stream(name="ORDERS", subjects=["orders.>"])
        yield stream
    finally:
        await client.close()


async def _publish(stream: Any, events: Sequence[dict[str, Any]]) -> None:
    for each in events:
        await stream.publish("orders.milestone", json.dumps(each).encode())
