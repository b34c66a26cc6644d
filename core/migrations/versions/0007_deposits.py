"""Rules of deposits, what each order asks for, and automatic confirmation by customer

Revision ID: 0007
Revises: 0006
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

STAGES = ("registration", "preparation", "shipping")


def stage() -> sa.Enum:
    return sa.Enum(*STAGES, name="depositstage", native_enum=False, length=40)


def upgrade() -> None:
    op.add_column("customer", sa.Column("auto_confirm", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("customer", sa.Column("auto_confirm_reason", sa.String(), nullable=False, server_default=""))
    op.add_column("order", sa.Column("auto_considered", sa.Integer(), nullable=False, server_default="0"))
    op.create_table(
        "deposit_rule",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=True),
        sa.Column("group", sa.String(), nullable=False),
        sa.Column("article_id", sa.Integer(), nullable=True),
        sa.Column("category", sa.String(), nullable=False),
        sa.Column("from_amount", sa.BigInteger(), nullable=False),
        sa.Column("percent", sa.BigInteger(), nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=True),
        sa.Column("blocks", stage(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=True),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(["article_id"], ["article.id"], name=op.f("fk_deposit_rule_article_id")),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_deposit_rule_customer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deposit_rule")),
        sa.UniqueConstraint("code", name=op.f("uq_deposit_rule_code")),
    )
    op.create_index(op.f("ix_deposit_rule_customer_id"), "deposit_rule", ["customer_id"])
    op.create_table(
        "deposit_term",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("order_id", sa.Integer(), nullable=False),
        sa.Column("rule_code", sa.String(), nullable=False),
        sa.Column("article_id", sa.Integer(), nullable=True),
        sa.Column("category", sa.String(), nullable=False),
        sa.Column("percent", sa.BigInteger(), nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=True),
        sa.Column("blocks", stage(), nullable=False),
        sa.Column("agreed", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["article_id"], ["article.id"], name=op.f("fk_deposit_term_article_id")),
        sa.ForeignKeyConstraint(["order_id"], ["order.id"], name=op.f("fk_deposit_term_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deposit_term")),
    )
    op.create_index(op.f("ix_deposit_term_order_id"), "deposit_term", ["order_id"])
    # the share of the whole order that drafts asked for until now is the simplest term
    op.execute(
        "INSERT INTO deposit_term (order_id, rule_code, category, percent, blocks, agreed) "
        "SELECT id, '', '', deposit_percent, 'registration', false FROM \"order\" WHERE deposit_percent IS NOT NULL"
    )
    op.execute('ALTER TABLE "order" DROP COLUMN deposit_percent')  # both databases can; a rebuilt table would lose rows


def downgrade() -> None:
    op.add_column("order", sa.Column("deposit_percent", sa.BigInteger(), nullable=True))
    op.execute(
        'UPDATE "order" SET deposit_percent = (SELECT max(percent) FROM deposit_term '
        "WHERE deposit_term.order_id = \"order\".id AND article_id IS NULL AND category = '')"
    )
    op.drop_table("deposit_term")
    op.drop_table("deposit_rule")
    op.execute('ALTER TABLE "order" DROP COLUMN auto_considered')
    op.execute("ALTER TABLE customer DROP COLUMN auto_confirm_reason")
    op.execute("ALTER TABLE customer DROP COLUMN auto_confirm")
