"""What stands on a card in each chat, and drafts that are put aside for a while

Revision ID: 0023
Revises: 0022
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("card", sa.Column("showing", sa.Text(), nullable=False, server_default=""))
    op.add_column("order", sa.Column("parked_until", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("order") as table:
        table.drop_column("parked_until")
    with op.batch_alter_table("card") as table:
        table.drop_column("showing")
