from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.unit.ledger.postgres import Server, server_programs


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
