"""The last document of a kind found without reading them all

Revision ID: 0021
Revises: 0020
"""

from __future__ import annotations

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(op.f("ix_invoice_kind_internal_issue_date"), "invoice", ["kind", "internal", "issue_date"])


def downgrade() -> None:
    op.drop_index(op.f("ix_invoice_kind_internal_issue_date"), "invoice")
