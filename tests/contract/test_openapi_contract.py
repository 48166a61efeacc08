"""The app keeps what its OpenAPI document says, whatever is sent (schemathesis)."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis import Case, GenerationMode, SerializationContext
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)
from tests import exception_cases, fakes

from triage.settings import Settings

EVENTS = tempfile.TemporaryDirectory(prefix="triage-events-")
APP = fakes.app(Settings(max_batch=20), exception_cases.desk(), Path(EVENTS.name))
SCHEMA = schemathesis.openapi.from_asgi("/openapi.json", APP).exclude(path="/v1/stream")  # endless
SCHEMA.config.generation.update(
    modes=[GenerationMode.POSITIVE, GenerationMode.NEGATIVE], deterministic=True
)
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    negative_data_rejection,
    unsupported_method,
]
MANY = {"/v1/score/batch", "/v1/events"}
"""Addresses where one of many that does not fit gives an item."""


@schemathesis.serializer("application/x-ndjson")
def lines(_: SerializationContext, value: object) -> bytes:
    return json.dumps(value).encode() + b"\n"


@SCHEMA.parametrize()
@settings(
    max_examples=40,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_the_app_keeps_its_contract(case: Case[Any]) -> None:
    if case.operation.path in MANY:
        case.call_and_validate(checks=[c for c in CHECKS if c is not negative_data_rejection])
    else:
        case.call_and_validate(checks=CHECKS)
