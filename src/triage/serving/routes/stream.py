"""GET /v1/stream: what changed, as server-sent events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Header
from starlette.responses import Response, StreamingResponse

from triage.serving import answers, openapi
from triage.serving.advisor import NotReadyError
from triage.serving.changes import Changes
from triage.serving.service import Service

_HEART_SECONDS = 15.0
_MOST_LISTENERS = 200


def router(service: Service) -> APIRouter:
    """Return the route of the stream."""
    routes = APIRouter(tags=["events"])

    @routes.get(
        "/v1/stream",
        summary="What changes, as it does",
        description="Server-sent events: `risk.changed`, `order.opened`, `order.closed`, "
        "`exception.opened`, `exception.resolved`, `work.changed` (what somebody did with an "
        "order), `decision.expired` (an answer went stale and its order is open), "
        "`alarm.raised` (answers of the model in charge do not hold any more). It begins with "
        "`connected`, which carries the number of the newest change as `last`. A client that comes "
        "back with `Last-Event-ID` gets what it missed, as far as that is remembered.",
        responses={
            200: {
                "description": "A stream that does not end by itself.",
                "content": {"text/event-stream": {"schema": {"type": "string"}}},
            },
            **openapi.answers_with(422, 500, 503),
        },
        response_class=StreamingResponse,
    )
    async def stream(
        last_event_id: Annotated[int | None, Header(ge=0, description="The last one seen.")] = None,
    ) -> Response:
        changes = service.changes
        if changes is None or changes.listeners >= _MOST_LISTENERS:
            missing = "events" if changes is None else "room for one more listener"
            raise NotReadyError([missing], "triage serve")
        return StreamingResponse(
            _told(changes, last_event_id), media_type="text/event-stream",
            headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"},
        )  # fmt: skip

    return routes


async def _told(changes: Changes, after: int | None) -> AsyncIterator[bytes]:
    with changes.listening(after) as queue:
        number = b"id: %d\n" % changes.last if queue.empty() else b""
        yield b'%sevent: connected\ndata: {"last":%d}\n\n' % (number, changes.last)
        while True:
            try:
                number, told, facts = await asyncio.wait_for(queue.get(), _HEART_SECONDS)
            except TimeoutError:
                yield b": still here\n\n"
                continue
            data = answers.dump(facts)
            yield b"id: %d\nevent: %s\ndata: %s\n\n" % (number, told.encode(), data)
