"""The database's own guard over issued documents and the journal, on both databases, against the owner too."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa
from alembic import op

#: table -> columns that may still change, and when: the bytes of a paper are set once, private text is erased once.
#: These are the tables that the first migration makes; a later one calls `guard` for its own.
FROZEN: dict[str, dict[str, str]] = {
    "invoice": {},
    "invoice_line": {},
    "deposit_deduction": {},
    "payment": {},
    "paper": {"pdf_sha256": "OLD.pdf_sha256 IS NULL", "xml_sha256": "OLD.pdf_sha256 IS NULL"},
    "journal": {"private": "NEW.private IS NULL", "salt": "NEW.salt IS NULL"},
}
#: What settles documents is added to, never changed: the tables that came with revision 0015.
SETTLED: dict[str, dict[str, str]] = {
    "allocation": {},
    "credit_use": {},
    "early_discount": {},
    "early_discount_part": {},
    "payment_reversal": {},
}
#: What the triggers of a table are called after its name.
NAMES = ("no_update", "no_delete", "no_truncate")


def statements(
    dialect: str, columns: dict[str, list[str]], frozen: dict[str, dict[str, str]] = FROZEN
) -> Iterator[str]:
    """The DDL that forbids UPDATE and DELETE on the frozen tables; `columns` lists each table's columns."""
    for table, exceptions in frozen.items():
        yield from _statements(dialect, table, columns[table], exceptions)


def guard(table: str) -> None:
    """In a migration: forbid UPDATE and DELETE on every column that the table has now, but what FROZEN lets change."""
    connection = op.get_bind()
    columns = [column["name"] for column in sa.inspect(connection).get_columns(table)]
    for statement in _statements(connection.dialect.name, table, columns, FROZEN.get(table, {})):
        op.execute(statement)


def unguard(table: str) -> None:
    """In a migration: take the triggers of a table away, to change its columns; `guard` puts them back."""
    for name in NAMES:
        on = f" ON {table}" if op.get_bind().dialect.name == "postgresql" else ""
        op.execute(f"DROP TRIGGER IF EXISTS {table}_{name}{on}")


def _statements(dialect: str, table: str, columns: list[str], exceptions: dict[str, str]) -> Iterator[str]:
    differs = "IS DISTINCT FROM" if dialect == "postgresql" else "IS NOT"
    changed = []
    for column in columns:
        change = f"NEW.{column} {differs} OLD.{column}"
        changed.append(f"({change} AND NOT ({exceptions[column]}))" if column in exceptions else f"({change})")
    condition = " OR ".join(changed)
    if dialect == "postgresql":
        yield (
            f"CREATE OR REPLACE FUNCTION {table}_frozen() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION '{table} rows never change'; END $$"
        )
        yield (
            f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} FOR EACH ROW "
            f"WHEN ({condition}) EXECUTE FUNCTION {table}_frozen()"
        )
        yield (
            f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION {table}_frozen()"
        )
        yield (
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} FOR EACH STATEMENT "
            f"EXECUTE FUNCTION {table}_frozen()"
        )
    else:
        raising = f"BEGIN SELECT RAISE(ABORT, '{table} rows never change'); END"
        yield f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} WHEN {condition} {raising}"
        yield f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} {raising}"
