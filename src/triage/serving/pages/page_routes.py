"""Routes of pages: what fails there is told on a page, not as a problem in JSON."""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, HTTPException
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from triage.errors import TriageError

if TYPE_CHECKING:
    from triage.serving.pages.frame import Frame

_Handler = Callable[[Request], Coroutine[Any, Any, Response]]
_LOG = logging.getLogger("triage.serving")


def page_routes(frame: Frame) -> APIRouter:
    """Return a router for pages; they are not part of the API."""

    class PageRoute(APIRoute):
        def get_route_handler(self) -> _Handler:
            handle = super().get_route_handler()

            async def page(request: Request) -> Response:
                try:
                    return await handle(request)
                except (HTTPException, RequestValidationError):
                    raise
                except Exception as error:
                    status = type(error).status if isinstance(error, TriageError) else 500
                    if status < 500:
                        raise
                    _LOG.exception("a page could not be made")
                    return frame.alone("error.html", status)

            return page

    return APIRouter(include_in_schema=False, route_class=PageRoute)
