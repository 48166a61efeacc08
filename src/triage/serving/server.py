"""Runs an app with the settings that the promises were measured with."""

from __future__ import annotations

import asyncio
import gc
import socket
from collections.abc import Callable

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from triage.serving import logs
from triage.settings import Settings

HEAD_SECONDS = 5.0
"""A request line with its headers that has not arrived whole by then is cut off."""
KEEP_ALIVE_SECONDS = 5
WRITE_SECONDS = 30.0
"""A client that takes nothing for so long of an answer that waits for it is cut off."""
_ROUNDS = (10_000, 10, 100)
"""How rarely the garbage collector goes round: a request leaves next to nothing that only it can
free, and what it goes over for that (assessed orders, events just read) holds up who comes next."""


class PromptHttp(HttpToolsProtocol):
    """Uvicorn's protocol, with deadlines for the head of a request and for taking an answer.

    Bodies have theirs in `limits`. An answer waits for its client only once it is more than the
    buffers on the way hold: a listener who does not read is cut off after some megabytes, not
    before.
    """

    _deadline: asyncio.TimerHandle | None = None
    _unread: asyncio.TimerHandle | None = None
    _in_head = True

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the clock of the first request."""
        super().connection_made(transport)
        self._start()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clocks."""
        self._stop()
        super().connection_lost(exc)
        self._taken()

    def pause_writing(self) -> None:
        """Start the clock of a client that does not take what is there for it."""
        super().pause_writing()
        self._wait_for_client()

    def resume_writing(self) -> None:
        """Stop it: the client took enough."""
        self._taken()
        super().resume_writing()

    def data_received(self, data: bytes) -> None:
        """Start the clock if these bytes leave a head unfinished; few ever do."""
        super().data_received(data)
        if self._in_head and self._deadline is None:
            self._start()

    def on_message_begin(self) -> None:
        """Note that a head has begun."""
        super().on_message_begin()
        self._in_head = True

    def on_headers_complete(self) -> None:
        """Stop the clock: the head is there."""
        self._in_head = False
        self._stop()
        super().on_headers_complete()

    def _start(self) -> None:
        self._deadline = self.loop.call_later(HEAD_SECONDS, self._cut)

    def _stop(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _wait_for_client(self) -> None:
        self._taken()
        left = self.transport.get_write_buffer_size()
        self._unread = self.loop.call_later(WRITE_SECONDS, self._look, left)

    def _look(self, left: int) -> None:
        """Cut off who took nothing meanwhile; who is only slow goes on."""
        if self.transport.get_write_buffer_size() < left:
            self._wait_for_client()
        else:
            self.transport.abort()

    def _taken(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def _cut(self) -> None:
        self._deadline = None
        self.transport.close()


class SteadyServer(uvicorn.Server):
    """Leaves what was loaded at the start out of the garbage collector's rounds.

    The log and the models stay for good; going over them again and again would hold up requests
    for as long as a second.
    """

    on_started: Callable[[], None] | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start the app, then set aside what there is, and tell who wants to know."""
        await super().startup(sockets)
        gc.freeze()
        gc.set_threshold(*_ROUNDS)
        gc.enable()
        if self.on_started is not None and not self.should_exit:
            self.on_started()


def config(app: FastAPI, settings: Settings) -> uvicorn.Config:
    """Return how an app is run: one process, uvloop where there is one, httptools."""
    return uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        loop="auto",
        http=PromptHttp,
        ws="none",
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=10,
        access_log=False,
        server_header=False,
        log_config=None,
        log_level="warning",
    )


def serve(app: FastAPI, settings: Settings, started: Callable[[], None] | None = None) -> None:
    """Serve an app until interrupted; what is logged goes to stderr as settings say.

    Args:
        app: the app.
        settings: address and port.
        started: is called once the app answers.
    """
    logs.configure(settings)
    server = SteadyServer(config(app, settings))
    server.on_started = started
    server.run()
