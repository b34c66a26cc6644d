"""Backups: every row of every table as encrypted lines that either database can take back.

A restored desk does not know what left after the backup was made, so its sending stays frozen until a person releases
it (S39). The file is cut into numbered, authenticated pieces: one that is shortened or put together anew is refused.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import sqlite3
import tempfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, BinaryIO

from cryptography.fernet import Fernet, InvalidToken
from sqlalchemy import Column, Connection, Date, Engine, Enum, LargeBinary, Table, insert, select, text
from sqlalchemy.orm import Session

import core.tables  # noqa: F401 - every table registers itself
from core import db, journal
from core.clock import business_date, is_business_day
from core.db import Base, Cents, Instant, Scaled, transaction
from core.errors import Refused
from core.journal import Actor
from core.money import Money
from core.settings import SENDING_FROZEN, flag, lower_flag, raise_flag

MAGIC = b"comptoir backup 1\n"
SALT_BYTES = 16
PIECE = 1 << 20
SHORTEST_PASSPHRASE = 12
#: When the last one was made.
LAST_BACKUP = "last_backup"
#: Belongs to the process that runs, not to the data.
LEFT_OUT = {"lease"}


def write(engine: Engine, target: Path, passphrase: str, *, at: datetime) -> int:
    """Write the whole database into a new file, as it was at one instant; returns the number of rows."""
    if len(passphrase) < SHORTEST_PASSPHRASE:
        raise Refused("passphrase_too_short", least=SHORTEST_PASSPHRASE)
    if target.exists():
        raise Refused("file_exists", file=str(target))
    salt = os.urandom(SALT_BYTES)
    key = _key(passphrase, salt)
    counted = [0]
    partial = target.with_name(target.name + ".partial")
    partial.unlink(missing_ok=True)
    partial.touch(0o600, exist_ok=False)
    with partial.open("wb") as out:
        out.write(MAGIC + salt)
        with _snapshot(engine) as connection:
            _encrypt(_lines(connection, counted, at=at), key, out)
        out.flush()
        os.fsync(out.fileno())
    partial.replace(target)
    return counted[0]


def note_made(session: Session, *, at: datetime) -> None:
    """Remember that a backup was made, apart from making it: nobody who writes is waited for then."""
    raise_flag(session, LAST_BACKUP, at.isoformat(), at=at)


def last(session: Session) -> datetime | None:
    """When this database was last backed up; None for never."""
    known = flag(session, LAST_BACKUP)
    return datetime.fromisoformat(known) if known is not None else None


def is_fresh(made: datetime, *, at: datetime) -> bool:
    """It was made since the beginning of the last working day."""
    day = business_date(at) - timedelta(days=1)
    while not is_business_day(day):
        day -= timedelta(days=1)
    return business_date(made) >= day


def restore(engine: Engine, source: Path, passphrase: str, *, by: Actor, at: datetime) -> int:
    """Put a backup into an empty, migrated database and freeze sending; refuses a wrong passphrase or a used database.

    All of it or nothing: the journal's chain is checked before the transaction is committed.
    """
    rows = 0
    with source.open("rb") as file, transaction(engine) as session:
        if file.read(len(MAGIC)) != MAGIC:
            raise Refused("backup_unknown", file=str(source))
        lines = _decrypted(file, _key(passphrase, file.read(SALT_BYTES)))
        head = json.loads(next(lines))
        if head["revision"] != _revision(session.connection()):
            raise Refused("backup_of_other_version", revision=head["revision"])
        _refuse_used(session)
        tables = {table.name: table for table in _tables()}
        for line in lines:
            name, *values = json.loads(line)
            table = tables[name]
            columns = list(table.columns)
            row = {c.key: _value(c, v) for c, v in zip(columns, values, strict=True)}
            session.execute(insert(table).values({table.c[name]: value for name, value in row.items()}))
            rows += 1
        _set_sequences(session)
        session.expire_all()
        if (broken := journal.first_broken(session)) is not None:
            raise Refused("backup_broken", entry=broken)
        journal.write(session, "backup_restored", subject="database", by=by, at=at, rows=rows, made_at=head["at"])
        raise_flag(session, SENDING_FROZEN, f"restored a backup of {head['at']}", at=at)
    return rows


def release_sending(session: Session, *, by: Actor, at: datetime) -> None:
    """Let the outbox leave again after a restore; refuses when it is not frozen."""
    reason = flag(session, SENDING_FROZEN)
    if reason is None:
        raise Refused("sending_not_frozen")
    lower_flag(session, SENDING_FROZEN)
    journal.write(session, "sending_released", subject="database", by=by, at=at, reason=reason)


def _tables() -> list[Table]:
    return [table for table in Base.metadata.sorted_tables if table.name not in LEFT_OUT]


@contextmanager
def _snapshot(engine: Engine) -> Iterator[Connection]:
    """The database as it is at one instant, without holding up those who write."""
    if engine.dialect.name != "sqlite":
        with engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
            yield connection
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "copy.db"
        copy = sqlite3.connect(path)
        raw = engine.raw_connection()
        try:
            raw.driver_connection.backup(copy)  # type: ignore[union-attr]
        finally:
            raw.close()
            copy.close()
        copied = db.engine(f"sqlite:///{path}")
        try:
            with copied.connect() as connection:
                yield connection
        finally:
            copied.dispose()


def _revision(connection: Connection) -> str:
    return str(connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one())


def _lines(connection: Connection, counted: list[int], *, at: datetime) -> Iterator[str]:
    yield json.dumps({"at": at.isoformat(), "revision": _revision(connection)})
    for table in _tables():
        columns = list(table.columns)
        query = select(*columns).order_by(*table.primary_key.columns).execution_options(yield_per=200)
        for row in connection.execute(query):
            counted[0] += 1
            yield json.dumps([table.name, *(_plain(value) for value in row)], ensure_ascii=False)


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, Money | Decimal):
        return str(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    return value


def _value(column: Column[Any], value: Any) -> Any:  # noqa: PLR0911 - one line a type
    kind = column.type
    if value is None:
        return None
    if isinstance(kind, Cents):
        return Money.of(value)
    if isinstance(kind, Scaled):
        return Decimal(value)
    if isinstance(kind, Instant):
        return datetime.fromisoformat(value)
    if isinstance(kind, Date):
        return date.fromisoformat(value)
    if isinstance(kind, LargeBinary):
        return base64.b64decode(value)
    if isinstance(kind, Enum) and kind.enum_class is not None:
        return kind.enum_class(value)
    return value


def _refuse_used(session: Session) -> None:
    """Refuse a database that holds anything; the journal's first row, which a migration makes, is taken away."""
    head = Base.metadata.tables["journal_head"]
    for table in _tables():
        query = select(table).limit(1)
        if table is head:
            query = query.where(head.c.seq > 0)
        if session.execute(query).first() is not None:
            raise Refused("database_not_empty", table=table.name)
    session.execute(head.delete())


def _set_sequences(session: Session) -> None:
    """Let PostgreSQL count on from the highest id that was restored."""
    if session.get_bind().dialect.name != "postgresql":
        return
    for table in _tables():
        for column in table.primary_key.columns:
            name = f'"{table.name}"'
            query = text("SELECT pg_get_serial_sequence(:table, :column)")
            if (sequence := session.scalar(query, {"table": name, "column": column.name})) is None:
                continue
            last = session.scalar(select(column).order_by(column.desc()).limit(1))
            if last is not None:
                session.execute(text("SELECT setval(:sequence, :last)"), {"sequence": sequence, "last": last})


def _key(passphrase: str, salt: bytes) -> Fernet:
    made = hashlib.scrypt(passphrase.encode(), salt=salt, n=1 << 15, r=8, p=1, maxmem=1 << 26, dklen=32)
    return Fernet(base64.urlsafe_b64encode(made))


def _encrypt(lines: Iterable[str], key: Fernet, out: BinaryIO) -> None:
    """Compress the lines and write them as numbered pieces, the last one marked."""
    squeeze, held, number = zlib.compressobj(), bytearray(), 0

    def put(piece: bytes, *, last: bool) -> None:
        out.write(key.encrypt(number.to_bytes(8) + bytes([last]) + piece) + b"\n")

    for line in lines:
        held += squeeze.compress(line.encode() + b"\n")
        while len(held) > PIECE:
            put(bytes(held[:PIECE]), last=False)
            del held[:PIECE]
            number += 1
    put(bytes(held + squeeze.flush()), last=True)


def _decrypted(file: BinaryIO, key: Fernet) -> Iterator[str]:
    """The lines; refuses a wrong passphrase, a missing piece and one that is not in its place."""
    swell, held, number, complete = zlib.decompressobj(), b"", 0, False
    for token in file:
        try:
            piece = key.decrypt(token.strip())
        except InvalidToken as error:
            raise Refused("passphrase_wrong" if number == 0 else "backup_damaged") from error
        if complete or int.from_bytes(piece[:8]) != number:
            raise Refused("backup_damaged")
        complete, number = bool(piece[8]), number + 1
        *whole, held = (held + swell.decompress(piece[9:])).split(b"\n")
        yield from (line.decode() for line in whole)
    if not complete:
        raise Refused("backup_damaged")
