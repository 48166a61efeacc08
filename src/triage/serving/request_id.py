"""Every request has an id, made of its W3C trace and of a span of our own in it.

A caller's `traceparent` is taken if it is exactly as the standard says, and ignored otherwise: what
is written to logs and answers is then never what somebody sent but hexadecimal digits.
"""

from __future__ import annotations

import os
import random
import re
from contextvars import ContextVar
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

HEADER: Final = "x-request-id"
KEY: Final = "triage.request_id"
"""Where an ASGI scope has it."""
_TRACEPARENT = re.compile(
    rb"(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-.*)?"
)
_REQUEST: ContextVar[str] = ContextVar("request", default="")
_RANDOM = random.Random(os.urandom(32))  # noqa: S311 - ids have to differ, not to be secret


def current() -> str:
    """Return the id of the request that is being answered; empty outside of one."""
    return _REQUEST.get()


def trace_of(traceparent: bytes) -> str:
    """Return the trace (32 hexadecimal digits) that a header names; empty if it is malformed.

    Source: W3C Trace Context, level 1, 3.2 (a higher version may add fields, version 00 may not).
    """
    parts = _TRACEPARENT.fullmatch(traceparent)
    if parts is None or (parts[3] is not None and parts[1] == b"00"):
        return ""
    return parts[2].decode()


def request_id(traceparent: bytes | None) -> str:
    """Return a new id, `<trace>-<span>`: in the trace that a header names, or in a new one."""
    trace = trace_of(traceparent) if traceparent is not None else ""
    span = f"{_RANDOM.getrandbits(64) or 1:016x}"
    return f"{trace or f'{_RANDOM.getrandbits(128) or 1:032x}'}-{span}"


class RequestIds:
    """Gives each request its id, in the scope and for whoever asks `current`."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "http":
            told = [value for name, value in scope["headers"] if name == b"traceparent"]
            scope[KEY] = own = request_id(told[0] if len(told) == 1 else None)
            _REQUEST.set(own)
        await self.app(scope, receive, send)
