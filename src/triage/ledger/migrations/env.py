"""Alembic's entry: migrate over the connection that `Store.prepare` gives."""

from __future__ import annotations

from alembic import context

from triage.ledger.schema import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
