"""The codes of an ERP, the hand-over of orders to it, the statuses that platforms give invoices

Revision ID: 0017
Revises: 0016
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from core.migrations.triggers import guard

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("customer", sa.Column("erp_code", sa.String(), nullable=False, server_default=""))
    op.add_column("article", sa.Column("erp_code", sa.String(), nullable=False, server_default=""))
    op.create_table(
        "handover",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("order_id", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=40), nullable=False),
        sa.Column("layout", sa.String(), nullable=False),
        sa.Column("file_name", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=False),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["order_id"], ["order.id"], name=op.f("fk_handover_order_id")),
        sa.ForeignKeyConstraint(["sha256"], ["blob.sha256"], name=op.f("fk_handover_sha256")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_handover")),
        sa.UniqueConstraint("order_id", "revision", name=op.f("uq_handover_order_id_revision")),
    )
    op.create_index(op.f("ix_handover_state"), "handover", ["state"])
    op.create_table(
        "invoice_status",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("invoice_id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("noted_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoice.id"], name=op.f("fk_invoice_status_invoice_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invoice_status")),
        sa.UniqueConstraint("invoice_id", "code", "at", name=op.f("uq_invoice_status_invoice_id_code_at")),
    )
    guard("invoice_status")


def downgrade() -> None:
    op.drop_table("invoice_status")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION IF EXISTS invoice_status_frozen()")
    op.drop_index(op.f("ix_handover_state"), table_name="handover")
    op.drop_table("handover")
    for table in ("article", "customer"):
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.drop_column("erp_code")
