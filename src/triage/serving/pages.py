"""The pages: made on the server, whole without JavaScript."""

from __future__ import annotations

from fastapi import APIRouter

from triage.serving import (
    page_bulk,
    page_exceptions,
    page_list,
    page_models,
    page_next,
    page_operations,
    page_order,
    page_saved,
)
from triage.serving.page_frame import Frame, static_files
from triage.serving.service import Service

__all__ = ["router", "static_files"]


def router(service: Service) -> APIRouter:
    """Return the routes of the pages; they are not part of the API."""
    frame = Frame(service)
    routes = APIRouter(include_in_schema=False)
    for part in (
        page_list,
        page_bulk,
        page_next,
        page_saved,
        page_order,
        page_exceptions,
        page_operations,
        page_models,
    ):
        routes.include_router(part.router(frame))
    return routes
