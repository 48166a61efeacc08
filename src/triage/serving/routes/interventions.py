"""POST /v1/interventions: what was done about an order, as a system tells it."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from triage.ledger.entries import Draft
from triage.ledger.errors import DuplicateEntryError
from triage.ledger.ledger import Ledger
from triage.serving import answers, openapi, safe_json
from triage.serving.advisor import NotReadyError
from triage.serving.limits import whole_body
from triage.serving.outcomes.interventions import InterventionAnswer, InterventionRequest
from triage.serving.routes.reading import JSON, content_type
from triage.serving.service import Service

EXAMPLE = {
    "id": "tms-4711",
    "order_id": "SO-4500436",
    "action": "faster_service",
    "at": "2018-08-23T10:05:00-03:00",
}


def router(service: Service) -> APIRouter:
    """Return the route of interventions."""
    routes = APIRouter(tags=["events"])

    @routes.post(
        "/v1/interventions",
        summary="What was done about an order",
        description="So that answers are held against orders that nobody acted on. Recorded when "
        "it is acknowledged; what comes again with the same `id` is recorded once.",
        responses={
            200: {"model": InterventionAnswer, "description": "Recorded, now or before."},
            **openapi.answers_with(400, 408, 409, 413, 415, 422, 500, 503),
        },
        openapi_extra=openapi.reads(EXAMPLE, json="InterventionRequest"),
    )
    async def intervention(request: Request) -> Response:
        content_type(request, JSON)
        draft = safe_json.validated(InterventionRequest, await whole_body(request)).draft()
        if service.decisions is None:
            raise NotReadyError(["a ledger"], "triage serve")
        recorded = await run_in_threadpool(_record, service.decisions.ledger, draft)
        return Response(answers.dump({"entry_id": draft.id, "recorded": recorded}), media_type=JSON)

    return routes


def _record(ledger: Ledger, draft: Draft) -> bool:
    """Record an entry; return False if it is there already.

    Raises:
        DuplicateEntryError: if the id was used for something else.
    """
    try:
        ledger.record(draft)
    except DuplicateEntryError:
        known = ledger.get(draft.id)
        if known is None or (known.body, known.order_id) != (draft.body, draft.order_id):
            raise
        return False
    return True
