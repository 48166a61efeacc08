from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient
from tests import fakes
from tests.common import made_once
from tests.workspaces import cheap

from triage.models.at_risk import NAME
from triage.models.champion import bundle_folder, point_to
from triage.settings import Settings
from triage.training.train import train


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    app = fakes.app(Settings(max_body_bytes=100_000, max_batch=20))
    with TestClient(app, raise_server_exceptions=False) as made:
        yield made


@pytest.fixture(scope="session")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return cheap(tmp_path_factory.mktemp("workspace"))


@pytest.fixture(scope="session")
def home(sample_home: Path, workspace: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose champion is a cheap model; nobody changes it."""

    def make(home: Path) -> None:
        shutil.copytree(sample_home / "history", home / "history")
        run = train(NAME, home, workspace=workspace)
        shutil.copytree(run.bundle, bundle_folder(home, NAME, run.digest))
        point_to(home, NAME, {"digest": run.digest, "version": "7"})

    return made_once(tmp_path_factory, "home", make)
