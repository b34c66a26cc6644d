"""Versions of the terms of sale and who accepted them, purchase terms found in orders, what makes an order conform

Revision ID: 0009
Revises: 0008
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

CLAUSES = ("payment", "penalties", "retention", "delivery", "delay", "liability", "deposit", "purchase_terms")
HOW = ("signed", "order", "chat", "mail", "imported")


def upgrade() -> None:
    op.create_table(
        "sale_terms",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("in_force_on", sa.Date(), nullable=False),
        sa.Column("file_name", sa.String(), nullable=False),
        sa.Column("pdf_sha256", sa.String(), nullable=False),
        sa.Column("imported_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["pdf_sha256"], ["blob.sha256"], name=op.f("fk_sale_terms_pdf_sha256")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sale_terms")),
        sa.UniqueConstraint("version", name=op.f("uq_sale_terms_version")),
    )
    op.create_index(op.f("ix_sale_terms_in_force_on"), "sale_terms", ["in_force_on"])
    op.create_table(
        "sale_terms_clause",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("terms_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Enum(*CLAUSES, name="clausekind", native_enum=False, length=40), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["terms_id"], ["sale_terms.id"], name=op.f("fk_sale_terms_clause_terms_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sale_terms_clause")),
        sa.UniqueConstraint("terms_id", "kind", name=op.f("uq_sale_terms_clause_terms_id_kind")),
    )
    op.create_table(
        "terms_acceptance",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("terms_id", sa.Integer(), nullable=False),
        sa.Column("how", sa.Enum(*HOW, name="howaccepted", native_enum=False, length=40), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("proof", sa.Text(), nullable=False),
        sa.Column("message_id", sa.Integer(), nullable=True),
        sa.Column("proof_sha256", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_terms_acceptance_customer_id")),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"], name=op.f("fk_terms_acceptance_message_id")),
        sa.ForeignKeyConstraint(["proof_sha256"], ["blob.sha256"], name=op.f("fk_terms_acceptance_proof_sha256")),
        sa.ForeignKeyConstraint(["terms_id"], ["sale_terms.id"], name=op.f("fk_terms_acceptance_terms_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_terms_acceptance")),
        sa.UniqueConstraint("customer_id", "terms_id", name=op.f("uq_terms_acceptance_customer_id_terms_id")),
    )
    op.create_table(
        "order_clause",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("order_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Enum(*CLAUSES, name="clausekind", native_enum=False, length=40), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("part", sa.String(), nullable=False),
        sa.Column("settled", sa.Enum("ours", "theirs", name="clausechoice", native_enum=False, length=40)),
        sa.Column("asked_by_id", sa.Integer(), nullable=True),
        sa.Column("settled_by_id", sa.Integer(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["asked_by_id"], ["staff.id"], name=op.f("fk_order_clause_asked_by_id")),
        sa.ForeignKeyConstraint(["order_id"], ["order.id"], name=op.f("fk_order_clause_order_id")),
        sa.ForeignKeyConstraint(["settled_by_id"], ["staff.id"], name=op.f("fk_order_clause_settled_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_clause")),
        sa.UniqueConstraint("order_id", "kind", name=op.f("uq_order_clause_order_id_kind")),
    )
    op.add_column("customer", sa.Column("requirements", sa.Text(), nullable=False, server_default="{}"))
    op.add_column("customer", sa.Column("electronic_address", sa.String(), nullable=False, server_default=""))
    op.add_column("customer", sa.Column("electronic_scheme", sa.String(), nullable=False, server_default=""))
    op.add_column("contact", sa.Column("order_limit", sa.BigInteger(), nullable=True))
    op.add_column("order", sa.Column("delivery_own", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("order", sa.Column("delivery_said", sa.Text(), nullable=False, server_default=""))
    op.add_column("order", sa.Column("quote_said", sa.String(), nullable=False, server_default=""))
    _add_reference("order", "contact_id", sa.Integer(), "contact.id")
    _add_reference("order", "delivery_address_id", sa.Integer(), "delivery_address.id")
    _add_reference("outbox", "enclosure_sha256", sa.String(), "blob.sha256")


def _add_reference(table: str, column: str, kind: sa.Integer | sa.String, target: str) -> None:
    name = op.f(f"fk_{table}_{column}")
    if (
        op.get_bind().dialect.name == "sqlite"
    ):  # takes the constraint with the column only, and needs no copy of the table
        quoted = '"order"' if table == "order" else table
        other, key = target.split(".")
        sql_type = kind.compile(op.get_bind().dialect)
        op.execute(f"ALTER TABLE {quoted} ADD COLUMN {column} {sql_type} CONSTRAINT {name} REFERENCES {other} ({key})")
        return
    op.add_column(table, sa.Column(column, kind, nullable=True))
    other, key = target.split(".")
    op.create_foreign_key(name, table, other, [column], [key])


def downgrade() -> None:
    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.drop_constraint(op.f("fk_outbox_enclosure_sha256"), type_="foreignkey")
        batch_op.drop_column("enclosure_sha256")
    with op.batch_alter_table("order", schema=None) as batch_op:
        for column in ("contact_id", "delivery_address_id"):
            batch_op.drop_constraint(op.f(f"fk_order_{column}"), type_="foreignkey")
        for column in ("contact_id", "delivery_address_id", "delivery_own", "delivery_said", "quote_said"):
            batch_op.drop_column(column)
    with op.batch_alter_table("contact", schema=None) as batch_op:
        batch_op.drop_column("order_limit")
    with op.batch_alter_table("customer", schema=None) as batch_op:
        for column in ("requirements", "electronic_address", "electronic_scheme"):
            batch_op.drop_column(column)
    for table in ("order_clause", "terms_acceptance", "sale_terms_clause", "sale_terms"):
        op.drop_table(table)
