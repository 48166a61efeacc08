"""Whatever is sent to the service as it runs: scorer, book, ledger and queue, behind a key."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import Case, GenerationMode
from schemathesis.core.result import Ok
from schemathesis.python import asgi
from schemathesis.specs.openapi.checks import negative_data_rejection
from tests.contract.test_openapi_contract import CHECKS, MANY
from tests.hostile import KNOWN, Judge, Sent, judging, posts, requests, variants
from tests.unit.serving.bodies import order

from triage.domain.clock import from_micros
from triage.history.log import Log
from triage.serving.access.keys import issue
from triage.serving.main import create
from triage.settings import Settings

EXAMPLES, OF_EACH_OPERATION = 30, 12
"""Hostile requests to each address, each with two others like it; cases of each operation."""
NOT_READY = ("/exceptions", "/v1/exceptions")
"""Without a model of exceptions, which this home lacks, these answer 503 and say what to train."""


def few(examples: int) -> settings:
    return settings(
        max_examples=examples, deadline=None, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip


@pytest.fixture
def own(home: Path, tmp_path: Path) -> Path:
    for folder in ("history", "models"):
        shutil.copytree(home / folder, tmp_path / folder)
    return tmp_path


@pytest.fixture
def bearer(own: Path) -> str:
    return f"Bearer {issue(own, 'Ana', ['admin'], 1, None)[1]}"


@pytest.fixture
def app(own: Path, bearer: str) -> FastAPI:
    assert bearer
    return create(Settings(home=own, log_requests="all", max_batch=20, rate_limit=0))


@pytest.fixture
def judge(app: FastAPI) -> Iterator[Judge]:
    with judging(app) as made:
        yield made


def keyed(sent: Sent, bearer: str) -> Sent:
    """A request with the key in place of what it may say of one."""
    kept = tuple(each for each in sent.headers if each[0] != b"authorization")
    return replace(sent, headers=(*kept, (b"authorization", bearer.encode())))


def placed(own: Path) -> Sent:
    """An order that the corpus names comes in, as of when the log ends."""
    at = from_micros(Log(own).read().extracted_at)
    data = order(
        order_id=KNOWN, event_time=at.isoformat(), record_time=at.isoformat(),
        promised_by=(at + timedelta(days=4)).isoformat(),
    )  # fmt: skip
    event = {"id": "e1", "source": "erp", "type": "order", "data": data}
    return Sent("/v1/events", "/v1/events", "application/json", json.dumps(event).encode())


def test_nothing_hostile_breaks_the_running_service(judge: Judge, own: Path, bearer: str) -> None:
    asked = json.dumps({"order_id": KNOWN}).encode()
    known = Sent("/v1/score", "/v1/score", "application/json", asked)
    assert judge.ask(keyed(placed(own), bearer)) == []
    assert judge.ask(keyed(known, bearer)) == []
    assert judge.statuses == {"2xx": 2}
    addresses = [each for each in posts(judge.app) if not each.startswith(NOT_READY)]
    for number, address in enumerate(addresses):

        @seed(number)
        @few(EXAMPLES)
        @given(sent=requests([address]))
        def ask(sent: Sent) -> None:
            for each in variants(keyed(sent, bearer), 2):
                assert judge.ask(each) == [], each

        ask()
    assert set(judge.reached) == set(addresses)
    assert judge.statuses["4xx"] > EXAMPLES * len(addresses)
    taken = judge.statuses["2xx"]
    assert judge.ask(keyed(known, bearer)) == []
    assert judge.statuses["2xx"] == taken + 1


def test_the_running_service_keeps_its_contract(app: FastAPI, bearer: str) -> None:
    schema = schemathesis.openapi.from_asgi("/openapi.json", app).exclude(path="/v1/stream")
    schema.config.generation.update(
        modes=[GenerationMode.POSITIVE, GenerationMode.NEGATIVE], deterministic=True
    )
    answered: Counter[int] = Counter()
    try:
        for found in schema.get_all_operations():
            assert isinstance(found, Ok)
            operation = found.ok()
            if operation.path.startswith(NOT_READY):
                continue

            @few(OF_EACH_OPERATION)
            @given(case=operation.as_strategy())
            def check(case: Case[Any]) -> None:
                many = case.operation.path in MANY
                checks = [c for c in CHECKS if not (many and c is negative_data_rejection)]
                answer = case.call_and_validate(headers={"Authorization": bearer}, checks=checks)
                answered[answer.status_code // 100] += 1

            check()
    finally:
        asgi.shutdown_lifespans()
    assert answered[2] > 20
    assert answered[4] > 20
