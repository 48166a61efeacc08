"""Requests to start from, and what else the tests of one endpoint share with another's."""

from __future__ import annotations

import json
from typing import Any

from fastapi import FastAPI
from httpx2 import Response
from starlette.testclient import TestClient

from triage.serving.routes.score import EXAMPLE
from triage.serving.schemas import Problem

JSON = {"content-type": "application/json"}
NDJSON = {"content-type": "application/x-ndjson"}
STORED = "SO-4500101"


def beside(
    app: FastAPI, address: str = "127.0.0.1", base_url: str = "http://localhost"
) -> TestClient:
    """Return a client on the same machine as a service that listens on loopback."""
    return TestClient(app, base_url, client=(address, 50_000), raise_server_exceptions=False)


def order(**changes: object) -> dict[str, Any]:
    return json.loads(json.dumps(EXAMPLE["order"])) | changes


def whole(**changes: object) -> bytes:
    return json.dumps({"order": order(**changes)}).encode()


def line(**changes: object) -> list[dict[str, Any]]:
    return [{"line_no": 1, "sku": "A"} | changes]


def assert_problem(response: Response, status: int, secret: str = "") -> dict[str, Any]:
    """Check that a response is a problem of that status and echoes nothing."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = response.json()
    Problem.model_validate(problem)
    assert problem["status"] == status
    assert problem["instance"].startswith("/")
    assert problem["type"].startswith("urn:triage:problem:")
    if secret:
        assert secret not in response.text
    return problem
