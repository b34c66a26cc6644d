"""Carriers, batches, substitutes, signed receipts, reserves with photos and answers, presumed receipts, returns

Revision ID: 0013
Revises: 0012
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

DECISIONS = sa.Enum("credit", "replace", "refuse", name="reservedecision", native_enum=False, length=40)
FILES = sa.Enum("photo", "signed_note", "withdrawn", name="filekind", native_enum=False, length=40)
RETURNS = sa.Enum("requested", "agreed", "received", "refused", name="returnstate", native_enum=False, length=40)
ROLES = sa.Enum(
    "sales", "accounting", "warehouse", "legal", "manager", "admin", name="role", native_enum=False, length=40
)
TEXTS = {"carrier": sa.String(), "tracking": sa.String(), "signed_name": sa.String(), "signed_via": sa.String(),
         "signed_text": sa.Text(), "refusal": sa.Text()}  # fmt: skip
INSTANTS = ("stated_at", "correctable_until", "asked_again_at", "presumed_at")
#: Of each table, the new columns that point elsewhere: column -> (table, indexed).
POINTING = {
    "delivery_line": {"article_id": ("article", False), "proposed_id": ("article", False)},
    "reserve": {"decided_by_id": ("staff", False)},
    "dispute": {"reserve_id": ("reserve", True)},
}


def upgrade() -> None:
    op.add_column("customer", sa.Column("receipt_days", sa.Integer(), nullable=False, server_default="3"))
    for name, kind in TEXTS.items():
        op.add_column("delivery", sa.Column(name, kind, nullable=False, server_default=""))
    for name in INSTANTS:
        op.add_column("delivery", sa.Column(name, sa.DateTime(timezone=True), nullable=True))
    op.add_column("delivery_line", sa.Column("unit_price", sa.BigInteger(), nullable=True))
    op.add_column("delivery_line", sa.Column("close_rest", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("reserve", sa.Column("decision", DECISIONS, nullable=True))
    op.add_column("reserve", sa.Column("answer", sa.Text(), nullable=False, server_default=""))
    op.add_column("reserve", sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("dispute", sa.Column("owner", ROLES, nullable=False, server_default="accounting"))
    op.add_column("dispute", sa.Column("answer_by", sa.Date(), nullable=True))
    for table, columns in POINTING.items():
        with op.batch_alter_table(table, schema=None) as batch_op:
            for column, (other, indexed) in columns.items():
                batch_op.add_column(sa.Column(column, sa.Integer(), nullable=True))
                batch_op.create_foreign_key(batch_op.f(f"fk_{table}_{column}"), other, [column], ["id"])
                if indexed:
                    batch_op.create_index(batch_op.f(f"ix_{table}_{column}"), [column])
    op.create_table(
        "delivery_batch",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("delivery_line_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["delivery_line_id"], ["delivery_line.id"], name=op.f("fk_delivery_batch_delivery_line_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery_batch")),
    )
    op.create_index(op.f("ix_delivery_batch_delivery_line_id"), "delivery_batch", ["delivery_line_id"])
    op.create_index(op.f("ix_delivery_batch_number"), "delivery_batch", ["number"])
    op.create_table(
        "delivery_file",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("delivery_id", sa.Integer(), nullable=False),
        sa.Column("reserve_id", sa.Integer(), nullable=True),
        sa.Column("kind", FILES, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("added_by", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["delivery_id"], ["delivery.id"], name=op.f("fk_delivery_file_delivery_id")),
        sa.ForeignKeyConstraint(["reserve_id"], ["reserve.id"], name=op.f("fk_delivery_file_reserve_id")),
        sa.ForeignKeyConstraint(["sha256"], ["blob.sha256"], name=op.f("fk_delivery_file_sha256")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery_file")),
    )
    for column in ("delivery_id", "reserve_id", "sha256"):
        op.create_index(op.f(f"ix_delivery_file_{column}"), "delivery_file", [column])
    op.create_table(
        "goods_return",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("reference", sa.String(), nullable=False),
        sa.Column("delivery_id", sa.Integer(), nullable=False),
        sa.Column("state", RETURNS, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("requested_by", sa.String(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("credit_note_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["credit_note_id"], ["invoice.id"], name=op.f("fk_goods_return_credit_note_id")),
        sa.ForeignKeyConstraint(["delivery_id"], ["delivery.id"], name=op.f("fk_goods_return_delivery_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_goods_return")),
        sa.UniqueConstraint("reference", name=op.f("uq_goods_return_reference")),
    )
    for column in ("delivery_id", "state", "credit_note_id"):
        op.create_index(op.f(f"ix_goods_return_{column}"), "goods_return", [column])
    op.create_table(
        "goods_return_line",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("return_id", sa.Integer(), nullable=False),
        sa.Column("delivery_line_id", sa.Integer(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("good", sa.BigInteger(), nullable=False),
        sa.Column("scrapped", sa.BigInteger(), nullable=False),
        sa.Column("quarantined", sa.BigInteger(), nullable=False),
        sa.Column("credited", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["delivery_line_id"], ["delivery_line.id"], name=op.f("fk_goods_return_line_delivery_line_id")
        ),
        sa.ForeignKeyConstraint(["return_id"], ["goods_return.id"], name=op.f("fk_goods_return_line_return_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_goods_return_line")),
    )
    for column in ("return_id", "delivery_line_id"):
        op.create_index(op.f(f"ix_goods_return_line_{column}"), "goods_return_line", [column])


def downgrade() -> None:
    for table in ("goods_return_line", "goods_return", "delivery_file", "delivery_batch"):
        op.drop_table(table)
    for table, columns in POINTING.items():
        with op.batch_alter_table(table, schema=None) as batch_op:
            for column, (_other, indexed) in columns.items():
                if indexed:
                    batch_op.drop_index(batch_op.f(f"ix_{table}_{column}"))
                batch_op.drop_constraint(batch_op.f(f"fk_{table}_{column}"), type_="foreignkey")
                batch_op.drop_column(column)
    for table, names in (
        ("dispute", ("answer_by", "owner")),
        ("reserve", ("decided_at", "answer", "decision")),
        ("delivery_line", ("close_rest", "unit_price")),
        ("delivery", (*INSTANTS, *TEXTS)),
        ("customer", ("receipt_days",)),
    ):
        with op.batch_alter_table(table, schema=None) as batch_op:
            for name in names:
                batch_op.drop_column(name)
