"""The database's own guard over issued documents and the journal, on both databases, against the owner too."""

from __future__ import annotations

from collections.abc import Iterator

#: table -> columns that may still change, and when: the bytes of a paper are set once, private text is erased once.
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


def statements(
    dialect: str, columns: dict[str, list[str]], frozen: dict[str, dict[str, str]] = FROZEN
) -> Iterator[str]:
    """The DDL that forbids UPDATE and DELETE on the frozen tables; `columns` lists each table's columns."""
    differs = "IS DISTINCT FROM" if dialect == "postgresql" else "IS NOT"
    for table, exceptions in frozen.items():
        changed = []
        for column in columns[table]:
            change = f"NEW.{column} {differs} OLD.{column}"
            changed.append(f"({change} AND NOT ({exceptions[column]}))" if column in exceptions else f"({change})")
        condition = " OR ".join(changed)
        if dialect == "postgresql":
            yield (
                f"CREATE FUNCTION {table}_frozen() RETURNS trigger LANGUAGE plpgsql AS "
                f"$$ BEGIN RAISE EXCEPTION '{table} rows never change'; END $$"
            )
            yield (
                f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} FOR EACH ROW "
                f"WHEN ({condition}) EXECUTE FUNCTION {table}_frozen()"
            )
            yield (
                f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} FOR EACH ROW "
                f"EXECUTE FUNCTION {table}_frozen()"
            )
            yield (
                f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} FOR EACH STATEMENT "
                f"EXECUTE FUNCTION {table}_frozen()"
            )
        else:
            raising = f"BEGIN SELECT RAISE(ABORT, '{table} rows never change'); END"
            yield f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} WHEN {condition} {raising}"
            yield f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} {raising}"
