"""Every error as application/problem+json (RFC 9457); what was sent is never echoed."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic_core import to_json
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import Scope

from triage.errors import OrderNotFoundError, RequestError, TriageError
from triage.serving import request_id
from triage.serving.advisor import NotReadyError
from triage.serving.headers import ALWAYS

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:triage:problem:"
_MAX_FIELD_ERRORS = 20
_LOG = logging.getLogger("triage.serving")

FieldError = dict[str, str]
"""`pointer` (JSON pointer into the body, or `/name` of a query parameter) and `detail`."""


class InvalidInputError(RequestError):
    """The request cannot be used as it is."""

    def __init__(self, errors: Sequence[FieldError]) -> None:
        self.errors = list(errors)
        super().__init__("some fields do not fit: see `errors`")


def field_errors(details: Sequence[Any], *, skip: int = 0) -> list[FieldError]:
    """Return pydantic's findings as pointers and sentences, without any input in them.

    Args:
        details: `ValidationError.errors()`.
        skip: how many leading parts of a location to leave out ("query").
    """
    return [
        {"pointer": _pointer(entry, skip), "detail": _sentence(entry)}
        for entry in details[:_MAX_FIELD_ERRORS]
    ]


def _pointer(entry: Mapping[str, Any], skip: int) -> str:
    parts = list(entry["loc"])[skip:]
    if entry["type"] == "extra_forbidden":  # the last part is a name that the caller made up
        parts = parts[:-1]
    return "".join(f"/{str(p).replace('~', '~0').replace('/', '~1')}" for p in parts)


def _sentence(entry: Mapping[str, Any]) -> str:
    if entry["type"] == "extra_forbidden":
        return "holds a field that is not part of the schema: see /openapi.json"
    if entry["type"] == "union_tag_invalid":  # its message quotes what was sent
        return "names no kind that is part of the schema: see /openapi.json"
    return str(entry["msg"]).removeprefix("Value error, ")


def body(
    status: int, slug: str, title: str, detail: str, instance: str = "", **more: object
) -> dict[str, Any]:
    """Return one problem object; `more` are extension members."""
    problem: dict[str, Any] = {
        "type": f"{TYPE_PREFIX}{slug}",
        "title": title,
        "status": status,
        "detail": detail,
    }
    if instance:
        problem["instance"] = instance
    return problem | more


def of_error(error: TriageError, instance: str = "") -> dict[str, Any]:
    """Return the problem object of one of our errors."""
    kind = type(error)
    if isinstance(error, InvalidInputError):
        return body(422, kind.slug, kind.title(), str(error), instance, errors=error.errors)
    if isinstance(error, NotReadyError):
        return body(
            503, kind.slug, kind.title(), str(error), instance,
            missing=list(error.missing), next_command=error.next_command,
        )  # fmt: skip
    if isinstance(error, OrderNotFoundError):
        detail = "the log holds no order of this id: load it, or send it whole as `order`"
    elif kind.status >= 500:
        detail = "the service's log says more"
    else:
        detail = str(error)
    return body(kind.status, kind.slug, kind.title(), detail, instance)


def instance_of(scope: Scope) -> str:
    """Return the path asked for, percent-encoded and cut, with the id of the request behind `#`."""
    path = quote(str(scope.get("path", "/")).encode("utf-8", "replace"), safe="/")[:200]
    return f"{path}#{scope[request_id.KEY]}" if request_id.KEY in scope else path


def respond(problem: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Response:
    """Return a problem object as response."""
    return Response(
        to_json(problem),
        status_code=problem["status"],
        media_type=MEDIA_TYPE,
        headers=dict(headers or {}),
    )


def install(app: FastAPI) -> None:
    """Make every error of the app a problem."""
    for kind in (TriageError, RequestValidationError, HTTPException):
        app.add_exception_handler(kind, _on_error)
    app.add_exception_handler(Exception, _on_crash)


def answer_to(error: Exception, scope: Scope) -> Response:
    """Return the answer to an error that is no fault of the code; raises any other."""
    instance = instance_of(scope)
    if isinstance(error, TriageError):
        waits = isinstance(error, NotReadyError)
        if type(error).status >= 500 and not waits:
            _LOG.error("%s: %s", type(error).__name__, error)
        return respond(of_error(error, instance), {"Retry-After": "10"} if waits else None)
    if isinstance(error, RequestValidationError):
        refused = InvalidInputError(field_errors(error.errors(), skip=1))
        return respond(of_error(refused, instance))
    if isinstance(error, HTTPException):
        status = error.status_code
        phrase = HTTPStatus(status).phrase
        slug = phrase.lower().replace(" ", "-")
        detail = _DETAILS.get(status, phrase)
        return respond(body(status, slug, phrase, detail, instance), error.headers)
    raise error


async def _on_error(request: Request, error: Exception) -> Response:
    return answer_to(error, request.scope)


_DETAILS = {
    404: "nothing lives at this address: see /openapi.json",
    405: "this address does not take that method: see the Allow header",
}


async def _on_crash(request: Request, _: Exception) -> Response:
    detail = "a fault of the service, not of the request; its log says more"
    problem = body(500, "internal", "The service failed", detail, instance_of(request.scope))
    own = {request_id.HEADER: request_id.current()}
    return respond(problem, ALWAYS | own)  # made outside of all middleware
