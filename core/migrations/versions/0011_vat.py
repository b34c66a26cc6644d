"""VAT: the regime of customers, exempt and zero-rated articles, goods and services, the category of invoiced lines

Revision ID: 0011
Revises: 0010
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

CATEGORY = sa.Enum("S", "Z", "E", "AE", "K", "G", "O", name="vatcategory", native_enum=False, length=40)
REGIME = sa.Enum(
    "domestic", "intra_community", "export", "reverse_charge", "exempt", "outside_scope", name="regime",
    native_enum=False, length=40,
)  # fmt: skip
NATURE = sa.Enum("goods", "service", name="nature", native_enum=False, length=40)
COLUMNS = {
    "customer": [("vat_regime", REGIME, "domestic"), ("vat_code", sa.String(), "")],
    "article": [("vat_category", CATEGORY, "S"), ("vat_code", sa.String(), ""), ("nature", NATURE, "goods")],
    # what was invoiced before bore French VAT: an article at a rate of zero was refused
    "invoice_line": [("vat_category", CATEGORY, "S"), ("vat_code", sa.String(), "")],
}


def upgrade() -> None:
    for table, columns in COLUMNS.items():
        for name, kind, usual in columns:
            op.add_column(table, sa.Column(name, kind, nullable=False, server_default=usual))
    # what a customer's own purchase order says of VAT, beside its total without
    op.add_column("order", sa.Column("customer_vat", sa.BigInteger(), nullable=True))
    op.add_column("order", sa.Column("customer_gross", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    op.execute("DELETE FROM flag WHERE name = 'vat_franchise'")
    op.drop_column("order", "customer_gross")
    op.drop_column("order", "customer_vat")
    for table, columns in COLUMNS.items():
        for name, _, _ in columns:  # in place: a table that is made anew would lose its triggers
            op.drop_column(table, name)
