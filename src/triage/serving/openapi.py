"""The OpenAPI document: bodies that routes read themselves, and the problems they answer with."""

from __future__ import annotations

import json
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

from triage.serving import idempotency
from triage.serving.access import rules as access_rules
from triage.serving.event_schemas import Event, EventBatch, EventList
from triage.serving.exceptions.schemas import ClassifyRequest
from triage.serving.handling.requests import ActionRequest
from triage.serving.intake import BatchRequest, ScoreRequest
from triage.serving.outcomes.interventions import InterventionRequest
from triage.serving.schemas import (
    BatchAnswerItem,
    BatchProblemItem,
    Problem,
    described,
)

_UNLISTED = (
    ScoreRequest, BatchRequest, ClassifyRequest, ActionRequest, Event, EventBatch, EventList,
    InterventionRequest, Problem, BatchAnswerItem, BatchProblemItem,
)  # fmt: skip
_SAID = {
    400: "Not JSON that can be read safely.",
    401: "A key that is in force is needed (see `security`) and none was sent.",
    403: "The key has no scope for this, or a page of another address sent the request.",
    404: "No such order, exception or decision.",
    408: "The body did not arrive in time.",
    409: "The order is not as the action needs it, or somebody acted meanwhile.",
    413: "The body is larger than the service reads.",
    415: "Not a content type that this address reads.",
    422: "Read, but cannot be used as it is; `errors` names the fields.",
    429: "Too many requests, or too many wrong keys; `Retry-After` says when to come back.",
    500: "A fault of the service.",
    503: "No advice yet: `missing` says why, `next_command` what to run.",
}
_SCHEMES = {
    "bearer": {
        "type": "http", "scheme": "bearer",
        "description": "A key of `triage keys create`. None is needed on the machine itself while "
        "the service listens on loopback and no key was issued. A key has to have one of the "
        "scopes that an operation lists, or admin.",
    },
    "key": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "The same."},
}  # fmt: skip
_IDEMPOTENCY_KEY = {
    "name": idempotency.HEADER, "in": "header", "required": False,
    "description": "A request that is sent again with its key within 24 hours gets the answer that "
    "it got, and nothing is recorded anew.",
    "schema": {"type": "string", "pattern": idempotency.PATTERN},
}  # fmt: skip


def answers_with(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the problem responses of a route, for its `responses`."""
    content = {"application/problem+json": {"schema": described("Problem")}}
    return {status: {"description": _SAID[status], "content": content} for status in statuses}


def reads(example: object, **schemas: str) -> dict[str, Any]:
    """Return a request body for a route's `openapi_extra`.

    Args:
        example: a body that works as it stands.
        schemas: schema name by content type key (`json`, `ndjson`, `cloudevents` ...).
    """
    types = {
        "json": "application/json",
        "ndjson": "application/x-ndjson",
        "cloudevents": "application/cloudevents+json",
        "cloudevents_batch": "application/cloudevents-batch+json",
    }
    content: dict[str, Any] = {types[k]: {"schema": described(v)} for k, v in schemas.items()}
    content["application/json"]["example"] = example
    return {"requestBody": {"required": True, "content": content}}


def install(app: FastAPI) -> None:
    """Make the app describe itself with this document (built on first use)."""

    def build() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _build(app)
        return app.openapi_schema

    app.openapi = build  # type: ignore[method-assign]  # the way FastAPI documents


def document(app: FastAPI) -> str:
    """Return the document as the text that is kept in `serving/openapi.json`."""
    return json.dumps(app.openapi(), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _build(app: FastAPI) -> dict[str, Any]:
    made = get_openapi(
        title=app.title, version=app.version, description=app.description, routes=app.routes
    )
    _, unlisted = models_json_schema(
        [(model, "validation") for model in _UNLISTED], ref_template="#/components/schemas/{model}"
    )
    schemas = made.setdefault("components", {}).setdefault("schemas", {})
    for name, schema in unlisted["$defs"].items():
        schemas.setdefault(name, schema)
    made["components"]["securitySchemes"] = _SCHEMES
    for path, operations in made["paths"].items():
        for method, operation in operations.items():
            _guard(path, operation)
            if idempotency.covers(method.upper(), path):
                operation.setdefault("parameters", []).append(_IDEMPOTENCY_KEY)
                operation["responses"] |= _refusals(400, 409, 422) | operation["responses"]
    return made


def _guard(path: str, operation: dict[str, Any]) -> None:
    """Say which scopes an operation needs, and what who lacks them is told."""
    scopes = list(access_rules.needed(path))
    if scopes:
        operation["security"] = [{name: scopes} for name in _SCHEMES]
        operation["responses"] |= _refusals(401, 403, 429)


def _refusals(*statuses: int) -> dict[str, Any]:
    return {str(status): said for status, said in answers_with(*statuses).items()}
