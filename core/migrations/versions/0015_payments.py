"""Bank statements and what they pay, credits that were used, early discounts, reversals, refunds, how customers pay

Revision ID: 0015
Revises: 0010
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from core.migrations.triggers import SETTLED, statements

revision = "0015"
down_revision = "0012"
branch_labels = None
depends_on = None

MEANS = ("58", "59", "20", "48", "10")
#: What an allocation may come from besides a payment, and the table of each.
SOURCES = {
    "credit_use_id": "credit_use",
    "early_discount_id": "early_discount",
    "reversal_id": "payment_reversal",
    "refund_id": "refund",
}


def upgrade() -> None:
    op.create_table(
        "bank_statement",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("iban", sa.String(), nullable=False),
        sa.Column(
            "layout",
            sa.Enum("camt.053", "mt940", "cfonb120", name="layout", native_enum=False, length=40),
            nullable=False,
        ),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("opened_on", sa.Date(), nullable=False),
        sa.Column("closed_on", sa.Date(), nullable=False),
        sa.Column("opening", sa.BigInteger(), nullable=False),
        sa.Column("closing", sa.BigInteger(), nullable=False),
        sa.Column("content_sha256", sa.String(), nullable=False),
        sa.Column("imported_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bank_statement")),
    )
    op.create_table(
        "customer_iban",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("iban", sa.String(), nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("learned_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_customer_iban_customer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customer_iban")),
        sa.UniqueConstraint("iban", "customer_id", name=op.f("uq_customer_iban_iban_customer_id")),
    )
    op.create_index(op.f("ix_customer_iban_customer_id"), "customer_iban", ["customer_id"], unique=False)
    op.create_index(op.f("ix_customer_iban_iban"), "customer_iban", ["iban"], unique=False)
    op.create_table(
        "refund",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("reference", sa.String(), nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column(
            "state",
            sa.Enum("asked", "approved", "refused", "executed", name="refundstate", native_enum=False, length=40),
            nullable=False,
        ),
        sa.Column("asked_by_id", sa.Integer(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by_id", sa.Integer(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("means", sa.Enum(*MEANS, name="paymentmeans", native_enum=False, length=40), nullable=True),
        sa.Column("executed_on", sa.Date(), nullable=True),
        sa.Column("executed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["asked_by_id"], ["staff.id"], name=op.f("fk_refund_asked_by_id")),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_refund_customer_id")),
        sa.ForeignKeyConstraint(["decided_by_id"], ["staff.id"], name=op.f("fk_refund_decided_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refund")),
        sa.UniqueConstraint("reference", name=op.f("uq_refund_reference")),
    )
    op.create_index(op.f("ix_refund_customer_id"), "refund", ["customer_id"], unique=False)
    op.create_table(
        "imported_payment",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("payment_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["payment_id"], ["payment.id"], name=op.f("fk_imported_payment_payment_id")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_imported_payment")),
    )
    op.create_index(op.f("ix_imported_payment_payment_id"), "imported_payment", ["payment_id"], unique=False)
    op.create_table(
        "payment_reversal",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("payment_id", sa.Integer(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("reversed_on", sa.Date(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["payment_id"], ["payment.id"], name=op.f("fk_payment_reversal_payment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_reversal")),
        sa.UniqueConstraint("payment_id", name=op.f("uq_payment_reversal_payment_id")),
    )
    op.create_table(
        "bank_entry",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("statement_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("booked_on", sa.Date(), nullable=False),
        sa.Column("value_on", sa.Date(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("fees", sa.BigInteger(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("end_to_end", sa.String(), nullable=False),
        sa.Column("creditor_reference", sa.String(), nullable=False),
        sa.Column("bank_reference", sa.String(), nullable=False),
        sa.Column("payer_name", sa.String(), nullable=False),
        sa.Column("payer_iban", sa.String(), nullable=False),
        sa.Column("reject", sa.String(), nullable=False),
        sa.Column("means", sa.Enum(*MEANS, name="paymentmeans", native_enum=False, length=40), nullable=False),
        sa.Column(
            "state", sa.Enum("asked", "booked", "left", name="entrystate", native_enum=False, length=40), nullable=False
        ),
        sa.Column("rule", sa.String(), nullable=False),
        sa.Column("payment_id", sa.Integer(), nullable=True),
        sa.Column("reversal_id", sa.Integer(), nullable=True),
        sa.Column("refund_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["payment_id"], ["payment.id"], name=op.f("fk_bank_entry_payment_id")),
        sa.ForeignKeyConstraint(["refund_id"], ["refund.id"], name=op.f("fk_bank_entry_refund_id")),
        sa.ForeignKeyConstraint(["reversal_id"], ["payment_reversal.id"], name=op.f("fk_bank_entry_reversal_id")),
        sa.ForeignKeyConstraint(["statement_id"], ["bank_statement.id"], name=op.f("fk_bank_entry_statement_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bank_entry")),
        sa.UniqueConstraint("key", name=op.f("uq_bank_entry_key")),
    )
    op.create_index(op.f("ix_bank_entry_payment_id"), "bank_entry", ["payment_id"], unique=False)
    op.create_index(op.f("ix_bank_entry_refund_id"), "bank_entry", ["refund_id"], unique=False)
    op.create_index(op.f("ix_bank_entry_reversal_id"), "bank_entry", ["reversal_id"], unique=False)
    op.create_index(op.f("ix_bank_entry_statement_id"), "bank_entry", ["statement_id"], unique=False)
    op.create_table(
        "credit_use",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("from_invoice_id", sa.Integer(), nullable=False),
        sa.Column("invoice_id", sa.Integer(), nullable=True),
        sa.Column("open_item_id", sa.Integer(), nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("used_on", sa.Date(), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_credit_use_customer_id")),
        sa.ForeignKeyConstraint(["from_invoice_id"], ["invoice.id"], name=op.f("fk_credit_use_from_invoice_id")),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoice.id"], name=op.f("fk_credit_use_invoice_id")),
        sa.ForeignKeyConstraint(["open_item_id"], ["open_item.id"], name=op.f("fk_credit_use_open_item_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credit_use")),
    )
    op.create_index(op.f("ix_credit_use_customer_id"), "credit_use", ["customer_id"], unique=False)
    op.create_index(op.f("ix_credit_use_from_invoice_id"), "credit_use", ["from_invoice_id"], unique=False)
    op.create_index(op.f("ix_credit_use_invoice_id"), "credit_use", ["invoice_id"], unique=False)
    op.create_index(op.f("ix_credit_use_open_item_id"), "credit_use", ["open_item_id"], unique=False)
    op.create_table(
        "early_discount",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("payment_id", sa.Integer(), nullable=False),
        sa.Column("invoice_id", sa.Integer(), nullable=False),
        sa.Column("reversal_id", sa.Integer(), nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("granted_on", sa.Date(), nullable=False),
        sa.Column("granted_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoice.id"], name=op.f("fk_early_discount_invoice_id")),
        sa.ForeignKeyConstraint(["payment_id"], ["payment.id"], name=op.f("fk_early_discount_payment_id")),
        sa.ForeignKeyConstraint(["reversal_id"], ["payment_reversal.id"], name=op.f("fk_early_discount_reversal_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_early_discount")),
    )
    op.create_index(op.f("ix_early_discount_invoice_id"), "early_discount", ["invoice_id"], unique=False)
    op.create_index(op.f("ix_early_discount_payment_id"), "early_discount", ["payment_id"], unique=False)
    op.create_index(op.f("ix_early_discount_reversal_id"), "early_discount", ["reversal_id"], unique=False)
    op.create_table(
        "early_discount_part",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("early_discount_id", sa.Integer(), nullable=False),
        sa.Column("vat_percent", sa.BigInteger(), nullable=False),
        sa.Column("net", sa.BigInteger(), nullable=False),
        sa.Column("vat", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["early_discount_id"], ["early_discount.id"], name=op.f("fk_early_discount_part_early_discount_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_early_discount_part")),
    )
    op.create_index(
        op.f("ix_early_discount_part_early_discount_id"), "early_discount_part", ["early_discount_id"], unique=False
    )
    op.add_column("allocation", sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True))
    op.execute(
        "UPDATE allocation SET settled_at = (SELECT recorded_at FROM payment WHERE payment.id = allocation.payment_id)"
    )
    with op.batch_alter_table("allocation", schema=None) as batch_op:
        batch_op.alter_column("settled_at", existing_type=sa.DateTime(timezone=True), nullable=False)
        batch_op.alter_column("payment_id", existing_type=sa.Integer(), nullable=True)
        for column, table in SOURCES.items():
            batch_op.add_column(sa.Column(column, sa.Integer(), nullable=True))
            batch_op.create_foreign_key(batch_op.f(f"fk_allocation_{column}"), table, [column], ["id"])
    for column in SOURCES:
        op.create_index(op.f(f"ix_allocation_{column}"), "allocation", [column])
    means = sa.Enum(*MEANS, name="paymentmeans", native_enum=False, length=40)
    op.add_column("customer", sa.Column("payment_means", means, nullable=False, server_default="58"))
    op.add_column("customer", sa.Column("mandate_reference", sa.String(), nullable=False, server_default=""))
    op.add_column("customer", sa.Column("debited_iban", sa.String(), nullable=False, server_default=""))
    op.add_column("customer", sa.Column("discount_percent", sa.BigInteger(), nullable=True))
    op.add_column("customer", sa.Column("discount_days", sa.Integer(), nullable=True))
    inspector = sa.inspect(op.get_bind())
    columns = {table: [column["name"] for column in inspector.get_columns(table)] for table in SETTLED}
    for statement in statements(op.get_bind().dialect.name, columns, SETTLED):
        op.execute(statement)


def downgrade() -> None:
    on_postgres = op.get_bind().dialect.name == "postgresql"
    for table in SETTLED:
        for act in ("update", "delete", *(["truncate"] if on_postgres else [])):
            op.execute(f"DROP TRIGGER {table}_no_{act}" + (f" ON {table}" if on_postgres else ""))
        if on_postgres:
            op.execute(f"DROP FUNCTION {table}_frozen()")
    with op.batch_alter_table("customer", schema=None) as batch_op:
        for column in ("discount_days", "discount_percent", "debited_iban", "mandate_reference", "payment_means"):
            batch_op.drop_column(column)
    op.execute("DELETE FROM allocation WHERE payment_id IS NULL")
    for column in SOURCES:
        op.drop_index(op.f(f"ix_allocation_{column}"), "allocation")
    with op.batch_alter_table("allocation", schema=None) as batch_op:
        for column in SOURCES:
            batch_op.drop_constraint(batch_op.f(f"fk_allocation_{column}"), type_="foreignkey")
            batch_op.drop_column(column)
        batch_op.alter_column("payment_id", existing_type=sa.Integer(), nullable=False)
        batch_op.drop_column("settled_at")
    for table in (
        "early_discount_part", "early_discount", "credit_use", "bank_entry", "payment_reversal", "imported_payment",
        "refund", "customer_iban", "bank_statement",
    ):  # fmt: skip
        op.drop_table(table)
