from __future__ import annotations

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient
from tests import fakes

from triage.settings import Settings


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    app = fakes.app(Settings(max_body_bytes=100_000, max_batch=20))
    with TestClient(app, raise_server_exceptions=False) as made:
        yield made
