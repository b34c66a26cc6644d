"""Revisions of confirmed orders, what a draft was before its last change, and decisions about duplicates

Revision ID: 0008
Revises: 0007
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_INDEXES = ("contents", "source_hash", "customer_reference")


def upgrade() -> None:
    op.add_column("order", sa.Column("revision", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("order", sa.Column("changed_from", sa.Text(), nullable=False, server_default=""))
    # orders that were there before are found again by their number only
    op.add_column("order", sa.Column("contents", sa.String(), nullable=False, server_default=""))
    op.add_column("order", sa.Column("source_hash", sa.String(), nullable=False, server_default=""))
    for column in _INDEXES:
        op.create_index(op.f(f"ix_order_customer_id_{column}"), "order", ["customer_id", column])
    op.create_table(
        "order_revision",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("order_id", sa.Integer(), nullable=False),
        sa.Column("index", sa.Integer(), nullable=True),
        sa.Column(
            "kind",
            sa.Enum("change", "cancellation", name="revisionkind", native_enum=False, length=40),
            nullable=False,
        ),
        sa.Column(
            "state",
            sa.Enum("proposed", "accepted", "refused", "stale", name="revisionstate", native_enum=False, length=40),
            nullable=False,
        ),
        sa.Column("message_id", sa.Integer(), nullable=True),
        sa.Column("wanted", sa.Text(), nullable=False),
        sa.Column("before", sa.Text(), nullable=False),
        sa.Column("after", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("proposed_by", sa.String(), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by_id", sa.Integer(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["decided_by_id"], ["staff.id"], name=op.f("fk_order_revision_decided_by_id")),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"], name=op.f("fk_order_revision_message_id")),
        sa.ForeignKeyConstraint(["order_id"], ["order.id"], name=op.f("fk_order_revision_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_revision")),
    )
    op.create_index(op.f("ix_order_revision_order_id"), "order_revision", ["order_id"])
    op.create_table(
        "duplicate_decision",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("order_id", sa.Integer(), nullable=False),
        sa.Column("other_id", sa.Integer(), nullable=False),
        sa.Column(
            "outcome",
            sa.Enum("duplicate", "call_off", "correction", name="outcome", native_enum=False, length=40),
            nullable=False,
        ),
        sa.Column("decided_by_id", sa.Integer(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["decided_by_id"], ["staff.id"], name=op.f("fk_duplicate_decision_decided_by_id")),
        sa.ForeignKeyConstraint(["order_id"], ["order.id"], name=op.f("fk_duplicate_decision_order_id")),
        sa.ForeignKeyConstraint(["other_id"], ["order.id"], name=op.f("fk_duplicate_decision_other_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_duplicate_decision")),
        sa.UniqueConstraint("order_id", "other_id", name=op.f("uq_duplicate_decision_order_id_other_id")),
    )
    op.create_index(op.f("ix_duplicate_decision_other_id"), "duplicate_decision", ["other_id"])


def downgrade() -> None:
    op.drop_table("duplicate_decision")
    op.drop_table("order_revision")
    for column in _INDEXES:
        op.drop_index(op.f(f"ix_order_customer_id_{column}"), table_name="order")
    with op.batch_alter_table("order", schema=None) as batch_op:
        for column in ("source_hash", "contents", "changed_from", "revision"):
            batch_op.drop_column(column)
