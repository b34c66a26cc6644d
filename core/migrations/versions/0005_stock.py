"""Goods to come, backorders, substitutes, what an article is sold by, delivery days and cut-off

Revision ID: 0005
Revises: 0004
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

#: What the registered orders of before still wait for: ordered, not closed, not shipped, not promised.
WAITING = """
    INSERT INTO backorder (order_line_id, article_id, quantity)
    SELECT l.id, l.article_id, l.quantity - l.closed_quantity - coalesce(r.quantity, 0) - coalesce(s.shipped, 0)
    FROM order_line l
    JOIN "order" o ON o.id = l.order_id
    LEFT JOIN reservation r ON r.order_line_id = l.id
    LEFT JOIN (
        SELECT dl.order_line_id, sum(dl.quantity) AS shipped
        FROM delivery_line dl JOIN delivery d ON d.id = dl.delivery_id
        WHERE d.state IN ('shipped', 'verified') GROUP BY dl.order_line_id
    ) s ON s.order_line_id = l.id
    WHERE o.state = 'confirmed' AND NOT l.removed AND l.article_id IS NOT NULL
    AND l.quantity - l.closed_quantity - coalesce(r.quantity, 0) - coalesce(s.shipped, 0) > 0
"""


def upgrade() -> None:
    op.add_column("article", sa.Column("minimum_quantity", sa.BigInteger(), nullable=True))
    op.add_column("article", sa.Column("multiple", sa.BigInteger(), nullable=True))
    op.add_column("customer", sa.Column("minimum_order", sa.BigInteger(), nullable=True))
    # customers that were there before take what there is, on any business day
    op.add_column("customer", sa.Column("partial_deliveries", sa.Boolean(), nullable=False, server_default=sa.true()))
    op.add_column("customer", sa.Column("delivery_weekdays", sa.String(), nullable=False, server_default=""))
    op.add_column("customer", sa.Column("delivery_cutoff", sa.Time(), nullable=True))
    op.add_column("customer", sa.Column("delivery_lead_days", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("customer", sa.Column("delivery_strict", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("order", sa.Column("delivery_date_set_at", sa.DateTime(timezone=True), nullable=True))
    shortage = sa.Enum("backorder", "wait", name="shortage", native_enum=False, length=40)
    op.add_column("order_line", sa.Column("shortage", shortage, nullable=True))
    op.create_table(
        "substitute",
        sa.Column("article_id", sa.Integer(), nullable=False),
        sa.Column("other_id", sa.Integer(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["article_id"], ["article.id"], name=op.f("fk_substitute_article_id")),
        sa.ForeignKeyConstraint(["other_id"], ["article.id"], name=op.f("fk_substitute_other_id")),
        sa.PrimaryKeyConstraint("article_id", "other_id", name=op.f("pk_substitute")),
    )
    op.create_table(
        "backorder",
        sa.Column("order_line_id", sa.Integer(), nullable=False),
        sa.Column("article_id", sa.Integer(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["article_id"], ["article.id"], name=op.f("fk_backorder_article_id")),
        sa.ForeignKeyConstraint(["order_line_id"], ["order_line.id"], name=op.f("fk_backorder_order_line_id")),
        sa.PrimaryKeyConstraint("order_line_id", name=op.f("pk_backorder")),
    )
    op.create_index(op.f("ix_backorder_article_id"), "backorder", ["article_id"])
    op.create_table(
        "expected_receipt",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("reference", sa.String(), nullable=False),
        sa.Column("article_id", sa.Integer(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("received", sa.BigInteger(), nullable=False),
        sa.Column("expected_on", sa.Date(), nullable=True),
        sa.Column("noted_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["article_id"], ["article.id"], name=op.f("fk_expected_receipt_article_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_expected_receipt")),
        sa.UniqueConstraint("reference", "article_id", name=op.f("uq_expected_receipt_reference_article_id")),
    )
    op.create_index(op.f("ix_expected_receipt_article_id"), "expected_receipt", ["article_id"])
    op.execute(WAITING)


def downgrade() -> None:
    op.drop_table("expected_receipt")
    op.drop_table("backorder")
    op.drop_table("substitute")
    for table, columns in (
        ("order_line", ("shortage",)),
        ("order", ("delivery_date_set_at",)),
        (
            "customer",
            ("delivery_strict", "delivery_lead_days", "delivery_cutoff", "delivery_weekdays", "partial_deliveries",
             "minimum_order"),
        ),
        ("article", ("multiple", "minimum_quantity")),
    ):  # fmt: skip
        with op.batch_alter_table(table, schema=None) as batch_op:
            for column in columns:
                batch_op.drop_column(column)
