"""Discounts of the rules on quotes: of a line, and of the whole quote

Revision ID: 0018
Revises: 0017
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

SOURCES = sa.Enum(
    "contract", "customer", "group", "everyone", "article", "quote", "given", name="pricesource",
    native_enum=False, length=40,
)  # fmt: skip


def upgrade() -> None:
    op.add_column("quote", sa.Column("discount_percent", sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("quote_line", sa.Column("discount_percent", sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("quote_line", sa.Column("price_source", SOURCES, nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("quote_line", schema=None) as batch_op:
        batch_op.drop_column("price_source")
        batch_op.drop_column("discount_percent")
    with op.batch_alter_table("quote", schema=None) as batch_op:
        batch_op.drop_column("discount_percent")
