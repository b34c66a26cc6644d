"""Group chats, several customers of one person, and the menu each chat was given

Revision ID: 0024
Revises: 0023
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

ROLES = ("sales", "accounting", "warehouse", "legal", "manager", "admin")


def upgrade() -> None:
    op.add_column("chat_link", sa.Column("chosen_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("chat_link", sa.Column("menu", sa.String(), nullable=False, server_default=""))
    op.add_column("link_code", sa.Column("role", _role(), nullable=True))
    op.add_column("link_code", sa.Column("for_group", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_table(
        "chat_customer",
        sa.Column("chat_id", sa.BigInteger(), nullable=False),
        sa.Column("customer_id", sa.Integer(), nullable=False),
        sa.Column("contact_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["chat_id"], ["chat_link.chat_id"], name=op.f("fk_chat_customer_chat_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_chat_customer_customer_id")),
        sa.ForeignKeyConstraint(["contact_id"], ["contact.id"], name=op.f("fk_chat_customer_contact_id")),
        sa.PrimaryKeyConstraint("chat_id", "customer_id", name=op.f("pk_chat_customer")),
    )
    op.create_table(
        "chat_group",
        sa.Column("chat_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("role", _role(), nullable=True),
        sa.Column("customer_id", sa.Integer(), nullable=True),
        sa.Column("shows_money", sa.Boolean(), nullable=False),
        sa.Column("takes_pushes", sa.Boolean(), nullable=False),
        sa.Column("bound_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("left_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("menu", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_chat_group_customer_id")),
        sa.PrimaryKeyConstraint("chat_id", name=op.f("pk_chat_group")),
    )
    op.create_index(op.f("ix_chat_group_customer_id"), "chat_group", ["customer_id"])


def downgrade() -> None:
    op.drop_index(op.f("ix_chat_group_customer_id"), "chat_group")
    op.drop_table("chat_group")
    op.drop_table("chat_customer")
    with op.batch_alter_table("link_code", schema=None) as batch_op:
        batch_op.drop_column("for_group")
        batch_op.drop_column("role")
    with op.batch_alter_table("chat_link", schema=None) as batch_op:
        batch_op.drop_column("menu")
        batch_op.drop_column("chosen_at")


def _role() -> sa.Enum:
    return sa.Enum(*ROLES, name="role", native_enum=False, length=40)
