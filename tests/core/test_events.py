"""What must leave: rows in the change's own transaction, to whom, by which way, and again when it is doubtful."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import Engine, delete, func, select

from core import events, orders, outbox, papers
from core.db import transaction
from core.errors import IllegalTransition
from core.events import COLLEAGUE, CUSTOMER, ROUTES
from core.orders import Order
from core.outbox import MAX_ATTEMPTS, OutboxChannel, OutboxRow, OutboxState, Resend
from core.parties import ChatLink, Contact, Customer, Role, Staff
from tests.core.builders import AT, CUSTOMER_CHAT, Trade


def rows(trade: Trade, template: str) -> list[OutboxRow]:
    return list(trade.session.scalars(select(OutboxRow).where(OutboxRow.template == template).order_by(OutboxRow.id)))


def test_every_route_names_a_known_audience() -> None:
    audiences = {route.audience for routes in ROUTES.values() for route in routes}
    assert audiences <= {CUSTOMER, COLLEAGUE, *Role}
    assert all(routes for routes in ROUTES.values())


def test_a_rollback_leaves_no_row(engine: Engine, furnished: Callable[[], Trade]) -> None:
    trade = furnished()
    with transaction(engine) as session:
        trade.session = session
        trade.draft((trade.article, "1"))
        assert session.scalar(select(func.count(OutboxRow.id))) == 2
        session.rollback()
    with transaction(engine) as session:
        assert session.scalar(select(func.count(OutboxRow.id))) == 0
        assert session.scalar(select(func.count(Order.id))) == 0


def test_a_customer_hears_where_he_wrote_else_by_chat_else_by_mail(trade: Trade) -> None:
    by_mail = trade.draft((trade.article, "1"), reply_chat_id=None, reply_email="autre@bellevue.example")
    foreign = trade.draft((trade.article, "1"), reply_chat_id=4242)
    assert [(r.channel, r.chat_id, r.email) for r in rows(trade, "order_recap")] == [
        (OutboxChannel.MAIL, None, "autre@bellevue.example"),
        (OutboxChannel.CHAT, CUSTOMER_CHAT, ""),
    ]
    trade.session.get_one(ChatLink, CUSTOMER_CHAT).blocked_at = AT
    trade.session.flush()
    address = events.address_of_customer(trade.session, foreign)
    assert address is not None
    assert address.email == "achats@bellevue.example"
    assert by_mail.subject == f"order:{by_mail.id}"


def unreachable(trade: Trade) -> None:
    trade.session.execute(delete(ChatLink).where(ChatLink.customer_id.is_not(None)))
    trade.session.execute(delete(Contact))
    trade.session.expire_all()


def test_a_customer_whom_nobody_can_reach_is_told_to_sales(trade: Trade) -> None:
    unreachable(trade)
    order = trade.draft((trade.article, "1"), reply_chat_id=None)
    orders.set_quantity(trade.session, order, 1, Decimal(2), by=trade.by(), at=trade.at)
    told = rows(trade, "customer_unreachable")
    assert [(r.audience, r.arguments["template"], r.subject) for r in told] == [
        (Role.SALES, "order_recap", order.subject)
    ]
    trade.confirm(order)
    told = rows(trade, "customer_unreachable")
    assert [r.arguments["template"] for r in told] == ["order_recap", "order_confirmed"]
    assert told[1].paper_id is not None


def test_staff_without_a_chat_get_mail_and_an_empty_role_falls_to_managers(trade: Trade) -> None:
    sales = trade.staff[Role.SALES]
    trade.session.execute(delete(ChatLink).where(ChatLink.staff_id == sales.id))
    assert [a.email for a in events.staff_addresses(trade.session, Role.SALES)] == ["sales@linge.example"]
    sales.active = False
    trade.session.flush()
    (manager,) = trade.session.scalars(select(ChatLink).where(ChatLink.staff_id == trade.staff[Role.MANAGER].id))
    assert [a.chat_id for a in events.staff_addresses(trade.session, Role.SALES)] == [manager.chat_id]
    trade.session.execute(delete(ChatLink))
    for person in trade.session.scalars(select(Staff)):
        person.active = False
    trade.session.flush()
    assert events.staff_addresses(trade.session, Role.SALES) == []


def test_a_card_that_waits_is_not_queued_twice_and_one_that_left_is(trade: Trade) -> None:
    order = trade.draft((trade.article, "1"))
    orders.set_quantity(trade.session, order, 1, Decimal(2), by=trade.by(), at=trade.at)
    assert len(rows(trade, "order_card")) == len(rows(trade, "order_recap")) == 1
    (card,) = rows(trade, "order_card")
    outbox.move(trade.session, card, OutboxState.SENDING, at=trade.at)
    orders.set_quantity(trade.session, order, 1, Decimal(3), by=trade.by(), at=trade.at)
    assert len(rows(trade, "order_card")) == 2


def test_by_mail_a_recap_is_told_once(trade: Trade) -> None:
    order = trade.draft((trade.article, "1"), reply_chat_id=None, reply_email="a@b.example")
    (recap,) = rows(trade, "order_recap")
    assert not recap.card
    outbox.move(trade.session, recap, OutboxState.SENDING, at=trade.at)
    orders.set_quantity(trade.session, order, 1, Decimal(2), by=trade.by(), at=trade.at)
    assert len(rows(trade, "order_recap")) == 1


def test_the_same_event_twice_at_one_instant_is_two_rows(trade: Trade) -> None:
    order = trade.draft((trade.article, "1"))
    for text in ("un", "deux"):
        events.emit(trade.session, "message_for_staff", order, at=trade.at, text=text)
    assert [row.arguments["text"] for row in rows(trade, "customer_message")] == ["un", "deux"]


def test_a_row_with_a_paper_waits_for_its_bytes(trade: Trade) -> None:
    order = trade.confirm(trade.draft((trade.article, "1")))
    later = trade.at + timedelta(minutes=2)
    (row,) = rows(trade, "order_confirmed")
    assert row.subject == order.subject
    assert row.id not in [due.id for due in outbox.due(trade.session, at=later)]
    paper = trade.session.get_one(papers.Paper, row.paper_id)
    papers.store(trade.session, paper, pdf=b"%PDF", xml=None)
    assert row.id not in [due.id for due in outbox.due(trade.session, at=trade.at)]
    assert row.id in [due.id for due in outbox.due(trade.session, at=later)]


def row_of(trade: Trade, resend: Resend) -> OutboxRow:
    row = OutboxRow(
        key=resend, channel=OutboxChannel.CHAT, audience=CUSTOMER, chat_id=1, template="t", subject="order:1",
        resend=resend, not_before=AT, created_at=AT,
    )  # fmt: skip
    trade.session.add(row)
    trade.session.flush()
    outbox.move(trade.session, row, OutboxState.SENDING, at=AT)
    row.attempt += 1
    trade.session.flush()
    return row


def test_a_document_that_may_have_left_is_resent_once_and_later(trade: Trade) -> None:
    row = row_of(trade, Resend.MARKED)
    assert outbox.found_sending(trade.session, at=AT) == [row]
    assert (row.state, row.resent, row.not_before) == (OutboxState.WAITING, True, AT + outbox.RESEND_AFTER)
    outbox.move(trade.session, row, OutboxState.SENDING, at=AT)
    outbox.ambiguous(trade.session, row, at=AT, error="timeout")
    assert row.state is OutboxState.AMBIGUOUS


def test_a_reminder_that_may_have_left_rests(trade: Trade) -> None:
    row = row_of(trade, Resend.NEVER)
    outbox.ambiguous(trade.session, row, at=AT, error="timeout")
    assert (row.state, row.resent) == (OutboxState.AMBIGUOUS, False)


def test_a_card_is_painted_again_unmarked_but_not_for_ever(trade: Trade) -> None:
    row = row_of(trade, Resend.REPAINT)
    outbox.ambiguous(trade.session, row, at=AT, error="timeout")
    assert (row.state, row.resent) == (OutboxState.WAITING, False)
    row.attempt = MAX_ATTEMPTS
    outbox.move(trade.session, row, OutboxState.SENDING, at=AT)
    outbox.ambiguous(trade.session, row, at=AT, error="timeout")
    assert row.state is OutboxState.AMBIGUOUS


def test_retries_wait_longer_and_longer_and_end(trade: Trade) -> None:
    row, waits = row_of(trade, Resend.MARKED), []
    while row.state is OutboxState.SENDING:
        outbox.retry(trade.session, row, at=AT, error="502")
        if row.state is OutboxState.WAITING:
            waits.append(row.not_before - AT)
            outbox.move(trade.session, row, OutboxState.SENDING, at=AT)
            row.attempt += 1
    assert row.state is OutboxState.FAILED
    assert [wait.total_seconds() for wait in waits] == [5, 30, 120, 600, 3600, 3600, 3600]
    other = row_of(trade, Resend.NEVER)
    outbox.retry(trade.session, other, at=AT, error="429", after=timedelta(seconds=17))
    assert other.not_before == AT + timedelta(seconds=17)


def test_what_was_sent_stays_sent(trade: Trade) -> None:
    row = row_of(trade, Resend.MARKED)
    outbox.move(trade.session, row, OutboxState.SENT, at=AT)
    for target in set(OutboxState) - {OutboxState.SENT}:
        with pytest.raises(IllegalTransition):
            outbox.move(trade.session, row, target, at=AT)


def test_waiting_rows_of_a_subject_become_moot_by_audience(trade: Trade) -> None:
    order = trade.draft((trade.article, "1"))
    assert outbox.cancel_waiting(trade.session, order.subject, at=AT, reason="x", audience=CUSTOMER) == 1
    assert outbox.cancel_waiting(trade.session, order.subject, at=AT, reason="x") == 1
    assert outbox.cancel_waiting(trade.session, order.subject, at=AT, reason="x") == 0
    assert not outbox.was_told(trade.session, order.subject)


def test_a_customer_is_found_by_words_with_accents_in_any_case(trade: Trade) -> None:
    from core.parties import search_customers

    if trade.session.scalar(select(func.lower("É"))) != "é":
        pytest.skip("this PostgreSQL has the locale C, which knows no accents")
    trade.session.add(Customer(code="C2", name="ÉPICERIE 100% Fine"))
    trade.session.flush()
    assert [c.code for c in search_customers(trade.session, "épicerie")] == ["C2"]
    assert [c.code for c in search_customers(trade.session, "%")] == ["C2"]
