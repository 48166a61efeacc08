"""The operations page: for whoever answers for the queue and the feeds."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from triage.serving import texts, wording
from triage.serving.advisor import NotReadyError
from triage.serving.pages import operations_queue as queue
from triage.serving.pages import operations_view as views
from triage.serving.pages.frame import Frame
from triage.serving.pages.page_routes import page_routes


def router(frame: Frame) -> APIRouter:
    """Return the route of the operations page."""
    routes = page_routes(frame)
    service = frame.service

    @routes.get("/operations")
    async def operations(request: Request) -> Response:
        try:
            seen = frame.looking(request)
        except NotReadyError as error:
            return frame.waiting(error)
        made = None if service.operations is None else await service.operations.latest(seen.wall)
        desk = service.exceptions
        title = (lambda code: code) if desk is None else desk.title
        orders = made.steps[0].n if made is not None and made.steps else 0
        return frame.render(
            "operations.html", seen,
            health=[
                *queue.queue_health(seen, service.handling),
                *queue.exceptions_clock(seen, service),
                queue.capacity(seen, service.handling),
            ],
            classes=[] if made is None else views.rate_rows(
                made.classes, lambda code: title(code) if code else "", orders
            ),
            sources=[] if made is None else views.rate_rows(
                made.sources, texts.exceptions.source, orders
            ),
            steps=[] if made is None else views.step_rows(made.steps),
            feeds=views.feed_rows(made, seen),
            failures=views.failures(service),
            precision="" if made is None else views.precision_words(made.precision),
            brought=[] if made is None else views.brought_words(made.brought, seen),
            age="" if made is None
            else texts.operations.worked_out(wording.ago(seen.wall - made.made)),
        )  # fmt: skip

    return routes
