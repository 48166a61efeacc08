"""POST /v1/exceptions/classify, and the playbooks that its answers name."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from triage.serving import answers, openapi, safe_json
from triage.serving.advisor import NotReadyError
from triage.serving.exceptions.desk import ExceptionDesk
from triage.serving.exceptions.schemas import ClassifyRequest, ExceptionAnswer
from triage.serving.limits import whole_body
from triage.serving.routes.reading import JSON, content_type
from triage.serving.service import Service

EXAMPLE = {
    "exception": {
        "exception_id": "EX-1",
        "event_time": "2026-02-27T09:12:00-06:00",
        "record_time": "2026-02-27T09:15:00-06:00",
        "source": "wms",
        "code": "E17",
        "text": "RF2: EL-10252 E01-4 SYS 4 ACT 3 CC REQ",
    }
}


def router(service: Service) -> APIRouter:
    """Return the routes of exceptions."""
    routes = APIRouter(tags=["exceptions"])

    def desk() -> ExceptionDesk:
        if service.exceptions is None:
            raise NotReadyError(["a promoted model of exceptions"], "triage train exceptions")
        return service.exceptions

    @routes.post(
        "/v1/exceptions/classify",
        summary="What kind of exception a message speaks of",
        responses={
            200: {"model": ExceptionAnswer, "description": "Class, owner, playbook, reasons."},
            **openapi.answers_with(400, 404, 408, 413, 415, 422, 500, 503),
        },
        openapi_extra=openapi.reads(EXAMPLE, json="ClassifyRequest"),
    )
    async def classify(request: Request) -> Response:
        content_type(request, JSON)
        asked = safe_json.validated(ClassifyRequest, await whole_body(request))
        at = desk()
        if asked.exception is None:
            case = at.of_id(asked.exception_id)
        else:
            case = at.of_event(asked.exception.record(), asked.order, asked.milestones)
        return Response(answers.dump(at.answer(case, service.clock())), media_type=JSON)

    @routes.get("/playbooks/{name}", include_in_schema=False)
    async def playbook(name: str) -> Response:
        book = desk().playbooks.get(name)
        if book is None:
            raise HTTPException(404)
        return PlainTextResponse(book.text, media_type="text/markdown; charset=utf-8")

    return routes
