"""The migrations make exactly the tables that the code declares, on both databases, and lose no row on their way."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, inspect, text
from sqlalchemy.exc import DBAPIError

import core.tables  # noqa: F401 - every table registers itself
from core.db import Base, migrate, migration_config
from core.db import engine as opened


def test_a_migrated_database_is_what_the_models_say(engine: Engine) -> None:
    with engine.connect() as connection:
        found = compare_metadata(MigrationContext.configure(connection), Base.metadata)
    assert found == []


def test_contract_prices_become_prices_of_a_contract(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'old.db'}"
    before = ScriptDirectory.from_config(migration_config(url)).get_revision("0006").down_revision
    migrate(url, str(before))
    old = opened(url)
    with old.begin() as connection:
        connection.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
        connection.execute(
            text(
                "INSERT INTO article (id, sku, name, unit, price, vat_percent, gtin, supplier_reference, category,"
                " location, active) VALUES (1, 'A', 'A', 'u', 1, 200000, '', '', '', '', true)"
            )
        )
        connection.execute(
            text(
                "INSERT INTO customer (id, code, name, siren, siret, vat_number, street, postcode, city, country,"
                ' language, "group", payment_terms, recap_policy, on_hold, active)'
                " VALUES (1, 'C', 'C', '', '', '', '', '', '', 'FR', 'fr', '', '', 'noted', false, true)"
            )
        )
        connection.execute(
            text(
                "INSERT INTO contract_price (customer_id, article_id, price, valid_from)"
                " VALUES (1, 1, 90000000, '2026-01-01')"
            )
        )
    old.dispose()
    migrate(url)
    new = opened(url)
    with new.begin() as connection:
        found = connection.execute(text("SELECT customer_id, article_id, contract, price, valid_from FROM price")).all()
    new.dispose()
    assert found == [(1, 1, 1, 90_000_000, "2026-01-01")]


def put(connection: Connection, table: str, **values: object) -> None:
    """A row with these values, and something of the right kind wherever the old table wants a value."""
    kinds = {"INTEGER": 1, "BIGINT": 100, "BOOLEAN": 0, "DATE": "2026-01-01", "DATETIME": "2026-01-01 00:00:00.000000"}
    for column in inspect(connection).get_columns(table):
        if not column["nullable"] and column["default"] is None and column["name"] not in values:
            kind = str(column["type"]).split("(", maxsplit=1)[0]
            values[column["name"]] = kinds.get(kind, "x")
    names = ", ".join(f'"{name}"' for name in values)
    marks = ", ".join(f":{name}" for name in values)
    connection.execute(text(f'INSERT INTO "{table}" ({names}) VALUES ({marks})'), values)  # noqa: S608


def test_an_invoice_keeps_its_delivery_and_its_lines_and_stays_frozen(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'old.db'}"
    before = ScriptDirectory.from_config(migration_config(url)).get_revision("0014").down_revision
    migrate(url, str(before))
    old = opened(url)
    with old.begin() as connection:
        put(connection, "customer", id=1)
        put(connection, "order", id=1, customer_id=1, state="closed", channel="chat")
        put(connection, "delivery", id=7, order_id=1, state="verified")
        put(connection, "paper", id=1, customer_id=1, kind="invoice")
        put(connection, "invoice", id=3, customer_id=1, order_id=1, delivery_id=7, paper_id=1, kind="invoice")
        put(connection, "invoice_line", id=5, invoice_id=3)
        put(connection, "dispute", id=1, customer_id=1, invoice_id=3, state="open")
    old.dispose()
    migrate(url)
    new = opened(url)
    with new.begin() as connection:
        assert connection.execute(text("SELECT * FROM invoice_delivery")).all() == [(3, 7, None)]
        assert connection.execute(text("SELECT id, invoice_id FROM invoice_line")).all() == [(5, 3)]
    for table in ("invoice", "invoice_line", "invoice_delivery"):
        with pytest.raises(DBAPIError, match="rows never change"), new.begin() as connection:
            connection.execute(text(f"DELETE FROM {table}"))  # noqa: S608
    new.dispose()
    command.downgrade(migration_config(url), str(before))
    again = opened(url)
    with again.begin() as connection:
        assert connection.execute(text("SELECT id, delivery_id FROM invoice")).all() == [(3, 7)]
    again.dispose()
