"""At most one internal credit note of an invoice, found without reading all invoices

Revision ID: 0022
Revises: 0021
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_invoice_internal_note", "invoice", ["refers_to_id"], unique=True, sqlite_where=sa.text("internal = 1"),
        postgresql_where=sa.text("internal"),
    )  # fmt: skip


def downgrade() -> None:
    op.drop_index("ix_invoice_internal_note", "invoice")
