"""Migrations make the tables that the code reads, on both databases, and take them back."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect, make_url

from triage.ledger.schema import METADATA, REVISION
from triage.ledger.store import MIGRATIONS, Store


def differences(url: str) -> tuple[list[object], list[str]]:
    """What migrations and tables differ in, and what is left after migrating back."""
    store = Store(make_url(url))
    first, again = store.prepare(b"1" * 16), store.prepare(b"2" * 16)
    assert first == again
    assert first.identity == b"1" * 16
    store.close()
    engine = create_engine(url)
    with engine.begin() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        found = list(compare_metadata(context, METADATA))
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.set_main_option("path_separator", "os")
        config.attributes["connection"] = connection
        assert ScriptDirectory.from_config(config).get_current_head() == REVISION
        assert context.get_current_revision() == REVISION
        command.downgrade(config, "base")
        left = inspect(connection).get_table_names()
    engine.dispose()
    return found, left


def test_sqlite_has_the_tables_of_the_code(tmp_path: Path) -> None:
    assert differences(f"sqlite:///{tmp_path}/store.db") == ([], ["alembic_version"])


@pytest.mark.postgres
def test_postgresql_has_the_tables_of_the_code(database: str) -> None:
    url = database.replace("postgresql://", "postgresql+psycopg://")
    assert differences(url) == ([], ["alembic_version"])
