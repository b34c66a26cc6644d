"""The migrations make exactly the tables that the code declares, on both databases, and lose no row on their way."""

from __future__ import annotations

from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, text

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
