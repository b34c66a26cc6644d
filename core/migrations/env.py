"""Alembic's entry: runs the migrations on the engine of `core.db`."""

from __future__ import annotations

from typing import Literal

from alembic import context
from sqlalchemy.types import TypeDecorator

import core.tables  # noqa: F401 - every table registers itself
from core.db import Base, engine


def plain_type(kind: str, item: object, _context: object) -> str | Literal[False]:
    """Write our own column types as what the database sees, so that migrations outlive the code."""
    if kind == "type" and isinstance(item, TypeDecorator):
        return f"sa.{item.impl!r}"
    return False


config = context.config
url = config.get_main_option("sqlalchemy.url") or ""
bound = engine(url)
with bound.connect() as connection:
    sqlite = connection.dialect.name == "sqlite"
    if sqlite:  # changing a table there means making it anew: rows that refer to it must not be in the way of that
        driver = connection.connection.driver_connection
        assert driver is not None  # noqa: S101 - the connection is open
        driver.execute("PRAGMA foreign_keys = OFF")
    context.configure(
        connection=connection, target_metadata=Base.metadata, render_as_batch=True, render_item=plain_type
    )
    with context.begin_transaction():
        context.run_migrations()
    if sqlite and (lost := connection.exec_driver_sql("PRAGMA foreign_key_check").first()):
        raise RuntimeError(f"a row of {lost[0]} refers to a row of {lost[2]} that is not there")
    connection.commit()
bound.dispose()
