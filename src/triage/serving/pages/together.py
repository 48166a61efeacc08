"""The pages: made on the server, whole without JavaScript."""

from __future__ import annotations

from fastapi import APIRouter

from triage.serving.pages import (
    bulk,
    exception,
    exceptions,
    guided,
    models,
    operations,
    order,
    saved,
    worklist,
)
from triage.serving.pages.frame import Frame, static_files
from triage.serving.service import Service

__all__ = ["router", "static_files"]


def router(service: Service) -> APIRouter:
    """Return the routes of the pages; they are not part of the API."""
    frame = Frame(service)
    routes = APIRouter(include_in_schema=False)
    for part in (worklist, bulk, guided, saved, order, exceptions, exception, operations, models):
        routes.include_router(part.router(frame))
    return routes
