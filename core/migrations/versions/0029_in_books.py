"""What stands for a delivery in the books, when its remarks are tried again, what of it is not invoiced again

Revision ID: 0029
Revises: 0027
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("delivery", sa.Column("in_books_on", sa.Date()))
    op.add_column("delivery", sa.Column("retry_at", sa.DateTime(timezone=True)))
    op.add_column("delivery_line", sa.Column("given_back", sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("article", sa.Column("payment_limit", sa.String(), nullable=False, server_default=""))


def downgrade() -> None:
    with op.batch_alter_table("article") as batch_op:
        batch_op.drop_column("payment_limit")
    with op.batch_alter_table("delivery_line") as batch_op:
        batch_op.drop_column("given_back")
    with op.batch_alter_table("delivery") as batch_op:
        batch_op.drop_column("retry_at")
        batch_op.drop_column("in_books_on")
