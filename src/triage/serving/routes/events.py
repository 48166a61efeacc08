"""POST /v1/events: records in, one by one or many; on the disk before they are acknowledged."""

from __future__ import annotations

import asyncio
import re
from base64 import b64decode
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import unquote

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from triage.domain.clock import MICROS_PER_DAY, from_micros
from triage.domain.records import Record
from triage.errors import MalformedBodyError, TriageError
from triage.serving import answers, openapi, problems, safe_json
from triage.serving.advisor import NotReadyError
from triage.serving.event_schemas import Event, EventsAnswer
from triage.serving.limits import whole_body
from triage.serving.live import Live
from triage.serving.routes.reading import JSON, NDJSON, content_type
from triage.serving.service import Service

STRUCTURED, BATCH = "application/cloudevents+json", "application/cloudevents-batch+json"
EXAMPLE = {
    "specversion": "1.0",
    "id": "wms-4711",
    "source": "urn:wms:north",
    "type": "triage.milestone",
    "data": {
        "order_id": "SO-4500436",
        "milestone": "shipment_dispatched",
        "event_time": "2018-08-24T16:20:00-03:00",
        "record_time": "2018-08-24T16:21:00-03:00",
    },
}
_ATTRIBUTES = ("id", "source", "type", "specversion")
_BASE64 = "data_base64"
_ESCAPED = re.compile(r"\\(.)")
"""A character of a quoted header, as it is written there (RFC 9110, 5.6.4)."""
_TURN = 200
"""Events read before other requests get their turn."""
_AHEAD = MICROS_PER_DAY
"""So far a sender's clock may be ahead: a record moves what counts as now for everybody."""
Read = Event | TriageError
"""An event, or why it was refused."""


@dataclass(frozen=True, slots=True)
class _Sent:
    """What a request holds.

    Attributes:
        parts: its events, unread.
        read: reads some of them.
        many: whether there may be several: then one that does not fit fails alone.
    """

    parts: Sequence[Any]
    read: Callable[[Sequence[Any]], Sequence[Read]]
    many: bool


def _of_document(body: bytes, *, batch: bool) -> _Sent:
    """Take a JSON document apart."""
    parsed = safe_json.parse(body)
    if not batch and isinstance(parsed, dict) and list(parsed) == ["events"]:
        parsed, batch = parsed["events"], True
    if not batch:
        return _Sent([body], lambda one: [safe_json.strictly(Event, one[0])], many=False)
    if not isinstance(parsed, list):
        raise problems.InvalidInputError([{"pointer": "/events", "detail": "must be a list"}])
    return _Sent(parsed, partial(safe_json.revalidated_parts, Event), many=True)


def _of_binary(request: Request, body: bytes) -> _Sent:
    """Take an event whose attributes are headers (CloudEvents, binary mode)."""
    told = {name: request.headers.get(f"ce-{name}") for name in _ATTRIBUTES}
    named = {name: _unescaped(name, value) for name, value in told.items() if value is not None}
    whole = named | {"data": safe_json.parse(body)}
    return _Sent([whole], lambda one: [safe_json.revalidated(Event, one[0])], many=False)


def _unescaped(name: str, value: str) -> str:
    """Return an attribute as it was before it became a header (CloudEvents, HTTP binding)."""
    if len(value) > 1 and value[0] == value[-1] == '"':
        value = _ESCAPED.sub(r"\1", value[1:-1])
    try:
        return unquote(value, errors="strict")
    except UnicodeDecodeError as error:
        said = "the header is no percent-encoded UTF-8"
        raise problems.InvalidInputError([{"pointer": f"/{name}", "detail": said}]) from error


def _decoded(part: object) -> Read:
    """Return an event that may hold its data as base64 (CloudEvents, JSON format)."""
    try:
        whole = safe_json.parse(part) if isinstance(part, bytes) else part
        if isinstance(whole, dict) and _BASE64 in whole:
            data = {"data": safe_json.parse(_bytes_of(whole))}
            whole = {name: value for name, value in whole.items() if name != _BASE64} | data
        return safe_json.revalidated(Event, whole)
    except (MalformedBodyError, problems.InvalidInputError) as error:
        return error


def _bytes_of(whole: dict[str, Any]) -> bytes:
    if "data" in whole:
        said = "data is there, too: send one of them"
    else:
        try:
            return b64decode(whole[_BASE64], validate=True)
        except (TypeError, ValueError):
            said = "must be base64 of a JSON document"
    raise problems.InvalidInputError([{"pointer": f"/{_BASE64}", "detail": said}])


def _sent(kind: str, request: Request, body: bytes) -> _Sent:
    if "ce-id" in request.headers and kind == JSON:
        return _of_binary(request, body)
    if kind in NDJSON:
        lines = [line for line in body.split(b"\n") if line.strip()]
        sent = _Sent(lines, partial(safe_json.validated_lines, Event), many=True)
    else:
        sent = _of_document(body, batch=kind == BATCH)
    if _BASE64.encode() in body:
        return replace(sent, read=lambda parts: [_decoded(part) for part in parts])
    return sent


def _in_time(read: Read, latest: datetime) -> Read:
    if isinstance(read, Event) and read.record.record_time > latest:
        said = "lies more than a day after the clock of this service: check the sender's clock"
        return problems.InvalidInputError([{"pointer": "/data/record_time", "detail": said}])
    return read


def _live(service: Service) -> Live:
    if service.live is None:
        raise NotReadyError(["a promoted model and a log"], "triage train at_risk")
    return service.live


def router(service: Service) -> APIRouter:
    """Return the route of events."""
    routes = APIRouter(tags=["events"])

    counted = {
        result: service.metrics.events.labels(result)
        for result in ("accepted", "duplicate", "failed")
    }

    async def taken(sent: _Sent) -> dict[str, Any]:
        most = service.settings.max_events
        if not 1 <= len(sent.parts) <= most:
            detail = f"must hold 1 to {most:,}"
            raise problems.InvalidInputError([{"pointer": "/events", "detail": detail}])
        live = _live(service)
        latest = from_micros(service.clock() + _AHEAD)
        good: list[tuple[str, Record]] = []
        bad: list[dict[str, Any]] = []
        for first in range(0, len(sent.parts), _TURN):
            if first:
                await asyncio.sleep(0)
            for place, read in enumerate(sent.read(sent.parts[first : first + _TURN]), first):
                event = _in_time(read, latest)
                if isinstance(event, Event):
                    good.append((event.key, event.record))
                    continue
                if not sent.many:
                    raise event
                instance = f"/v1/events#/events/{place}"
                bad.append({"index": place, "problem": problems.of_error(event, instance)})
        fresh, known = await live.take(good) if good else (0, 0)
        counted["accepted"].inc(fresh)
        counted["duplicate"].inc(len(good) - fresh)
        counted["failed"].inc(len(bad))
        return {
            "accepted": fresh,
            "known": known,
            "duplicates": len(good) - fresh,
            "failed": len(bad),
            "last": live.events.last,
            "problems": bad,
        }

    @routes.post(
        "/v1/events",
        summary="Records in, as they happen",
        description="CloudEvents 1.0 (structured, binary, batch), plain JSON (one event, or "
        '{"events": [...]}) or NDJSON; `data_base64` may stand for `data`. An event with the same '
        "source and id as one before is ignored. What is acknowledged is on the disk and in the "
        "state that the next score reads. "
        "Of many events, one that does not fit gives an item in `problems`.",
        responses={
            200: {"model": EventsAnswer, "description": "What became of the events."},
            **openapi.answers_with(400, 408, 413, 415, 422, 500, 503),
        },
        openapi_extra=openapi.reads(
            EXAMPLE,
            json="Event",
            cloudevents="Event",
            cloudevents_batch="EventList",
            ndjson="Event",
        ),
    )
    async def events(request: Request) -> Response:
        kind = content_type(request, JSON, STRUCTURED, BATCH, *NDJSON)
        sent = _sent(kind, request, await whole_body(request))
        return Response(answers.dump(await taken(sent)), media_type=JSON)

    return routes
