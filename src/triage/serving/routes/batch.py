"""POST /v1/score/batch: many orders; one that does not fit never spoils the others."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from functools import partial
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from triage.errors import TriageError
from triage.ledger.entries import Draft, new_id
from triage.serving import answers, openapi, problems, safe_json
from triage.serving.decisions import decided
from triage.serving.intake import ScoreRequest
from triage.serving.limits import whole_body
from triage.serving.routes.reading import JSON, NDJSON, content_type
from triage.serving.routes.score import EXAMPLE, answer_to, assess
from triage.serving.schemas import BatchAnswer
from triage.serving.service import Service

_TURN = 25
"""Orders scored before other requests get their turn."""

_Read = Callable[[], ScoreRequest]


def _of_document(body: bytes) -> list[_Read]:
    parsed = safe_json.parse(body)
    if not isinstance(parsed, dict) or list(parsed) != ["orders"]:
        raise problems.InvalidInputError(
            [{"pointer": "", "detail": 'must be an object that holds "orders" and nothing else'}]
        )
    orders = parsed["orders"]
    if not isinstance(orders, list):
        raise problems.InvalidInputError([{"pointer": "/orders", "detail": "must be a list"}])
    return [partial(safe_json.revalidated, ScoreRequest, part) for part in orders]


def _of_lines(body: bytes) -> list[_Read]:
    lines = [line for line in body.split(b"\n") if line.strip()]
    return [partial(safe_json.validated, ScoreRequest, line) for line in lines]


def _checked(reads: list[_Read], most: int) -> list[_Read]:
    if not 1 <= len(reads) <= most:
        raise problems.InvalidInputError(
            [{"pointer": "/orders", "detail": f"must hold 1 to {most:,} orders"}]
        )
    return reads


def router(service: Service) -> APIRouter:
    """Return the route of batches."""
    routes = APIRouter(tags=["score"])

    async def score_all(reads: list[_Read]) -> list[dict[str, Any]]:
        advisor = service.advisor()
        index = service.index(advisor)
        stamp = answers.Stamp.at(service.clock(), advisor)
        items: list[dict[str, Any]] = []
        drafts: list[Draft] = []
        for place, read in enumerate(reads):
            if place % _TURN == _TURN - 1:
                await asyncio.sleep(0)
            try:
                asked = read()
                order = assess(advisor, asked, asked.moment(advisor.now()))
            except TriageError as error:
                if error.status >= 500:
                    raise
                instance = f"/v1/score/batch#/orders/{place}"
                items.append({"index": place, "problem": problems.of_error(error, instance)})
                continue
            service.metrics.scored(order.band, unsure=bool(order.unsure))
            if service.shadow is not None:
                service.shadow.put(stamp.scored_at, asked, order)
            answer = answer_to(asked, order, stamp, index, service.prices)
            if service.decisions is not None:
                body = asked.model_dump_json(exclude_defaults=True).encode()
                answer["decision_id"] = new_id()
                content = answers.dump(answer)
                basis = service.decisions.basis(advisor.info, service.applied)
                whole = asked.order is not None
                drafts.append(
                    decided(answer["decision_id"], basis, body, content, order, whole=whole)
                )
                answer = json.loads(content)
            items.append({"index": place, "answer": answer})
        if service.decisions is not None and drafts:
            await service.decisions.record(drafts)
        return items

    @routes.post(
        "/v1/score/batch",
        summary="Advice on many orders",
        description="JSON in, JSON out. NDJSON in (one request a line), NDJSON out (one item a "
        "line, in sequence). An order that does not fit gives an item with `problem`.",
        responses={
            200: {
                "model": BatchAnswer,
                "description": "One item for each order, in the sequence of the request.",
                "content": {
                    "application/x-ndjson": {
                        "schema": {"type": "string", "description": "Items, one a line."}
                    }
                },
            },
            **openapi.answers_with(400, 408, 413, 415, 422, 500, 503),
        },
        openapi_extra=openapi.reads({"orders": [EXAMPLE]}, json="BatchRequest"),
    )
    async def score_batch(request: Request) -> Response:
        kind = content_type(request, JSON, *NDJSON)
        body = await whole_body(request)
        if kind in NDJSON:
            items = await score_all(_checked(_of_lines(body), service.settings.max_batch))
            lines = b"".join(answers.dump(item) + b"\n" for item in items)
            return Response(lines, media_type="application/x-ndjson")
        items = await score_all(_checked(_of_document(body), service.settings.max_batch))
        failed = sum("problem" in item for item in items)
        answer = {"scored": len(items) - failed, "failed": failed, "items": items}
        return Response(answers.dump(answer), media_type=JSON)

    return routes
