"""Idempotency-Key: a request that is sent again gets the answer that it got, and does nothing anew.

Source: draft-ietf-httpapi-idempotency-key-header. The answer is an entry of the ledger, so a
restart forgets nothing. It is recorded after what it answers: if the service is killed in between,
nobody has seen that answer, and the repetition is done anew.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
import zlib
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

from pydantic_core import to_json
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from triage.domain.clock import MICROS_PER_DAY
from triage.errors import TriageError
from triage.ledger.entries import Draft, Entry, canonical
from triage.ledger.errors import LedgerError
from triage.ledger.ledger import Ledger
from triage.serving import problems
from triage.serving.access.guard import caller
from triage.serving.service import Service

HEADER: Final = "Idempotency-Key"
PATTERN: Final = "^[!-~]{1,255}$"
KEPT_MICROS = MICROS_PER_DAY
_KIND: Final = "idempotency"
_NAME = HEADER.lower().encode()
_SHAPE = re.compile(PATTERN.strip("^$").encode())
_SCORES = ("/v1/score", "/v1/score/batch")
_WORK = "/v1/worklist/"
_ORDER = re.compile(r"/v1/worklist/(.+)/actions", re.DOTALL)
_LOG = logging.getLogger("triage.serving")


class IdempotencyKeyError(TriageError):
    """The idempotency key cannot be used."""

    status: ClassVar[int] = 400
    slug: ClassVar[str] = "idempotency-key"


class IdempotencyKeyReusedError(TriageError):
    """The idempotency key was used for another request."""

    status: ClassVar[int] = 422
    slug: ClassVar[str] = "idempotency-key-reused"


class IdempotencyConflictError(TriageError):
    """The request with this idempotency key has no answer yet, or not any more."""

    status: ClassVar[int] = 409
    slug: ClassVar[str] = "idempotency-conflict"


def covers(method: str, path: str) -> bool:
    """Return whether a key counts there: where a repetition would record something twice."""
    return method == "POST" and (path in _SCORES or path.startswith(_WORK))


@dataclass(slots=True)
class _Answer:
    """An answer as it goes out."""

    status: int = 500
    media_type: str = ""
    parts: list[bytes] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)

    async def take(self, message: Message) -> None:
        """Keep a message instead of sending it."""
        self.messages.append(message)
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = dict(message.get("headers", ()))
            self.media_type = headers.get(b"content-type", b"").decode("latin-1")
        else:
            self.parts.append(message.get("body", b""))


class Idempotency:
    """Answers repetitions; a request without a key passes untouched. Sits behind `BodyLimit`."""

    def __init__(self, app: ASGIApp, service: Service) -> None:
        self.app = app
        self._service = service
        self._running: set[str] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or scope["method"] != "POST":
            await self.app(scope, receive, send)
            return
        keys = [value for name, value in scope["headers"] if name == _NAME]
        not_yet = self._service.decisions is None and self._service.settings.record
        if not keys or not_yet or not covers("POST", scope["path"]):
            await self.app(scope, receive, send)
            return
        try:
            await self._once(_checked(keys), scope, receive, send)
        except TriageError as error:
            await problems.answer_to(error, scope)(scope, receive, send)

    async def _once(self, key: bytes, scope: Scope, receive: Receive, send: Send) -> None:
        if self._service.decisions is None:
            raise IdempotencyKeyError("nothing is recorded here: leave the header out")
        ledger, now = self._service.decisions.ledger, self._service.clock()
        own = _id(key, scope)
        if own in self._running:
            raise IdempotencyConflictError("the first one is being answered: wait for its answer")
        self._running.add(own)
        try:
            first = await receive()
            request = hashlib.sha256(scope["query_string"] + b"\0" + first.get("body", b""))
            entry = await run_in_threadpool(_find, ledger, own, now)
            if entry is not None:
                await _again(entry, request.hexdigest())(scope, receive, send)
                return
            answer = _Answer()
            await self.app(scope, _replay(first, receive), answer.take)
            if 200 <= answer.status < 300:
                await _keep(ledger, _dated(own, now), answer, request.hexdigest(), scope, now)
            for message in answer.messages:
                await send(message)
        finally:
            self._running.discard(own)


def tells_of(entry: Entry, order_id: str) -> bool:
    """Return whether an entry keeps an answer that tells of an order."""
    if entry.kind != _KIND or entry.personal is None:
        return False
    return to_json(order_id) in zlib.decompress(entry.personal)


def _checked(keys: list[bytes]) -> bytes:
    key = keys[0].strip()
    if len(key) > 2 and key.startswith(b'"') and key.endswith(b'"'):
        key = key[1:-1]
    if len(keys) > 1 or not _SHAPE.fullmatch(key):
        raise IdempotencyKeyError("send one key of 1 to 255 visible ASCII characters")
    return key


def _id(key: bytes, scope: Scope) -> str:
    """Return what tells a request from those of other callers and addresses."""
    found = caller()
    parts = ("" if found is None else found.key.id, scope["path"])
    told = canonical(parts).decode("utf-8", "replace").encode() + b"\0" + key
    return hashlib.blake2b(told, digest_size=16).hexdigest()


def _dated(own: str, now: int) -> str:
    """Return the id of an entry; with the day, so that a key can be used again later."""
    return f"{_KIND}:{own}:{now // MICROS_PER_DAY}"


def _find(ledger: Ledger, own: str, now: int) -> Entry | None:
    for moment in (now, now - MICROS_PER_DAY):
        entry = ledger.get(_dated(own, moment))
        if entry is not None and entry.at > now - KEPT_MICROS:
            return entry
    return None


def _again(entry: Entry, request: str) -> Response:
    told: dict[str, Any] = json.loads(entry.body)
    if told["request"] != request:
        raise IdempotencyKeyReusedError("take a new key for each new request")
    if entry.personal is None:
        raise IdempotencyConflictError("its answer was erased: take a new key")
    content = zlib.decompress(entry.personal)
    return Response(content, told["status"], media_type=told["media_type"])


async def _keep(
    ledger: Ledger, entry_id: str, answer: _Answer, request: str, scope: Scope, now: int
) -> None:
    """Record an answer; if that fails it is still given, since what it tells of has happened."""
    body = {"request": request, "status": answer.status, "media_type": answer.media_type}
    about = _ORDER.fullmatch(scope["path"])
    draft = Draft(
        _KIND, canonical(body), None if about is None else about[1],
        zlib.compress(b"".join(answer.parts)), entry_id, now,
    )  # fmt: skip
    try:
        await ledger.record_async(draft)
    except LedgerError as error:
        _LOG.warning("an answer was not kept for repetition: %s", type(error).__name__)


def _replay(first: Message, receive: Receive) -> Receive:
    waiting = [first]

    async def next_message() -> Message:
        return waiting.pop() if waiting else await receive()

    return next_message
