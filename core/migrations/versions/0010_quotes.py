"""Quotes with revisions, made by staff or declined; who told a colleague an order, and when; papers staff drop in chat

Revision ID: 0010
Revises: 0009
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("quote", sa.Column("number", sa.String(), nullable=False, server_default=""))
    op.add_column("quote", sa.Column("revision", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("quote", sa.Column("decline_reason", sa.Text(), nullable=False, server_default=""))
    op.execute("UPDATE quote SET number = reference")  # a quote of before is the first and only one of its number
    op.create_index(op.f("ix_quote_number"), "quote", ["number"])
    op.create_index(op.f("ix_order_quote_id"), "order", ["quote_id"])
    op.add_column("order", sa.Column("taken_from", sa.String(), nullable=False, server_default=""))
    op.add_column("order", sa.Column("taken_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("message", sa.Column("taken_from", sa.String(), nullable=False, server_default=""))
    with op.batch_alter_table("message", schema=None) as batch_op:
        batch_op.add_column(sa.Column("taken_by_id", sa.Integer(), nullable=True))
        batch_op.create_foreign_key(batch_op.f("fk_message_taken_by_id"), "staff", ["taken_by_id"], ["id"])


def downgrade() -> None:
    with op.batch_alter_table("message", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_message_taken_by_id"), type_="foreignkey")
        batch_op.drop_column("taken_by_id")
        batch_op.drop_column("taken_from")
    op.drop_index(op.f("ix_order_quote_id"), "order")
    with op.batch_alter_table("order", schema=None) as batch_op:
        batch_op.drop_column("taken_at")
        batch_op.drop_column("taken_from")
    op.drop_index(op.f("ix_quote_number"), "quote")
    with op.batch_alter_table("quote", schema=None) as batch_op:
        batch_op.drop_column("decline_reason")
        batch_op.drop_column("revision")
        batch_op.drop_column("number")
