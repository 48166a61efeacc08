"""How much of a request body is read, and for how long."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from triage.errors import BodyTooLargeError
from triage.serving import problems

BODY_SECONDS = 5.0
"""A body that has not arrived whole by then is given up."""


class BodyLimit:
    """Reads a body before the app sees it: at most `max_bytes`, within `BODY_SECONDS`.

    A body announced as larger is refused unread; a chunked one as soon as it has grown too large.
    """

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self.app = app
        self.max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        length = _announced(scope)
        if length == 0:
            await self.app(scope, receive, send)
            return
        if length is not None and length > self.max_bytes:
            await self._refuse_size(scope, receive, send)
            return
        try:
            async with asyncio.timeout(BODY_SECONDS):
                body = await _read(receive, self.max_bytes)
        except BodyTooLargeError:
            await self._refuse_size(scope, receive, send)
            return
        except TimeoutError:
            await _refuse_slow(scope, receive, send)
            return
        if body is not None:
            await self.app(scope, _replay(body, receive), send)

    async def _refuse_size(self, scope: Scope, receive: Receive, send: Send) -> None:
        error = BodyTooLargeError(f"a body may hold {self.max_bytes:,} bytes: send smaller batches")
        problem = problems.of_error(error, problems.instance_of(scope))
        await problems.respond(problem, {"Connection": "close"})(scope, receive, send)


def _announced(scope: Scope) -> int | None:
    """Return the announced body size in bytes; 0 if there is no body, None if it is not said."""
    length = b"0"
    for name, value in scope["headers"]:  # names are lower case: ASGI says so
        if name == b"transfer-encoding":
            return None
        if name == b"content-length":
            length = value
    return int(length) if length.isdigit() and len(length) < 19 else None


async def whole_body(request: Request) -> bytes:
    """Return the body of a request that came through `BodyLimit`: it arrives as one message."""
    message = await request.receive()
    body: bytes = message.get("body", b"")
    return body


async def _read(receive: Receive, max_bytes: int) -> bytes | None:
    """Return the whole body, or None if the client went away."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        part = message.get("body", b"")
        size += len(part)
        if size > max_bytes:
            raise BodyTooLargeError
        parts.append(part)
        if not message.get("more_body", False):
            return parts[0] if len(parts) == 1 else b"".join(parts)


def _replay(body: bytes, receive: Receive) -> Receive:
    sent = False

    async def next_message() -> Message:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return next_message


async def _refuse_slow(scope: Scope, receive: Receive, send: Send) -> None:
    problem = problems.body(
        408, "body-too-slow", "The request body did not arrive in time",
        f"a body must arrive within {BODY_SECONDS:.0f} s", problems.instance_of(scope),
    )  # fmt: skip
    await problems.respond(problem, {"Connection": "close"})(scope, receive, send)
