"""One table of agreed prices, discounts, what a line cost before them, and what a request to let through showed

Revision ID: 0006
Revises: 0005
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

GIVERS = sa.Enum("rule", "agent", "manager", name="discountby", native_enum=False, length=40)
SOURCES = sa.Enum(
    "contract", "customer", "group", "everyone", "article", "quote", "given", name="pricesource", native_enum=False,
    length=40,
)  # fmt: skip


def upgrade() -> None:
    op.create_table(
        "price",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("article_id", sa.Integer(), nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=True),
        sa.Column("group", sa.String(), nullable=False),
        sa.Column("contract", sa.Boolean(), nullable=False),
        sa.Column("minimum_quantity", sa.BigInteger(), nullable=False),
        sa.Column("price", sa.BigInteger(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(["article_id"], ["article.id"], name=op.f("fk_price_article_id")),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_price_customer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_price")),
    )
    op.create_index(op.f("ix_price_article_id"), "price", ["article_id"])
    op.execute(
        'INSERT INTO price (article_id, customer_id, "group", contract, minimum_quantity, price, valid_from,'
        " valid_until) SELECT article_id, customer_id, '', true, 0, price, valid_from, valid_until FROM contract_price"
    )
    op.drop_table("contract_price")
    op.create_table(
        "discount",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=True),
        sa.Column("group", sa.String(), nullable=False),
        sa.Column("article_id", sa.Integer(), nullable=True),
        sa.Column("category", sa.String(), nullable=False),
        sa.Column("whole_order", sa.Boolean(), nullable=False),
        sa.Column("percent", sa.BigInteger(), nullable=False),
        sa.Column("minimum_quantity", sa.BigInteger(), nullable=False),
        sa.Column("minimum_net", sa.BigInteger(), nullable=True),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(["article_id"], ["article.id"], name=op.f("fk_discount_article_id")),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_discount_customer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_discount")),
    )
    op.create_index(op.f("ix_discount_article_id"), "discount", ["article_id"])
    op.create_index(op.f("ix_discount_customer_id"), "discount", ["customer_id"])
    for table in ("order", "order_line"):
        op.add_column(table, sa.Column("discount_percent", sa.BigInteger(), nullable=False, server_default="0"))
        op.add_column(table, sa.Column("discount_by", GIVERS, nullable=True))
    op.add_column("order_line", sa.Column("list_price", sa.BigInteger(), nullable=True))
    op.add_column("order_line", sa.Column("price_source", SOURCES, nullable=True))
    op.execute("UPDATE order_line SET list_price = unit_price WHERE price_choice IS NULL OR price_choice = 'ours'")
    op.add_column("quote_line", sa.Column("list_price", sa.BigInteger(), nullable=True))
    op.add_column("override_request", sa.Column("findings", sa.Text(), nullable=False, server_default="{}"))
    op.add_column("override_request", sa.Column("gross", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    for table, columns in (
        ("override_request", ("gross", "findings")),
        ("quote_line", ("list_price",)),
        ("order_line", ("price_source", "list_price", "discount_by", "discount_percent")),
        ("order", ("discount_by", "discount_percent")),
    ):
        for column in columns:
            op.drop_column(table, column)
    op.drop_table("discount")
    op.create_table(
        "contract_price",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("article_id", sa.Integer(), nullable=False),
        sa.Column("price", sa.BigInteger(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(["article_id"], ["article.id"], name=op.f("fk_contract_price_article_id")),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_contract_price_customer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contract_price")),
        sa.UniqueConstraint(
            "customer_id", "article_id", "valid_from", name=op.f("uq_contract_price_customer_id_article_id_valid_from")
        ),
    )
    op.execute(
        "INSERT INTO contract_price (customer_id, article_id, price, valid_from, valid_until) SELECT customer_id,"
        " article_id, price, valid_from, valid_until FROM price WHERE contract AND minimum_quantity = 0"
    )
    op.drop_table("price")
