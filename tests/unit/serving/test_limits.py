"""Bodies that are too large or too slow, over real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import json
import resource
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import uvicorn
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send
from tests import fakes

from triage.serving import limits, server
from triage.settings import Settings

SMALL = 100_000


@contextlib.contextmanager
def running(app: Any, settings: Settings) -> Iterator[int]:
    """Serve an app as the service is served; gives its port."""
    server_of = uvicorn.Server(server.config(app, settings))
    thread = threading.Thread(target=server_of.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 20
    while not server_of.started:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    yield int(server_of.servers[0].sockets[0].getsockname()[1])
    server_of.should_exit = True
    thread.join(timeout=10)


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    monkeypatch.setattr(limits, "BODY_SECONDS", 0.4)
    monkeypatch.setattr(server, "HEAD_SECONDS", 0.4)
    settings = Settings(port=0, max_body_bytes=SMALL)
    with running(fakes.app(settings), settings) as made:
        yield made


HEAD = b"POST /v1/score HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\n"


def answer_to(port: int, *parts: bytes) -> tuple[int, dict[str, object]]:
    """Send parts for as long as they are taken; return status and problem of the answer."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        for part in parts:
            try:
                client.sendall(part)
            except OSError:
                break
        data = b""
        try:
            while chunk := client.recv(65536):
                data += chunk
        except ConnectionResetError:
            pass
    head, _, body = data.partition(b"\r\n\r\n")
    assert b"application/problem+json" in head
    return int(head[9:12]), json.loads(body)


def test_a_body_announced_as_300_mb_is_refused_unread(port: int) -> None:
    status, problem = answer_to(port, HEAD + b"Content-Length: 300000000\r\n\r\n")
    assert status == 413
    assert problem["title"] == "The request body is too large"


def test_a_chunked_body_is_cut_and_memory_does_not_grow(port: int) -> None:
    chunk = b"10000\r\n" + b" " * 65536 + b"\r\n"
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        client.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        sent = 0
        try:
            for _ in range(5_000):
                client.sendall(chunk)
                sent += len(chunk)
        except OSError:
            pass  # the service closed, as it should
    assert sent < 60_000_000
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 40_000  # KiB


def test_a_body_that_stops_half_way_is_given_up(port: int) -> None:
    status, problem = answer_to(port, HEAD + b"Content-Length: 50\r\n\r\n{")
    assert status == 408
    assert problem["type"] == "urn:triage:problem:body-too-slow"


@pytest.mark.parametrize("start", [b"", b"POST /v1/sco", HEAD], ids=["nothing", "line", "headers"])
def test_a_request_whose_head_never_ends_is_cut_off(port: int, start: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        began = time.monotonic()
        if start:
            client.sendall(start)
        assert client.recv(1024) == b""
        assert time.monotonic() - began < 5


def test_so_is_the_next_request_on_a_kept_connection(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        client.sendall(b"GET /livez HTTP/1.1\r\nHost: test\r\n\r\n")
        assert b"alive" in client.recv(4096)
        began = time.monotonic()
        client.sendall(b"POST /v1/sco")
        assert client.recv(1024) == b""
        assert time.monotonic() - began < server.KEEP_ALIVE_SECONDS - 1


def test_others_are_served_meanwhile(port: int) -> None:
    stuck = [socket.create_connection(("127.0.0.1", port), timeout=10) for _ in range(50)]
    for one in stuck:
        one.sendall(HEAD + b"Content-Length: 50\r\n\r\n{")
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        client.sendall(b"GET /livez HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n")
        assert b"200 OK" in client.recv(1024)
    for one in stuck:
        one.close()


def test_a_connection_is_kept_for_several_requests(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        for _ in range(3):
            client.sendall(b"GET /livez HTTP/1.1\r\nHost: test\r\n\r\n")
            assert b"alive" in client.recv(4096)
            time.sleep(0.25)


PIECE, PIECES = bytes(1 << 20), 24


@dataclass
class Told:
    """An answer of 24 MB, and what became of it.

    Attributes:
        pieces: how many the server took.
        ended: whether it ended, one way or another.
    """

    pieces: int = 0
    ended: threading.Event = field(default_factory=threading.Event)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await StreamingResponse(self._told())(scope, receive, send)

    async def _told(self) -> AsyncIterator[bytes]:
        try:
            for _ in range(PIECES):
                self.pieces += 1
                yield PIECE
                await asyncio.sleep(0)
        finally:
            self.ended.set()


def asked(port: int) -> socket.socket:
    """Ask, with little room for the answer."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    client.settimeout(10)
    client.connect(("127.0.0.1", port))
    client.sendall(b"GET / HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n")
    return client


def rest(client: socket.socket) -> bytes:
    """Return what is still on its way, up to the end or the cut."""
    data = b""
    with contextlib.suppress(ConnectionResetError):
        while part := client.recv(1 << 20):
            data += part
    return data


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Told, int]]:
    monkeypatch.setattr(server, "WRITE_SECONDS", 0.5)
    app = Told()
    with running(app, Settings(port=0)) as port:
        yield app, port


def test_a_client_that_does_not_read_its_answer_is_cut_off(told: tuple[Told, int]) -> None:
    app, port = told
    with asked(port) as client:
        assert app.ended.wait(10)
        assert 0 < app.pieces < PIECES
        taken = len(rest(client))
    assert taken < app.pieces * len(PIECE)


def test_a_client_that_is_only_slow_gets_the_whole_answer(told: tuple[Told, int]) -> None:
    app, port = told
    began, size = time.monotonic(), 0
    with asked(port) as client:
        while part := client.recv(1 << 17):
            size += len(part)
            time.sleep(0.01)
    assert size > PIECES * len(PIECE)
    assert app.pieces == PIECES
    assert time.monotonic() - began > 3 * server.WRITE_SECONDS
