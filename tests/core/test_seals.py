"""S46: whoever changes one stored field of an issued document is found, and the row is named; S44: it is locked."""

from __future__ import annotations

import pytest
from sqlalchemy import Column, Connection, Date, DateTime, Engine, Integer, String, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from core import invoicing, papers, seals
from core.db import Base
from core.parties import Role
from tests.core.builders import Trade
from tests.core.test_numbers import frozen

TABLES = [*seals.SEALED, "paper"]


def documents(trade: Trade) -> None:
    """An invoice with a deposit, cancelled within the house and issued again; the bytes of its paper."""
    invoice = frozen(trade)
    terms = {"house": trade.house, "by": trade.by(Role.ACCOUNTING), "at": trade.at}
    invoicing.replace_refused(trade.session, invoice, reason="TVA", **terms)
    papers.store(trade.session, invoice.paper, pdf=b"%PDF", xml=b"<xml/>")
    trade.session.commit()


def forged(column: Column[object], dialect: str) -> str:
    """Another value of that column, in SQL."""
    name, postgres = column.name, dialect == "postgresql"
    kind = getattr(column.type, "impl_instance", column.type)
    if isinstance(kind, DateTime):
        return f"{name} + interval '1 day'" if postgres else f"datetime({name}, '+1 day')"
    if isinstance(kind, Date):
        return f"{name} + 1" if postgres else f"date({name}, '+1 day')"
    if name == "internal":
        return "NOT internal"
    if isinstance(kind, String):
        return f"coalesce({name}, '') || 'x'"
    assert isinstance(kind, Integer), kind
    return f"coalesce({name}, 0) + 100000"


def unlock(connection: Connection) -> None:
    """What an owner of the database can do: no trigger and no foreign key is in his way."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET session_replication_role = replica"))
        return
    connection.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
    for table in TABLES:
        for name in ("no_update", "no_delete"):
            connection.exec_driver_sql(f"DROP TRIGGER {table}_{name}")


def test_s46_any_changed_field_of_an_issued_document_names_its_row(engine: Engine, trade: Trade) -> None:
    documents(trade)
    for table in TABLES:
        changed_rows_are_named(engine, table)
    with Session(engine) as session:
        assert list(seals.broken(session)) == []


def changed_rows_are_named(engine: Engine, table: str) -> None:
    found = Base.metadata.tables[table]
    keys = [column.name for column in found.primary_key.columns]
    with engine.connect() as connection:
        sealed = "id = (SELECT max(paper_id) FROM invoice)" if table == "paper" else "1 = 1"
        row = connection.execute(
            text(f"SELECT {', '.join(keys)} FROM {table} WHERE {sealed} ORDER BY 1 DESC LIMIT 1")  # noqa: S608
        ).one()
        connection.rollback()
        where = " AND ".join(f"{key} = {value}" for key, value in zip(keys, row, strict=True))
        name = f"{table}:{'-'.join(map(str, row))}"
        for column in found.columns:
            if column.name in seals.LATER:
                continue
            unlock(connection)
            changed = connection.execute(
                text(f"UPDATE {table} SET {column.name} = {forged(column, engine.dialect.name)} WHERE {where}")  # noqa: S608
            )
            assert changed.rowcount == 1
            with Session(connection) as session:
                assert name in list(seals.broken(session)), column.name
            connection.rollback()
        unlock(connection)
        connection.execute(text(f"DELETE FROM {table} WHERE {where}"))  # noqa: S608
        with Session(connection) as session:
            assert name in list(seals.broken(session))
        connection.rollback()


def test_s46_other_bytes_of_a_paper_are_found(engine: Engine, trade: Trade) -> None:
    documents(trade)
    with engine.connect() as connection:
        for column in seals.LATER:
            unlock(connection)
            connection.execute(text(f"UPDATE paper SET {column} = payload_hash WHERE pdf_sha256 IS NOT NULL"))  # noqa: S608
            with Session(connection) as session:
                (named,) = seals.broken(session)
                assert named.startswith("paper:")
            connection.rollback()


def test_s44_no_column_of_an_issued_row_may_change(engine: Engine, trade: Trade) -> None:
    documents(trade)
    for table in TABLES:
        columns = [column for column in Base.metadata.tables[table].columns if column.name not in seals.LATER]
        sets = [f"UPDATE {table} SET {column.name} = {forged(column, engine.dialect.name)}" for column in columns]  # noqa: S608
        for statement in [*sets, f"DELETE FROM {table}"]:  # noqa: S608
            with pytest.raises(DBAPIError, match="rows never change"), engine.begin() as connection:
                connection.execute(text(statement))
