"""Invoices of several deliveries, when a customer is invoiced, internal credit notes, deductions rate by rate

Revision ID: 0014
Revises: 0013
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from core.migrations.triggers import guard, unguard

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "customer", sa.Column("invoice_trigger", sa.String(length=40), nullable=False, server_default="verification")
    )
    op.create_table(
        "invoice_delivery",
        sa.Column("invoice_id", sa.Integer(), nullable=False),
        sa.Column("delivery_id", sa.Integer(), nullable=False),
        sa.Column("freed_by_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["delivery_id"], ["delivery.id"], name=op.f("fk_invoice_delivery_delivery_id")),
        sa.ForeignKeyConstraint(["freed_by_id"], ["invoice.id"], name=op.f("fk_invoice_delivery_freed_by_id")),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoice.id"], name=op.f("fk_invoice_delivery_invoice_id")),
        sa.PrimaryKeyConstraint("invoice_id", "delivery_id", name=op.f("pk_invoice_delivery")),
        sa.UniqueConstraint("delivery_id", "freed_by_id", name=op.f("uq_invoice_delivery_delivery_id_freed_by_id")),
    )
    first = sa.text("freed_by_id IS NULL")
    op.create_index(
        "ix_invoice_delivery_first", "invoice_delivery", ["delivery_id"], unique=True, sqlite_where=first,
        postgresql_where=first,
    )  # fmt: skip
    op.execute(
        "INSERT INTO invoice_delivery (invoice_id, delivery_id)"
        " SELECT id, delivery_id FROM invoice WHERE delivery_id IS NOT NULL"
    )
    op.create_table(
        "deposit_deduction_rate",
        sa.Column("invoice_id", sa.Integer(), nullable=False),
        sa.Column("deposit_id", sa.Integer(), nullable=False),
        sa.Column("deposit_line_id", sa.Integer(), nullable=False),
        sa.Column("net", sa.BigInteger(), nullable=False),
        sa.Column("vat", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["deposit_id"], ["invoice.id"], name=op.f("fk_deposit_deduction_rate_deposit_id")),
        sa.ForeignKeyConstraint(
            ["deposit_line_id"], ["invoice_line.id"], name=op.f("fk_deposit_deduction_rate_deposit_line_id")
        ),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoice.id"], name=op.f("fk_deposit_deduction_rate_invoice_id")),
        sa.PrimaryKeyConstraint("invoice_id", "deposit_line_id", name=op.f("pk_deposit_deduction_rate")),
    )
    op.create_index(op.f("ix_deposit_deduction_rate_deposit_id"), "deposit_deduction_rate", ["deposit_id"])
    unguard("invoice")
    with op.batch_alter_table("invoice", schema=None) as batch_op:
        batch_op.add_column(sa.Column("internal", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.drop_constraint(batch_op.f("uq_invoice_delivery_id"), type_="unique")
        batch_op.drop_constraint(batch_op.f("fk_invoice_delivery_id"), type_="foreignkey")
        batch_op.drop_column("delivery_id")
    guard("invoice")
    unguard("invoice_line")
    with op.batch_alter_table("invoice_line", schema=None) as batch_op:
        batch_op.add_column(sa.Column("delivery_line_id", sa.Integer(), nullable=True))
        batch_op.create_foreign_key(
            batch_op.f("fk_invoice_line_delivery_line_id"), "delivery_line", ["delivery_line_id"], ["id"]
        )
        batch_op.create_index(batch_op.f("ix_invoice_line_delivery_line_id"), ["delivery_line_id"], unique=False)
    guard("invoice_line")
    guard("invoice_delivery")
    guard("deposit_deduction_rate")


def downgrade() -> None:
    unguard("invoice")
    unguard("invoice_delivery")
    unguard("deposit_deduction_rate")
    with op.batch_alter_table("invoice", schema=None) as batch_op:
        batch_op.add_column(sa.Column("delivery_id", sa.Integer(), nullable=True))
        batch_op.drop_column("internal")
        batch_op.create_foreign_key(batch_op.f("fk_invoice_delivery_id"), "delivery", ["delivery_id"], ["id"])
        batch_op.create_unique_constraint(batch_op.f("uq_invoice_delivery_id"), ["delivery_id"])
    op.execute(
        "UPDATE invoice SET delivery_id = (SELECT min(d.delivery_id) FROM invoice_delivery d"
        " WHERE d.invoice_id = invoice.id AND d.freed_by_id IS NULL)"
    )
    guard("invoice")
    unguard("invoice_line")
    with op.batch_alter_table("invoice_line", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_invoice_line_delivery_line_id"))
        batch_op.drop_constraint(batch_op.f("fk_invoice_line_delivery_line_id"), type_="foreignkey")
        batch_op.drop_column("delivery_line_id")
    guard("invoice_line")
    op.drop_table("deposit_deduction_rate")
    op.drop_table("invoice_delivery")
    with op.batch_alter_table("customer", schema=None) as batch_op:
        batch_op.drop_column("invoice_trigger")
