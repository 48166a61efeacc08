"""POST /v1/score: advice on one order. The hot path: bytes in, bytes out, no thread hop."""

from __future__ import annotations

import time
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from triage.advice.assessment import Assessment
from triage.serving import answers, openapi, safe_json
from triage.serving.advisor import Advisor
from triage.serving.intake import ScoreRequest
from triage.serving.limits import whole_body
from triage.serving.price_desk import PriceDesk, with_lines
from triage.serving.routes.reading import JSON, content_type
from triage.serving.schemas import ScoreAnswer
from triage.serving.service import Service
from triage.serving.worklist_index import WorklistIndex

EXAMPLE = {
    "order": {
        "order_id": "SO-4500436",
        "event_time": "2018-08-20T09:12:00-03:00",
        "record_time": "2018-08-20T09:12:00-03:00",
        "promised_by": "2018-09-01T00:00:00-03:00",
        "customer_id": "C-1043",
        "currency": "BRL",
        "destination_region": "RJ",
        "lines": [{"line_no": 1, "sku": "SKU-1", "quantity": 2, "unit_price": 59.9, "site": "S1"}],
    },
    "milestones": [
        {
            "order_id": "SO-4500436",
            "milestone": "order_validated",
            "event_time": "2018-08-20T10:00:00-03:00",
            "record_time": "2018-08-20T10:00:00-03:00",
        }
    ],
    "as_of": "2018-08-22T12:00:00-03:00",
}


def assess(advisor: Advisor, request: ScoreRequest, as_of: int) -> Assessment:
    """Return the advisor's assessment of the order that a request names or carries.

    As of a moment, UTC micros (see `ScoreRequest.moment`).
    """
    if request.order is None:
        return advisor.score_id(request.order_id, as_of, ways=request.recommend)
    return advisor.score_order(request.order, request.milestones, as_of, ways=request.recommend)


def answer_to(
    asked: ScoreRequest, said: Assessment, stamp: answers.Stamp, index: WorklistIndex,
    prices: PriceDesk | None,
) -> dict[str, Any]:  # fmt: skip
    """Return the answer to a request, with the order's place in the list."""
    percentile, rank = index.percentile(said.p_late), index.rank(said)
    return with_lines(answers.score(said, stamp, percentile, rank), prices, asked)


def router(service: Service) -> APIRouter:
    """Return the route of single scores."""
    routes = APIRouter(tags=["score"])
    stages = service.metrics.stages

    def made(
        content: bytes, stamp: answers.Stamp, asked: ScoreRequest, order: Assessment
    ) -> Response:
        """Return a response, counted, and given to the challenger."""
        service.metrics.scored(order.band, unsure=bool(order.unsure))
        if service.shadow is not None:
            service.shadow.put(stamp.scored_at, asked, order)
        return Response(content, media_type=JSON)

    @routes.post(
        "/v1/score",
        summary="Advice on one order",
        responses={
            200: {"model": ScoreAnswer, "description": "Advice, valid until `stale_at`."},
            **openapi.answers_with(400, 404, 408, 413, 415, 422, 500, 503),
        },
        openapi_extra=openapi.reads(EXAMPLE, json="ScoreRequest"),
    )
    async def score(request: Request) -> Response:
        begun = time.perf_counter()
        content_type(request, JSON)
        body = await whole_body(request)
        asked = safe_json.validated(ScoreRequest, body)
        begun = stages.ended("read", begun)
        advisor = service.advisor()
        stamp = answers.Stamp.at(service.clock(), advisor)
        as_of = asked.moment(advisor.now())
        if service.decisions is None:
            order = assess(advisor, asked, as_of)
            begun = stages.ended("assess", begun)
            answer = answer_to(asked, order, stamp, service.index(advisor), service.prices)
            content = answers.dump(answer)
            stages.ended("write", begun)
            return made(content, stamp, asked, order)
        basis = service.decisions.basis(advisor.info, service.applied)
        with service.decisions.making(basis, body, stamp.scored_at, as_of) as decision:
            order = assess(advisor, asked, as_of)
            begun = stages.ended("assess", begun)
            answer = answer_to(asked, order, stamp, service.index(advisor), service.prices)
            content = answers.dump(answer | {"decision_id": decision.id})
            begun = stages.ended("write", begun)
            recorded = decision.record(content, order, whole=asked.order is not None)
        response = made(content, stamp, asked, order)
        await recorded
        service.metrics.recording.observe(time.perf_counter() - begun)
        return response

    return routes
