"""Entries of the ledger, and facts about it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the first tables."""
    op.create_table(
        "entries",
        sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("order_id", sa.Text),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("personal", sa.LargeBinary),
        sa.Column("personal_digest", sa.LargeBinary),
        sa.Column("hash", sa.LargeBinary, nullable=False),
    )
    op.create_index("entries_by_id", "entries", ["id"])
    op.create_index("entries_by_order", "entries", ["order_id", "seq"])
    op.create_index("entries_by_kind", "entries", ["kind", "seq"])
    op.create_index("entries_by_time", "entries", ["at", "seq"])
    op.create_table(
        "ledger",
        sa.Column("name", sa.String(40), primary_key=True),
        sa.Column("value", sa.LargeBinary, nullable=False),
    )


def downgrade() -> None:
    """Remove them."""
    op.drop_table("ledger")
    op.drop_table("entries")
