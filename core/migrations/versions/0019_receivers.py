"""A delivery names its customer: what a customer is owed or owes is summed without walking through all his orders

Revision ID: 0019
Revises: 0018
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("delivery", sa.Column("customer_id", sa.Integer(), nullable=True))
    op.execute(
        'UPDATE delivery SET customer_id = (SELECT customer_id FROM "order" WHERE "order".id = delivery.order_id)'
    )
    with op.batch_alter_table("delivery", schema=None) as batch_op:
        batch_op.alter_column("customer_id", existing_type=sa.Integer(), nullable=False)
        batch_op.create_foreign_key(batch_op.f("fk_delivery_customer_id"), "customer", ["customer_id"], ["id"])
    op.create_index(op.f("ix_delivery_customer_id_state"), "delivery", ["customer_id", "state"])


def downgrade() -> None:
    op.drop_index(op.f("ix_delivery_customer_id_state"), "delivery")
    with op.batch_alter_table("delivery", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_delivery_customer_id"), type_="foreignkey")
        batch_op.drop_column("customer_id")
