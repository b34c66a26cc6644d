"""What colleagues teach about a customer, and what alone proposed an order's customer

Revision ID: 0002
Revises: 0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # a default of the database's own: orders that were there before have a customer nobody doubted
    op.add_column("order", sa.Column("customer_clue", sa.String(), nullable=False, server_default=""))
    op.create_table(
        "packaging_alias",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("article_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["article_id"], ["article.id"], name=op.f("fk_packaging_alias_article_id")),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_packaging_alias_customer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_packaging_alias")),
        sa.UniqueConstraint(
            "customer_id", "article_id", "name", name=op.f("uq_packaging_alias_customer_id_article_id_name")
        ),
    )
    op.create_index(op.f("ix_packaging_alias_customer_id"), "packaging_alias", ["customer_id"])
    op.create_table(
        "sender_alias",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("address", "domain", "signature", name="senderkind", native_enum=False, length=40),
            nullable=False,
        ),
        sa.Column("text", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_sender_alias_customer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sender_alias")),
        sa.UniqueConstraint("kind", "text", name=op.f("uq_sender_alias_kind_text")),
    )
    op.create_index(op.f("ix_sender_alias_customer_id"), "sender_alias", ["customer_id"])


def downgrade() -> None:
    op.drop_table("sender_alias")
    op.drop_table("packaging_alias")
    with op.batch_alter_table("order", schema=None) as batch_op:
        batch_op.drop_column("customer_clue")
