"""GET /v1/decisions/{id}: what was answered, from what, and where it stands in the chain."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from triage.domain.clock import from_micros
from triage.errors import DecisionNotFoundError
from triage.ledger.entries import Entry
from triage.serving import answers, openapi
from triage.serving.advisor import NotReadyError
from triage.serving.decisions import KIND, Decision, Decisions
from triage.serving.routes.reading import JSON
from triage.serving.schemas import DecisionAnswer
from triage.serving.service import Service

_Id = Annotated[str, Path(min_length=1, max_length=100, description="The answer's decision_id.")]


def _decisions(service: Service) -> Decisions:
    if service.decisions is None:
        raise NotReadyError(["a ledger"], "triage serve")
    return service.decisions


def _shown(entry: Entry) -> dict[str, Any]:
    decision = Decision.of(entry)
    return {
        "decision_id": decision.id,
        "seq": entry.seq,
        "recorded_at": from_micros(decision.at),
        "as_of": from_micros(decision.as_of),
        "hash": entry.hash.hex(),
        "exact": decision.exact,
        "basis": decision.basis,
        "asked": decision.asked,
        "answer": decision.answer,
    }


def router(service: Service) -> APIRouter:
    """Return the route of recorded decisions."""
    routes = APIRouter(tags=["decisions"])

    @routes.get(
        "/v1/decisions/{decision_id}",
        summary="A recorded decision",
        responses={
            200: {"model": DecisionAnswer, "description": "As it was recorded."},
            **openapi.answers_with(404, 422, 500, 503),
        },
    )
    async def decision(decision_id: _Id) -> Response:
        ledger = _decisions(service).ledger
        entry = await run_in_threadpool(ledger.get, decision_id)
        if entry is None or entry.kind != KIND:
            raise DecisionNotFoundError("the ledger holds no decision with this id")
        return Response(answers.dump(_shown(entry)), media_type=JSON)

    return routes
