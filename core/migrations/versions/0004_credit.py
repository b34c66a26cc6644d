"""What insures a customer and since when he is insolvent, and the indexes of the accounting check

Revision ID: 0004
Revises: 0003
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("customer", sa.Column("insured_limit", sa.BigInteger(), nullable=True))
    op.add_column("customer", sa.Column("insolvent_since", sa.Date(), nullable=True))
    op.create_index(op.f("ix_order_customer_id_state"), "order", ["customer_id", "state"])
    op.create_index(op.f("ix_deposit_deduction_deposit_id"), "deposit_deduction", ["deposit_id"])
    op.create_index(op.f("ix_reminder_step_customer_id"), "reminder_step", ["customer_id"])


def downgrade() -> None:
    op.drop_index(op.f("ix_reminder_step_customer_id"), "reminder_step")
    op.drop_index(op.f("ix_deposit_deduction_deposit_id"), "deposit_deduction")
    op.drop_index(op.f("ix_order_customer_id_state"), "order")
    with op.batch_alter_table("customer", schema=None) as batch_op:
        batch_op.drop_column("insolvent_since")
        batch_op.drop_column("insured_limit")
