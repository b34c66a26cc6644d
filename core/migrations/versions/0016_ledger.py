"""The ledger: booked entries, their lines, and what they do to deposits; late interest and fees that were kept

Revision ID: 0016
Revises: 0015
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from core.migrations.triggers import guard

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

TABLES = ("ledger_deposit", "ledger_line", "ledger_entry", "late_charge")


def upgrade() -> None:
    op.create_table(
        "ledger_entry",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("journal", sa.Enum("VE", "BQ", "OD", name="journal", native_enum=False, length=40), nullable=False),
        sa.Column("month", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("booked_on", sa.Date(), nullable=False),
        sa.Column("piece", sa.String(), nullable=False),
        sa.Column("piece_date", sa.Date(), nullable=False),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("due_date", sa.Date(), nullable=True),
        sa.Column("means", sa.String(), nullable=False),
        sa.Column("validated_on", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_entry")),
        sa.UniqueConstraint("journal", "month", "position", name=op.f("uq_ledger_entry_journal_month_position")),
    )
    op.create_index(op.f("ix_ledger_entry_source"), "ledger_entry", ["source"])
    op.create_index(op.f("ix_ledger_entry_seq"), "ledger_entry", ["seq"])
    op.create_index(op.f("ix_ledger_entry_booked_on"), "ledger_entry", ["booked_on"])
    op.create_table(
        "ledger_line",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("entry_id", sa.Integer(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("account_label", sa.String(), nullable=False),
        sa.Column("customer", sa.String(), nullable=False),
        sa.Column("customer_label", sa.String(), nullable=False),
        sa.Column("settles", sa.String(), nullable=False),
        sa.Column("debit", sa.BigInteger(), nullable=False),
        sa.Column("credit", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["entry_id"], ["ledger_entry.id"], name=op.f("fk_ledger_line_entry_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_line")),
    )
    for column in ("entry_id", "customer", "settles"):
        op.create_index(op.f(f"ix_ledger_line_{column}"), "ledger_line", [column])
    op.create_table(
        "ledger_deposit",
        sa.Column("entry_id", sa.Integer(), nullable=False),
        sa.Column("deposit_id", sa.Integer(), nullable=False),
        sa.Column("percent", sa.BigInteger(), nullable=False),
        sa.Column("net", sa.BigInteger(), nullable=False),
        sa.Column("declared", sa.BigInteger(), nullable=False),
        sa.Column("pending", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["entry_id"], ["ledger_entry.id"], name=op.f("fk_ledger_deposit_entry_id")),
        sa.ForeignKeyConstraint(["deposit_id"], ["invoice.id"], name=op.f("fk_ledger_deposit_deposit_id")),
        sa.PrimaryKeyConstraint("entry_id", "deposit_id", "percent", name=op.f("pk_ledger_deposit")),
    )
    op.create_index(op.f("ix_ledger_deposit_deposit_id"), "ledger_deposit", ["deposit_id"])
    op.create_table(
        "late_charge",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("payment_id", sa.Integer(), nullable=False),
        sa.Column("invoice_id", sa.Integer(), nullable=True),
        sa.Column("open_item_id", sa.Integer(), nullable=True),
        sa.Column("allocation_id", sa.Integer(), nullable=False),
        sa.Column("interest", sa.BigInteger(), nullable=False),
        sa.Column("recovery", sa.BigInteger(), nullable=False),
        sa.Column("kept_on", sa.Date(), nullable=False),
        sa.Column("kept_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["payment_id"], ["payment.id"], name=op.f("fk_late_charge_payment_id")),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoice.id"], name=op.f("fk_late_charge_invoice_id")),
        sa.ForeignKeyConstraint(["open_item_id"], ["open_item.id"], name=op.f("fk_late_charge_open_item_id")),
        sa.ForeignKeyConstraint(["allocation_id"], ["allocation.id"], name=op.f("fk_late_charge_allocation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_late_charge")),
        sa.UniqueConstraint("allocation_id", name=op.f("uq_late_charge_allocation_id")),
    )
    for column in ("payment_id", "invoice_id", "open_item_id"):
        op.create_index(op.f(f"ix_late_charge_{column}"), "late_charge", [column])
    for table in TABLES:
        guard(table)


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)  # its triggers go with it
        if op.get_bind().dialect.name == "postgresql":
            op.execute(f"DROP FUNCTION {table}_frozen()")
