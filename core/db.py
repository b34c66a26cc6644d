"""The database: one engine, one way to open a transaction, exact column types, migrations.

SQLite (WAL, foreign keys, BEGIN IMMEDIATE) and PostgreSQL behave alike here: amounts, quantities and prices are scaled
integers, so that both databases sum them exactly, and instants are aware UTC in both.
"""

from __future__ import annotations

import importlib.resources
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from weakref import WeakKeyDictionary

from alembic import command
from alembic.config import Config
from sqlalchemy import BigInteger, DateTime, Dialect, Engine, Enum, MetaData, create_engine, event
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.types import TypeDecorator

from core.money import Money


class Scaled(TypeDecorator[Decimal]):
    """A Decimal kept as an integer of 10^-places units; refuses finer values instead of rounding them."""

    impl = BigInteger
    cache_ok = True

    def __init__(self, places: int) -> None:
        super().__init__()
        self.places = places

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> int | None:  # noqa: ARG002
        """Towards the database."""
        if value is None:
            return None
        scaled = value.scaleb(self.places)
        if scaled != scaled.to_integral_value():
            raise ValueError(f"{value} has more than {self.places} decimals")
        return int(scaled)

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:  # noqa: ARG002
        """From the database."""
        if value is None:
            return None
        number = Decimal(int(value)).scaleb(-self.places).normalize()
        return number.quantize(Decimal(1)) if number == number.to_integral_value() else number


class Cents(TypeDecorator[Money]):
    """A `Money` kept as integer cents."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: Money | None, dialect: Dialect) -> int | None:  # noqa: ARG002
        """Towards the database."""
        return None if value is None else value.cents

    def process_result_value(self, value: Any, dialect: Dialect) -> Money | None:  # noqa: ARG002
        """From the database."""
        return None if value is None else Money.from_cents(int(value))


class Instant(TypeDecorator[datetime]):
    """An aware instant; stored as UTC, returned as aware UTC; refuses naive values."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Towards the database."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("an instant must be aware")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """From the database."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


QUANTITY = Scaled(4)
PRICE = Scaled(6)
PERCENT = Scaled(4)


def choice(kind: type[Any]) -> Enum:
    """A column type for a `StrEnum`, stored by value as text."""
    return Enum(kind, native_enum=False, length=40, values_callable=lambda members: [m.value for m in members])


#: How long SQLite waits for whoever writes now.
BUSY_SECONDS = 30
_turns: WeakKeyDictionary[Engine, threading.RLock] = WeakKeyDictionary()


class Base(DeclarativeBase):
    """Root of every table; constraint names are fixed so that migrations can name them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {Money: Cents, datetime: Instant, Decimal: QUANTITY}  # noqa: RUF012 - SQLAlchemy's own name


def normalised(url: str) -> str:
    """`url` with the driver we ship when it names none (postgresql:// means psycopg 3)."""
    for scheme in ("postgresql://", "postgres://"):
        if url.startswith(scheme):
            return "postgresql+psycopg://" + url.removeprefix(scheme)
    return url


def engine(url: str) -> Engine:
    """An engine on `url` with the pragmas and the transaction mode that the rest relies on."""
    url = normalised(url)
    if not url.startswith("sqlite"):
        # what is asked twice is asked often: the server plans it once for each connection
        prepared = {"prepare_threshold": 1}
        built = create_engine(url, pool_pre_ping=True, pool_size=10, max_overflow=10, connect_args=prepared)

        @event.listens_for(built, "connect")
        def _small_statements(connection: Any, _record: object) -> None:
            # ours take milliseconds: compiling a plan, starting helpers or reading a whole table costs more
            with connection.cursor() as cursor:
                for setting in ("jit = off", "max_parallel_workers_per_gather = 0", "random_page_cost = 1.1"):
                    cursor.execute(f"SET {setting}")
            connection.commit()

        return built
    built = create_engine(url, connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False})

    @event.listens_for(built, "connect")
    def _pragmas(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # the driver must not open transactions behind our back
        # SQLite's own lower() leaves accents alone; PostgreSQL's does not
        connection.create_function("lower", 1, lambda text: None if text is None else str(text).lower())
        cursor = connection.cursor()
        for pragma in (
            "journal_mode=WAL",
            "foreign_keys=ON",
            f"busy_timeout={BUSY_SECONDS * 1000}",
            "synchronous=FULL",
            "recursive_triggers=ON",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(built, "begin")
    def _immediate(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return built


@contextmanager
def transaction(engine: Engine) -> Iterator[Session]:
    """A session whose work is committed at the end of the block, or wholly undone by an exception."""
    with _turn(engine), Session(engine, expire_on_commit=False) as session, session.begin():
        yield session


@contextmanager
def _turn(engine: Engine) -> Iterator[None]:
    """Let the threads of a process write to SQLite one after the other: its own way of waiting is to sleep.

    Nobody waits longer than the database itself would; a thread does not wait for itself.
    """
    if engine.dialect.name != "sqlite":
        yield
        return
    lock = _turns.setdefault(engine, threading.RLock())
    mine = lock.acquire(timeout=BUSY_SECONDS)
    try:
        yield
    finally:
        if mine:
            lock.release()


def migration_config(url: str) -> Config:
    """Alembic's configuration for the migrations that ship inside the package."""
    config = Config()
    config.set_main_option("script_location", str(importlib.resources.files("core") / "migrations"))
    config.set_main_option("sqlalchemy.url", normalised(url).replace("%", "%%"))
    return config


def migrate(url: str, revision: str = "head") -> None:
    """Bring the database at `url` to `revision`; doing it twice changes nothing."""
    command.upgrade(migration_config(url), revision)
