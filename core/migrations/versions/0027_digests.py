"""Calls that a colleague takes, what was told to others because nobody did, and the morning's digests

Revision ID: 0027
Revises: 0026
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import core.db

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "call",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("template", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("role", sa.String(length=40), nullable=False),
        sa.Column("opened_at", core.db.Instant(), nullable=False),
        sa.Column("taken_at", core.db.Instant(), nullable=True),
        sa.Column("taken_by_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["taken_by_id"], ["staff.id"], name=op.f("fk_call_taken_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_call")),
    )
    op.create_index(op.f("ix_call_subject"), "call", ["subject"])
    op.create_index(op.f("ix_call_taken_at"), "call", ["taken_at"])
    op.create_table(
        "escalation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("since", core.db.Instant(), nullable=False),
        sa.Column("told_at", core.db.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_escalation")),
        sa.UniqueConstraint("subject", "kind", "since", name=op.f("uq_escalation_subject_kind_since")),
    )
    op.create_table(
        "digest",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("staff_id", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("made_at", core.db.Instant(), nullable=False),
        sa.Column("html", sa.Text(), nullable=False),
        sa.Column("picture_sha256", sa.String(), nullable=True),
        sa.Column("files", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_digest_staff_id")),
        sa.ForeignKeyConstraint(["picture_sha256"], ["blob.sha256"], name=op.f("fk_digest_picture_sha256")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_digest")),
        sa.UniqueConstraint("staff_id", "day", name=op.f("uq_digest_staff_id_day")),
    )


def downgrade() -> None:
    op.drop_table("digest")
    op.drop_table("escalation")
    op.drop_index(op.f("ix_call_taken_at"), "call")
    op.drop_index(op.f("ix_call_subject"), "call")
    op.drop_table("call")
