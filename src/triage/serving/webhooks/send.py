"""One attempt to deliver: one connection to a checked address, one request, the head of an answer.

Redirects are not followed, and of the answer nothing but its status counts.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import httptools

import triage
from triage.serving.webhooks.address import (
    RefusedAddressError,
    Resolve,
    Target,
    checked,
    resolve,
)
from triage.serving.webhooks.declared import Subscription

_MOST_READ = 16_384
_GONE = 410


@dataclass(frozen=True, slots=True)
class Sent:
    """What came of an attempt.

    Attributes:
        delivered: whether the receiver took it (2xx).
        why: why not, in words; empty if it did.
        final: whether trying again is pointless.
        wait_seconds: what the receiver asks to wait; None if it does not.
    """

    delivered: bool
    why: str = ""
    final: bool = False
    wait_seconds: float | None = None


@cache
def trusted() -> ssl.SSLContext:
    """Return the certificates that the system trusts."""
    return ssl.create_default_context()


async def send(
    subscription: Subscription,
    headers: Mapping[str, str],
    body: bytes,
    seconds: float,
    *,
    resolving: Resolve = resolve,
    tls: ssl.SSLContext | None = None,
) -> Sent:
    """Try once; whatever fails is in what is returned.

    Args:
        subscription: who is told.
        headers: those that sign it, and its type.
        body: what is sent.
        seconds: for everything together.
        resolving: finds the addresses of the host.
        tls: whom to trust; default: as the system does.
    """
    target = Target.of(subscription.url)
    try:
        async with asyncio.timeout(seconds):
            addresses = await checked(target, subscription, resolving)
            head = await _exchange(target, addresses, _request(target, headers, body), tls)
    except TimeoutError:
        return Sent(False, f"no answer within {seconds:g} s")
    except RefusedAddressError as error:
        return Sent(False, str(error))
    except OSError as error:
        said = getattr(error, "verify_message", "") or error.strerror or type(error).__name__
        return Sent(False, f"cannot be reached: {said}")
    except httptools.HttpParserError:
        return Sent(False, "its answer is no HTTP")
    return head.outcome()


async def _exchange(
    target: Target, addresses: list[str], request: bytes, tls: ssl.SSLContext | None
) -> _Head:
    reader, writer = await _connect(target, addresses, tls)
    try:
        writer.write(request)
        await writer.drain()
        head = _Head()
        parser = httptools.HttpResponseParser(head)
        left = _MOST_READ
        while not head.complete and left > 0 and (data := await reader.read(min(left, 4_096))):
            left -= len(data)
            parser.feed_data(data)
            head.status = parser.get_status_code()
        return head
    finally:
        writer.transport.abort()


async def _connect(
    target: Target, addresses: list[str], tls: ssl.SSLContext | None
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect to the first address that takes it; names are not looked up again."""
    secure = (tls or trusted()) if target.tls else None
    name = target.host if target.tls else None
    failed: OSError = OSError("no address")
    for address in addresses:
        try:
            return await asyncio.open_connection(
                address, target.port, limit=_MOST_READ, ssl=secure, server_hostname=name
            )
        except OSError as error:
            failed = error
    raise failed


def _request(target: Target, headers: Mapping[str, str], body: bytes) -> bytes:
    lines = {
        "Host": target.authority,
        "User-Agent": f"triage/{triage.__version__}",
        **headers,
        "Content-Length": str(len(body)),
        "Connection": "close",
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"POST {target.path} HTTP/1.1\r\n{head}\r\n".encode("ascii") + body


class _Head:
    """Of an answer, status and what it says about waiting; called by the parser."""

    def __init__(self) -> None:
        self.status = 0
        self.complete = False
        self._wait: float | None = None

    def on_header(self, name: bytes, value: bytes) -> None:
        if name.lower() == b"retry-after":
            with contextlib.suppress(ValueError):  # a date: the usual wait will do
                self._wait = max(0.0, float(int(value)))

    def on_headers_complete(self) -> None:
        self.complete = True

    def outcome(self) -> Sent:
        if not self.complete:
            return Sent(False, "its answer has no end")
        if 200 <= self.status < 300:
            return Sent(True)
        if 300 <= self.status < 400:
            return Sent(False, f"answered {self.status}; redirects are not followed")
        return Sent(False, f"answered {self.status}", self.status == _GONE, self._wait)
