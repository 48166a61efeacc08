"""The document says who may ask what, as it is enforced."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from triage import workspace
from triage.serving import idempotency
from triage.serving.access import rules as access_rules

DOCUMENT = json.loads(workspace.read_text("serving/openapi.json"))
OPEN = {"/livez", "/readyz"}


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            yield path, method.upper(), operation


@pytest.mark.parametrize(("path", "method", "operation"), list(operations()))
def test_an_operation_lists_the_scopes_that_it_needs(
    path: str, method: str, operation: dict[str, Any]
) -> None:
    need = list(access_rules.needed(path))
    schemes = DOCUMENT["components"]["securitySchemes"]
    assert operation.get("security", []) == ([{name: need} for name in schemes] if need else [])
    assert bool(need) is (path not in OPEN)
    assert ({"401", "403", "429"} <= set(operation["responses"])) is bool(need)
    keyed = any(each["name"] == "Idempotency-Key" for each in operation.get("parameters", []))
    assert keyed is idempotency.covers(method, path)


def test_what_records_something_twice_takes_an_idempotency_key() -> None:
    taken = {path for path, method, _ in operations() if idempotency.covers(method, path)}
    assert taken == {"/v1/score", "/v1/score/batch", "/v1/worklist/{order_id}/actions"}
