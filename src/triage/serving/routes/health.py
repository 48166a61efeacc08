"""GET /livez, /readyz, /metrics: for whoever operates the service."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from triage.errors import TriageError
from triage.serving import answers, openapi
from triage.serving.metrics import MEDIA_TYPE
from triage.serving.routes.reading import JSON
from triage.serving.schemas import Alive, Ready
from triage.serving.service import Service


def router(service: Service) -> APIRouter:
    """Return the routes of operation."""
    routes = APIRouter(tags=["operation"])

    @routes.get(
        "/livez",
        summary="The process answers",
        responses={200: {"model": Alive, "description": "Alive."}},
    )
    async def livez() -> Response:
        return Response(b'{"status":"alive"}', media_type=JSON)

    @routes.get(
        "/readyz",
        summary="Advice can be given",
        responses={
            200: {"model": Ready, "description": "A model is loaded and the log is read."},
            **openapi.answers_with(500, 503),
        },
    )
    async def readyz() -> Response:
        info = service.advisor().info
        status = "degraded" if service.refused is not None or info.stands_in else "ready"
        model = answers.model(info)
        said: dict[str, object] = {"status": status, "model": model, "record": None}
        if service.decisions is not None:
            now = service.decisions.ledger.status()
            said["record"] = {"last": now.last_seq, "behind": now.behind, "problem": now.problem}
        if service.live is not None:
            said["events"] = {"kept": service.live.events.last, "applied": service.live.applied}
        if service.warming is not None:
            waiting = None if service.warming.over else service.warming.waiting
            said["list"] = {"ranked": service.warming.over, "waiting": waiting}
        return Response(answers.dump(said), media_type=JSON)

    @routes.get(
        "/metrics",
        summary="Numbers about the service",
        responses={
            200: {
                "description": "Prometheus text format.",
                "content": {"text/plain": {"schema": {"type": "string"}}},
            }
        },
        response_class=Response,
    )
    async def metrics() -> Response:
        try:
            advisor = service.advisor()
        except TriageError:
            pass  # no model yet: the counters are still worth reading
        else:
            service.metrics.show(advisor.info, service.index(advisor).counts)
            service.metrics.show_feeds(advisor.feeds.ages(advisor.now()))
        service.metrics.show_queues(_waiting(service))
        return Response(service.metrics.text(), media_type=MEDIA_TYPE)

    return routes


def _waiting(service: Service) -> dict[str, int]:
    """Return how many wait in each queue that there is."""
    found = {}
    if service.live is not None and service.live.follower is not None:
        found["follow"] = service.live.follower.waiting
    if service.shadow is not None:
        found["shadow"] = service.shadow.waiting
    if service.decisions is not None:
        found["store"] = service.decisions.ledger.status().behind
    return found
