from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.common import made_once
from tests.postgres import Server, server_programs
from triage.history.importer import import_extract
from triage.history.log import Log
from triage.history.tables import History

os.environ["TRIAGE_CLOCK"] = "data"  # what is tested ended long ago
ROOT = Path(__file__).parents[1]
SAMPLE = ROOT / "data" / "samples"


_LONG = (
    "test_replay.py", "test_sample.py", "test_truth.py", "test_accessibility.py",
    "test_quickstart.py", "test_cli.py", "test_killed.py", "test_as_of.py", "test_tune.py",
    "test_fit.py", "test_tracking.py", "test_prepared.py",
)  # fmt: skip
"""Files that take a minute or more, the longest first."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest files, so that two processes end at the same time."""
    place = {name: at for at, name in enumerate(_LONG)}
    items.sort(key=lambda item: place.get(item.path.name, len(_LONG)))


@pytest.fixture(scope="session")
def olist_extract() -> Path:
    """The public extract, where it is there."""
    folder = Path(os.environ.get("TRIAGE_OLIST", ROOT.parent / "shared" / "data" / "olist"))
    if not (folder / "olist_orders_dataset.csv.gz").is_file():
        pytest.skip(f"no Olist extract in {folder}: set TRIAGE_OLIST to its folder")
    return folder


@pytest.fixture(scope="session")
def sample_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the sample imported."""

    def make(home: Path) -> None:
        import_extract("sample", SAMPLE, home)

    return made_once(tmp_path_factory, "sample-home", make)


@pytest.fixture(scope="session")
def sample_history(sample_home: Path) -> History:
    return Log(sample_home).read()


@pytest.fixture(scope="session")
def olist_home(tmp_path_factory: pytest.TempPathFactory, olist_extract: Path) -> Path:
    """A home with the public extract imported."""

    def make(home: Path) -> None:
        import_extract("olist", olist_extract, home)

    return made_once(tmp_path_factory, "olist-home", make)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A PostgreSQL server of our own, for as long as the tests run."""
    programs = server_programs()
    if programs is None:
        pytest.skip("no PostgreSQL server programs: apt-get install postgresql")
    server = Server(programs)
    try:
        yield server
    finally:
        server.remove()


@pytest.fixture
def database(postgres: Server) -> str:
    """The URL of an empty database."""
    postgres.start()
    return postgres.new_database()
