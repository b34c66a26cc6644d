"""Orders on their way to an ERP: once per revision, after the undo time, always the same bytes, and told when not."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from core import handovers, registration, revising
from core.db import transaction
from core.handovers import Handover, HandoverState
from core.journal import JournalEntry
from core.orders import LineWish, Order, Wanted, revisions
from core.outbox import OutboxRow
from core.parties import Customer
from core.settings import SENDING_FROZEN, House, lower_flag, raise_flag
from tests.core.builders import AT, Trade

UNDONE = AT + timedelta(seconds=60)


@pytest.fixture
def house(house: House, tmp_path: Path) -> House:
    folder = str(tmp_path / "to-erp")
    return house.model_copy(update={"invoicing": "erp", "erp_layout": "ebp_gestion", "handover_folder": folder})


@pytest.fixture
def folder(house: House) -> Path:
    return Path(house.handover_folder)


def registered(engine: Engine, furnished: Callable[[], Trade], **asked: object) -> tuple[Trade, Order]:
    trade = furnished()
    with transaction(engine) as session:
        session.add_all([trade.customer, trade.article, *trade.staff.values()])
        trade.session = session
        order = trade.confirm(trade.draft((trade.article, "2"), **asked))
    return trade, order


def states(engine: Engine) -> list[tuple[int, HandoverState, str]]:
    with transaction(engine) as session:
        rows = session.scalars(select(Handover).order_by(Handover.id))
        return [(row.revision, row.state, row.error.partition(" ")[0]) for row in rows]


def test_a_registered_order_is_handed_over_once_after_the_undo_time(
    engine: Engine, furnished: Callable[[], Trade], house: House, folder: Path
) -> None:
    _, order = registered(engine, furnished)
    assert handovers.run(engine, house=house, at=AT) == 0
    assert not folder.exists()
    assert handovers.run(engine, house=house, at=UNDONE) == 1
    (file,) = folder.iterdir()
    assert file.name == f"{order.reference}.csv"
    content = file.read_bytes()
    assert f"{order.reference};10/03/2026;C001".encode() in content
    file.unlink()  # the ERP took it
    assert handovers.run(engine, house=house, at=UNDONE) == 0
    assert list(folder.iterdir()) == []
    with transaction(engine) as session:
        said = session.scalars(select(JournalEntry).where(JournalEntry.action == "order_handed_over")).one()
        assert json.loads(said.data)["file"] == file.name


def test_a_crash_between_file_and_commit_writes_the_same_bytes_again(
    engine: Engine, furnished: Callable[[], Trade], house: House, folder: Path
) -> None:
    registered(engine, furnished)

    def killed(_name: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        handovers.run(engine, house=house, at=UNDONE, checkpoint=killed)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with transaction(engine) as session:  # what the record says meanwhile does not change what was begun
        session.scalars(select(Customer)).one().erp_code = "OTHER"
    assert handovers.run(engine, house=house, at=UNDONE) == 1
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert states(engine) == [(0, HandoverState.WRITTEN, "")]


def test_an_order_taken_back_leaves_nothing_and_leaves_later_when_registered_again(
    engine: Engine, furnished: Callable[[], Trade], house: House, folder: Path
) -> None:
    trade, order = registered(engine, furnished)
    with transaction(engine) as session:
        registration.undo(session, order.id, house=house, by=trade.by(), at=AT + timedelta(seconds=5))
    assert handovers.run(engine, house=house, at=UNDONE) == 0
    assert states(engine) == [(0, HandoverState.MOOT, "")]
    with transaction(engine) as session:
        registration.confirm(session, order.id, house=house, by=trade.by(), at=UNDONE)
    assert handovers.run(engine, house=house, at=UNDONE + timedelta(seconds=60)) == 1
    assert len(list(folder.iterdir())) == 1


def test_a_folder_that_cannot_be_written_is_tried_later_and_told_once(
    engine: Engine, furnished: Callable[[], Trade], house: House, folder: Path
) -> None:
    registered(engine, furnished)
    folder.parent.mkdir(exist_ok=True)
    folder.write_text("a file where the folder should be")
    at = UNDONE
    for _ in range(5):
        assert handovers.run(engine, house=house, at=at) == 0
        at += timedelta(hours=2)
    assert states(engine) == [(0, HandoverState.WAITING, "handover_not_written")]
    with transaction(engine) as session:
        told = session.scalars(select(OutboxRow).where(OutboxRow.template == "handover_failed")).all()
        assert [row.audience for row in told] == ["sales"]
        assert len(handovers.failing(session)) == 1
    folder.unlink()
    assert handovers.run(engine, house=house, at=at) == 1
    with transaction(engine) as session:
        assert handovers.failing(session) == []


def test_a_code_that_the_erp_cannot_take_is_told_at_once_and_leaves_when_put_right(
    engine: Engine, furnished: Callable[[], Trade], house: House, folder: Path
) -> None:
    house = house.model_copy(update={"erp_layout": "sage_100"})
    trade = furnished()
    trade.house = house
    with transaction(engine) as session:
        session.add_all([trade.customer, trade.article, *trade.staff.values()])
        trade.session = session
        trade.customer.erp_code = "C" * 18
        trade.confirm(trade.draft((trade.article, "2")))
    assert handovers.run(engine, house=house, at=UNDONE) == 0
    with transaction(engine) as session:
        told = session.scalars(select(OutboxRow).where(OutboxRow.template == "handover_failed")).one()
        assert told.arguments["code"] == "erp_code_too_long"
        assert told.arguments["data"] == {"field": "customer", "value": "C" * 18, "most": "17"}
        session.scalars(select(Customer)).one().erp_code = "411BELLEVUE"
    assert handovers.run(engine, house=house, at=UNDONE + timedelta(hours=1)) == 1
    (file,) = folder.iterdir()
    assert b"411BELLEVUE\r\n" in file.read_bytes()


def test_a_changed_order_is_handed_over_as_its_revision_and_nothing_while_sending_is_frozen(
    engine: Engine, furnished: Callable[[], Trade], house: House, folder: Path
) -> None:
    trade, order = registered(engine, furnished)
    with transaction(engine) as session:
        raise_flag(session, SENDING_FROZEN, "restored", at=AT)
    assert handovers.run(engine, house=house, at=UNDONE) == 0
    with transaction(engine) as session:
        lower_flag(session, SENDING_FROZEN)
    assert handovers.run(engine, house=house, at=UNDONE) == 1
    with transaction(engine) as session:
        held = session.get_one(Order, order.id)
        wish = Wanted((LineWish(held.kept_lines[0].position, Decimal(5)),), ())
        revision = revisions.propose(session, held, wish, by=trade.buyer, at=UNDONE)
        revising.accept(session, revision.id, house=house, by=trade.by(), at=UNDONE)
    assert handovers.run(engine, house=house, at=UNDONE + timedelta(hours=1)) == 1
    assert sorted(path.name for path in folder.iterdir()) == [f"{order.reference}-R1.csv", f"{order.reference}.csv"]
    assert b";5;" in (folder / f"{order.reference}-R1.csv").read_bytes()


def test_without_a_folder_only_the_message_tells(engine: Engine, furnished: Callable[[], Trade], house: House) -> None:
    trade = furnished()
    trade.house = house.model_copy(update={"handover_folder": ""})
    with transaction(engine) as session:
        session.add_all([trade.customer, trade.article, *trade.staff.values()])
        trade.session = session
        trade.confirm(trade.draft((trade.article, "2")))
        assert session.scalars(select(OutboxRow).where(OutboxRow.template == "order_handed_over")).one()
    assert states(engine) == []
