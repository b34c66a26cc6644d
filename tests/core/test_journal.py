"""The journal: one chain, whole or broken at a named row (S37, S44 to S46)."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from core import journal
from core.db import transaction
from core.journal import SYSTEM, JournalEntry
from tests.core.builders import AT, Trade


def fill(session: Session, count: int = 5) -> None:
    for number in range(count):
        journal.write(
            session, "tested", subject=f"thing:{number}", by=SYSTEM, at=AT, private=f"secret {number}", number=number
        )


def unguarded(engine: Engine) -> Session:
    """A session of somebody who owns the database and took the guard away."""
    session = Session(engine)
    on = " ON journal" if engine.dialect.name == "postgresql" else ""
    for name in ("journal_no_update", "journal_no_delete"):
        session.execute(text(f"DROP TRIGGER {name}{on}"))
    return session


def test_a_chain_is_whole_and_numbered_from_one(engine: Engine) -> None:
    with transaction(engine) as session:
        fill(session)
    with transaction(engine) as session:
        assert journal.first_broken(session) is None
        assert [e.seq for e in session.query(JournalEntry).order_by(JournalEntry.seq)] == [1, 2, 3, 4, 5]
        assert journal.position(session) == 5


COLUMNS: dict[str, object] = {
    "at": "2020-01-01 00:00:00.000000",
    "action": "forged",
    "subject": "thing:99",
    "actor": "staff:1",
    "data": "{}",
    "private": "another secret",
    "salt": "00",
    "private_hash": "00",
    "prev_hash": "f" * 64,
    "hash": "e" * 64,
}


def test_the_mutations_cover_every_column() -> None:
    assert set(COLUMNS) | {"seq"} == set(JournalEntry.__table__.columns.keys())


def test_s46_any_changed_field_breaks_the_chain_at_its_row(engine: Engine) -> None:
    with transaction(engine) as session:
        fill(session)
    named = {}
    for column, value in COLUMNS.items():
        with unguarded(engine) as session:
            session.execute(text(f"UPDATE journal SET {column} = :value WHERE seq = 3"), {"value": value})  # noqa: S608
            named[column] = journal.first_broken(session)
            session.rollback()
    assert named == dict.fromkeys(COLUMNS, 3)


def test_s46_a_moved_number_and_a_missing_row_are_named(engine: Engine) -> None:
    with transaction(engine) as session:
        fill(session)
    with unguarded(engine) as session:
        session.execute(text("UPDATE journal SET seq = 30 WHERE seq = 3"))
        assert journal.first_broken(session) == 3
        session.rollback()
    with unguarded(engine) as session:
        session.execute(text("DELETE FROM journal WHERE seq = 2"))
        assert journal.first_broken(session) == 2
        session.rollback()
    with unguarded(engine) as session:
        session.execute(text("DELETE FROM journal WHERE seq = 5"))
        assert journal.first_broken(session) == 5


def test_s46_a_row_without_private_text_cannot_be_given_one(engine: Engine) -> None:
    with transaction(engine) as session:
        journal.write(session, "tested", subject="thing:1", by=SYSTEM, at=AT)
    with unguarded(engine) as session:
        session.execute(text("UPDATE journal SET private = 'x', salt = '00' WHERE seq = 1"))
        assert journal.first_broken(session) == 1


def test_s37_erasing_the_private_text_with_its_salt_leaves_the_chain_whole(engine: Engine) -> None:
    with transaction(engine) as session:
        fill(session)
    with transaction(engine) as session:  # the guard is there: erasing is the one change it lets through
        session.execute(text("UPDATE journal SET private = NULL, salt = NULL WHERE seq = 3"))
    with transaction(engine) as session:
        assert journal.first_broken(session) is None
        entry = session.get_one(JournalEntry, 3)
        assert (entry.private, entry.private_hash is None) == (None, False)


def test_s37_erasing_only_the_salt_is_no_erasure(engine: Engine) -> None:
    with transaction(engine) as session:
        fill(session)
        session.execute(text("UPDATE journal SET salt = NULL WHERE seq = 2"))
        assert journal.first_broken(session) == 2


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE journal SET action = 'forged' WHERE seq = 1",
        "UPDATE journal SET private = 'forged' WHERE seq = 1",
        "DELETE FROM journal WHERE seq = 1",
    ],
)
def test_s44_the_database_refuses_to_change_the_journal(engine: Engine, statement: str) -> None:
    with transaction(engine) as session:
        fill(session, 2)
    with pytest.raises(DBAPIError, match="journal rows never change"), transaction(engine) as session:
        session.execute(text(statement))


def test_a_rolled_back_entry_leaves_no_trace(engine: Engine) -> None:
    with transaction(engine) as session:
        fill(session)
        session.rollback()
    with transaction(engine) as session:
        fill(session, 1)
        assert (journal.first_broken(session), journal.position(session)) == (None, 1)


def test_s45_concurrent_writers_do_not_fork_the_chain(engine: Engine) -> None:
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for step in range(10):
                with transaction(engine) as session:
                    journal.write(session, "tested", subject=f"writer:{number}", by=SYSTEM, at=AT, step=step)
        except BaseException as error:  # noqa: BLE001 - a thread must hand its failure over
            failures.append(error)

    run_threads([lambda n=n: work(n) for n in range(8)])
    assert failures == []
    with transaction(engine) as session:
        assert journal.first_broken(session) is None
        assert journal.position(session) == 80
        own = [e.data for e in journal.entries_of(session, "writer:3")]
        assert own == [f'{{"step":{step}}}' for step in range(10)]


def run_threads(work: list[Callable[[], Any]]) -> None:
    threads = [threading.Thread(target=item) for item in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)


def test_what_is_hashed_holds_no_private_text(trade: Trade) -> None:
    entry = journal.write(trade.session, "tested", subject="x:1", by=SYSTEM, at=AT, private="Mme Martin", number=1)
    assert "Martin" not in entry.data
    assert entry.private == "Mme Martin"
