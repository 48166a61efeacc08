"""A shorter way to the hot routes: their handlers are asked without the framework's machinery.

For each request FastAPI walks its routes, resolves dependencies and opens exit stacks, which takes
about half as long as a score. A handler that takes the request and returns a response needs none
of it.
"""

from __future__ import annotations

from collections.abc import Collection

from fastapi.routing import APIRoute
from opentelemetry import trace
from starlette.requests import Request
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from triage.serving import problems


class Direct:
    """Asks the handlers of some routes directly; every other request goes on to the app.

    The routes stay in the app, which describes them and refuses other methods; their paths have no
    parameters and their handlers take nothing but the request.
    """

    def __init__(self, app: ASGIApp, routes: Collection[BaseRoute]) -> None:
        self.app = app
        self._routes = {
            (method, route.path): route
            for route in routes
            if isinstance(route, APIRoute)
            for method in route.methods or ()
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        route = self._routes.get((scope.get("method", ""), scope.get("path", "")))
        if route is None:
            await self.app(scope, receive, send)
            return
        scope["route"] = route
        if "fastapi.telemetry" in scope:
            _name_span(scope["method"], route.path)
        try:
            response = await route.endpoint(Request(scope, receive))
        except Exception as error:  # noqa: BLE001 - what is no problem of ours is raised again
            response = problems.answer_to(error, scope)
        await response(scope, receive, send)


def _name_span(method: str, path: str) -> None:
    """Name the request's span, as the framework does with those that it routes itself."""
    span = trace.get_current_span()
    span.set_attribute("http.route", path)
    span.update_name(f"{method} {path}")
