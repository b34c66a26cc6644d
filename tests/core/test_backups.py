"""Backups: encrypted, portable between the databases, and a restored desk sends nothing until a person says so."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from core import backups, db, invoices, journal, messages, papers, settings
from core.db import Base, transaction
from core.documents import DocumentKind
from core.errors import Refused
from core.identifiers import next_number
from core.journal import SYSTEM
from core.papers import Paper
from core.parties import Customer
from tests.core.builders import Trade

AT = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
WORDS = "correct horse battery"


@pytest.fixture(params=["sqlite", "postgresql"])
def other(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """A second empty, migrated database."""
    import os
    import shutil

    from psycopg import sql

    from tests import conftest as shared_conftest

    if request.param == "sqlite":
        path = tmp_path / "other.db"
        shutil.copyfile(request.getfixturevalue("sqlite_template"), path)
        built = db.engine(f"sqlite:///{path}")
        yield built
        built.dispose()
        return
    folder = Path(request.getfixturevalue("postgres_server"))
    name = f"o{os.getpid()}_{id(request)}"
    with shared_conftest.maintenance(folder) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template_comptoir").format(sql.Identifier(name)))
    built = db.engine(shared_conftest.postgres_url(folder, name))
    yield built
    built.dispose()
    with shared_conftest.maintenance(folder) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def fill(trade: Trade) -> None:
    trade.invoiced((trade.article, "2"))
    paper = trade.session.scalars(select(Paper).order_by(Paper.id)).first()
    assert paper is not None
    papers.store(trade.session, paper, pdf=bytes(range(256)) * 9000, xml=None)
    trade.session.commit()


def contents(engine: Engine, *, without: tuple[str, ...] = ()) -> dict[str, list[tuple[object, ...]]]:
    with engine.connect() as connection:
        return {
            table.name: [tuple(row) for row in connection.execute(select(table).order_by(*table.primary_key.columns))]
            for table in Base.metadata.sorted_tables
            if table.name not in without
        }


def test_s39_a_backup_of_either_database_is_taken_back_by_either_and_sending_is_frozen(
    trade: Trade, engine: Engine, other: Engine, tmp_path: Path
) -> None:
    fill(trade)
    before = contents(engine, without=("flag", "journal", "journal_head"))
    written = backups.write(engine, tmp_path / "b", WORDS, at=AT)
    restored = backups.restore(other, tmp_path / "b", WORDS, by=SYSTEM, at=AT + timedelta(hours=1))
    assert restored == written
    assert contents(other, without=("flag", "journal", "journal_head")) == before
    with transaction(other) as session:
        assert settings.flag(session, settings.SENDING_FROZEN)
        assert journal.first_broken(session) is None
        paper = session.scalars(select(Paper).order_by(Paper.id)).first()
        assert paper is not None
        assert paper.pdf_sha256 is not None
        assert messages.content_of(session, paper.pdf_sha256) == bytes(range(256)) * 9000
        assert next_number(session, invoices.SERIES[DocumentKind.INVOICE], on=trade.at.date()).endswith("0002")
        session.add(Customer(code="NEW", name="its id is counted on"))
        session.flush()
        backups.release_sending(session, by=SYSTEM, at=AT)
        assert settings.flag(session, settings.SENDING_FROZEN) is None
        with pytest.raises(Refused, match="sending_not_frozen"):
            backups.release_sending(session, by=SYSTEM, at=AT)
        assert journal.first_broken(session) is None


def test_s39_a_restored_invoice_is_as_immutable_as_before(
    trade: Trade, engine: Engine, other: Engine, tmp_path: Path
) -> None:
    fill(trade)
    backups.write(engine, tmp_path / "b", WORDS, at=AT)
    backups.restore(other, tmp_path / "b", WORDS, by=SYSTEM, at=AT)
    with pytest.raises(Exception, match="rows never change"), transaction(other) as session:
        session.execute(invoices.Invoice.__table__.delete())  # type: ignore[attr-defined]


def test_a_backup_shows_nothing_to_who_has_not_the_passphrase(trade: Trade, engine: Engine, tmp_path: Path) -> None:
    fill(trade)
    target = tmp_path / "b"
    backups.write(engine, target, WORDS, at=AT)
    assert b"Bellevue" not in target.read_bytes()
    assert target.stat().st_mode & 0o777 == 0o600


def test_a_wrong_passphrase_is_a_refusal(trade: Trade, engine: Engine, other: Engine, tmp_path: Path) -> None:
    fill(trade)
    backups.write(engine, tmp_path / "b", WORDS, at=AT)
    with pytest.raises(Refused, match="passphrase_wrong"):
        backups.restore(other, tmp_path / "b", WORDS + "!", by=SYSTEM, at=AT)
    with pytest.raises(Refused, match="passphrase_too_short"):
        backups.write(engine, tmp_path / "c", "short", at=AT)


def test_a_database_that_holds_anything_is_never_restored_over(trade: Trade, engine: Engine, tmp_path: Path) -> None:
    fill(trade)
    backups.write(engine, tmp_path / "b", WORDS, at=AT)
    before = contents(engine)
    with pytest.raises(Refused, match="database_not_empty"):
        backups.restore(engine, tmp_path / "b", WORDS, by=SYSTEM, at=AT)
    assert contents(engine) == before
    with pytest.raises(Refused, match="file_exists"):
        backups.write(engine, tmp_path / "b", WORDS, at=AT)


@pytest.mark.parametrize(
    "damage",
    [
        lambda raw: raw[: raw.rindex(b"\n", 0, -1) + 1],
        lambda raw: raw[:-40],
        lambda raw: raw + raw[raw.rindex(b"\n", 0, -1) + 1 :],
    ],
    ids=["the last piece is missing", "cut in the middle", "a piece twice"],
)
def test_a_damaged_backup_restores_nothing(
    trade: Trade, engine: Engine, other: Engine, tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    import os

    trade.session.commit()
    with transaction(engine) as session:
        messages.keep(session, os.urandom(2 * backups.PIECE))  # more than one piece
    backups.write(engine, tmp_path / "b", WORDS, at=AT)
    (tmp_path / "broken").write_bytes(damage((tmp_path / "b").read_bytes()))
    with pytest.raises(Refused, match="backup_damaged"):
        backups.restore(other, tmp_path / "broken", WORDS, by=SYSTEM, at=AT)
    with transaction(other) as session:
        assert session.scalar(select(Customer.id)) is None
        assert settings.flag(session, settings.SENDING_FROZEN) is None


def test_a_file_that_is_no_backup_is_refused(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "b").write_bytes(b"PK\3\4")
    with pytest.raises(Refused, match="backup_unknown"):
        backups.restore(engine, tmp_path / "b", WORDS, by=SYSTEM, at=AT)


def test_a_backup_is_made_while_another_transaction_is_open(trade: Trade, engine: Engine, tmp_path: Path) -> None:
    fill(trade)
    with transaction(engine) as session:
        session.add(Customer(code="OPEN", name="not committed"))
        session.flush()
        backups.write(engine, tmp_path / "b", WORDS, at=AT)
