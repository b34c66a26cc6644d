"""Seals of issued documents: a digest of each of their rows in the journal, whose chain holds them in turn.

The database's triggers forbid any change. Whoever owns the database can take the triggers away: then the seals say
which row is no longer the one that was issued, is gone, or was added (S46). It is evidence of tampering, not a proof.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    DateTime,
    Executable,
    Text,
    bindparam,
    case,
    cast,
    func,
    literal,
    null,
    select,
    type_coerce,
    union_all,
)
from sqlalchemy.types import NullType

from core.db import Base
from core.journal import JournalEntry

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

#: The tables of an issued document, and the column that names the invoice in each.
SEALED = {
    "invoice": "id",
    "invoice_line": "invoice_id",
    "invoice_delivery": "invoice_id",
    "deposit_deduction": "invoice_id",
    "deposit_deduction_rate": "invoice_id",
}
#: The bytes of a paper follow later, once: `paper_stored` seals them.
LATER = frozenset({"pdf_sha256", "xml_sha256"})
LENGTH = 32
#: The journal's lines that seal a document.
ISSUED = ("invoice_issued", "deposit_invoice_issued", "credit_note_issued")


def of(session: Session, invoice_id: int, paper_id: int) -> dict[str, str]:
    """The digest of every row of an issued document, by `table:key`; columns without a value count for nothing."""
    session.flush()
    stored = _stored(session.get_bind().dialect.name)
    found: dict[str, str] = {}
    for name, *texts in session.connection().execute(stored, {"invoice": invoice_id, "paper": paper_id}):
        table = Base.metadata.tables[name]
        row = dict(zip(table.columns.keys(), texts, strict=False))
        key = "-".join(str(row[part.name]) for part in table.primary_key.columns)
        found[f"{name}:{key}"] = _digest({column: text for column, text in row.items() if column not in LATER})
    return found


@cache
def _stored(dialect: str) -> Executable:
    """All rows of a document in one question, as the database keeps them: what was forged need not be a value we know.

    A row is the name of its table and its columns as text; nothing, and no, are empty.
    """
    tables = {Base.metadata.tables[name]: (column, "invoice") for name, column in SEALED.items()}
    tables[Base.metadata.tables["paper"]] = ("id", "paper")
    width = max(len(table.columns) for table in tables)
    questions = [
        select(
            literal(table.name).label("name"),
            *(_text(column, dialect).label(f"c{n}") for n, column in enumerate(table.columns)),
            *(cast(null(), Text).label(f"c{n}") for n in range(len(table.columns), width)),
        ).where(table.c[column] == bindparam(value))
        for table, (column, value) in tables.items()
    ]
    return union_all(*questions)


def _text(column: Column[Any], dialect: str) -> ColumnElement[str | None]:
    stored = type_coerce(column, NullType())
    kind = getattr(column.type, "impl_instance", column.type)
    if isinstance(kind, Boolean):
        return case((column, "True"), else_=None)
    if isinstance(kind, DateTime) and dialect == "postgresql":  # in UTC, whatever the server's own zone
        return func.to_char(func.timezone("UTC", stored), 'YYYY-MM-DD"T"HH24:MI:SS.US')
    return cast(stored, Text)


def _digest(values: dict[str, str | None]) -> str:
    # a column that a later version adds is empty in old rows: it must not break their seals
    said = {name: value for name, value in values.items() if value and value != "0"}
    return hashlib.sha256(json.dumps(said, ensure_ascii=False, sort_keys=True).encode()).hexdigest()[:LENGTH]


def broken(session: Session) -> Iterator[str]:
    """The rows, as `table:key`, that are not as they were when their document was issued."""
    from core.invoices import Invoice
    from core.papers import Paper

    # read row by row: the session may hold what was there before
    sealed = select(JournalEntry.subject, JournalEntry.data).order_by(JournalEntry.seq)
    there = set(session.scalars(select(Invoice.id)))
    known: set[int] = set()
    for subject, data in session.execute(sealed.where(JournalEntry.action.in_(ISSUED))).all():
        invoice_id = int(subject.partition(":")[2])
        known.add(invoice_id)
        then: dict[str, str] = json.loads(data).get("seals", {})
        if not then:
            continue  # issued before seals were kept
        paper = next(int(key.partition(":")[2]) for key in then if key.startswith("paper:"))
        now = of(session, invoice_id, paper)
        yield from sorted(key for key in then.keys() | now.keys() if then.get(key) != now.get(key))
    yield from (f"invoice:{invoice_id}" for invoice_id in sorted(there - known))
    stored = session.execute(sealed.where(JournalEntry.action == "paper_stored")).all()
    hashes = {subject: json.loads(data) for subject, data in stored}
    kept = select(Paper.id, Paper.pdf_sha256, Paper.xml_sha256).order_by(Paper.id)
    for paper_id, pdf, xml in session.execute(kept).all():
        was = hashes.pop(f"paper:{paper_id}", None)
        # bytes that were made before seals were kept have no line of their own
        if was is not None and (pdf, xml) != (was["pdf"], was["xml"]):
            yield f"paper:{paper_id}"
    yield from sorted(hashes)
