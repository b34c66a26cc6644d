"""Drafts, their changes, and who may take a decision back."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select

from core import deliveries, journal, messages, orders, outbox, papers, quotes, registration, stock
from core.deliveries import DeliveryState
from core.documents import DocumentKind
from core.errors import IllegalTransition, Refused
from core.messages import Message, MessageChannel
from core.money import Money
from core.orders import Asked, AskedLine, OrderState, PriceChoice
from core.outbox import OutboxRow, OutboxState
from core.parties import Customer, Role
from tests.core.builders import Trade


def test_a_message_makes_one_draft_whatever_the_number_of_readings(trade: Trade) -> None:
    message = Message(channel=MessageChannel.CHAT, key="chat:1:1", received_at=trade.at)
    trade.session.add(message)
    trade.session.flush()
    first = trade.draft((trade.article, "2"), message_id=message.id)
    again = trade.draft((trade.article, "5"), message_id=message.id)
    assert again is first
    assert [line.quantity for line in first.lines] == [Decimal(2)]
    assert first.reference == "CMD-2026-0001"


def test_a_change_resets_the_accepted_recap_and_grows_the_version(trade: Trade) -> None:
    order = trade.draft((trade.article, "2"))
    orders.accept_recap(trade.session, order, by=trade.buyer, at=trade.at, version=1)
    assert order.recap_accepted_at == trade.at
    orders.set_quantity(trade.session, order, 1, Decimal(3), by=trade.by(), at=trade.at)
    assert (order.recap_accepted_at, order.version) == (None, 2)
    with pytest.raises(Refused, match="order_version_changed"):
        orders.accept_recap(trade.session, order, by=trade.buyer, at=trade.at, version=1)


def test_accepting_twice_changes_nothing(trade: Trade) -> None:
    order = trade.draft((trade.article, "2"))
    orders.accept_recap(trade.session, order, by=trade.buyer, at=trade.at)
    orders.accept_recap(trade.session, order, by=trade.buyer, at=trade.later(minutes=5))
    assert order.recap_accepted_at < trade.at


def test_a_settled_price_can_be_settled_the_other_way(trade: Trade) -> None:
    line = AskedLine(text="draps", article=trade.article, quantity=Decimal(2), customer_price=Decimal(95))
    order = trade.draft(lines=(line,))
    orders.settle_price(trade.session, order, 1, PriceChoice.THEIRS, by=trade.by(Role.MANAGER), at=trade.at)
    assert order.lines[0].unit_price == Decimal(95)
    orders.settle_price(trade.session, order, 1, PriceChoice.OURS, by=trade.by(), at=trade.at)
    assert (order.lines[0].unit_price, order.lines[0].price_choice) == (Decimal(100), PriceChoice.OURS)


def test_another_article_must_have_its_price_settled_again(trade: Trade) -> None:
    line = AskedLine(text="draps", article=trade.article, quantity=Decimal(2), customer_price=Decimal(95))
    order = trade.draft(lines=(line,))
    orders.settle_price(trade.session, order, 1, PriceChoice.THEIRS, by=trade.by(Role.MANAGER), at=trade.at)
    orders.set_article(trade.session, order, 1, trade.add_article("DRA-160", "120"), by=trade.by(), at=trade.at)
    assert (order.lines[0].unit_price, order.lines[0].price_choice) == (Decimal(120), None)


def test_no_price_to_settle_is_refused(trade: Trade) -> None:
    order = trade.draft((trade.article, "2"))
    with pytest.raises(Refused, match="no_price_to_settle"):
        orders.settle_price(trade.session, order, 1, PriceChoice.OURS, by=trade.by(), at=trade.at)


def test_a_removed_line_keeps_its_words_and_counts_for_nothing(trade: Trade) -> None:
    order = trade.draft((trade.article, "2"), (trade.add_article("SER-50", "5"), "4"))
    orders.remove_line(trade.session, order, 1, by=trade.by(), at=trade.at)
    assert order.totals.net == Money.of(20)
    assert order.lines[0].text == "Article DRA-140"
    with pytest.raises(Refused, match="line_unknown"):
        orders.set_quantity(trade.session, order, 1, Decimal(1), by=trade.by(), at=trade.at)


def test_lines_are_appended_after_the_last_position(trade: Trade) -> None:
    order = trade.draft((trade.article, "2"))
    extra = AskedLine(text="encore", article=trade.article, quantity=Decimal(1))
    orders.append_lines(trade.session, order, (extra,), by=trade.by(), at=trade.at)
    assert [line.position for line in order.lines] == [1, 2]


@pytest.mark.parametrize("quantity", ["0", "-1"])
def test_a_quantity_is_positive(trade: Trade, quantity: str) -> None:
    order = trade.draft((trade.article, "2"))
    with pytest.raises(Refused, match="quantity_not_positive"):
        orders.set_quantity(trade.session, order, 1, Decimal(quantity), by=trade.by(), at=trade.at)


def test_a_confirmed_order_is_no_longer_edited(trade: Trade) -> None:
    order = trade.confirm(trade.draft((trade.article, "2")))
    with pytest.raises(Refused, match="order_not_draft"):
        orders.set_quantity(trade.session, order, 1, Decimal(1), by=trade.by(), at=trade.at)


def test_a_quote_of_another_customer_gives_no_price(trade: Trade) -> None:
    asked = Asked(trade.customer, MessageChannel.MAIL, (AskedLine("draps", trade.article, Decimal(1)),))
    quote = quotes.draft(trade.session, asked, by=trade.buyer, at=trade.at)
    quote.lines[0].unit_price = Decimal(80)
    quotes.send(trade.session, quote, house=trade.house, by=trade.by(), at=trade.at)
    assert trade.draft((trade.article, "1"), quote_id=quote.id).lines[0].unit_price == Decimal(80)
    stranger = Customer(code="C002", name="Autre")
    trade.session.add(stranger)
    trade.session.flush()
    order = trade.draft((trade.article, "1"), customer=stranger, quote_id=quote.id, reply_chat_id=None)
    assert (order.quote_id, order.lines[0].unit_price) == (None, Decimal(100))


def test_confirming_takes_up_the_quote_and_freezes_the_confirmation(trade: Trade) -> None:
    asked = Asked(trade.customer, MessageChannel.MAIL, (AskedLine("draps", trade.article, Decimal(1)),))
    quote = quotes.draft(trade.session, asked, by=trade.buyer, at=trade.at)
    quotes.send(trade.session, quote, house=trade.house, by=trade.by(), at=trade.at)
    order = trade.confirm(trade.draft((trade.article, "1"), quote_id=quote.id))
    assert quote.state is quotes.QuoteState.ACCEPTED
    paper = papers.latest(trade.session, DocumentKind.ORDER_CONFIRMATION, order.reference)
    assert paper.document.totals.gross == Money.of(120)


def test_undo_within_the_minute_leaves_nothing_on_its_way(trade: Trade) -> None:
    order = trade.confirm(trade.draft((trade.article, "2")))
    delivery = trade.preparing(order)
    assert stock.available(trade.session, trade.article.id) == Decimal(998)
    late = trade.at + timedelta(seconds=trade.house.undo_seconds)
    assert not [row for row in outbox.due(trade.session, at=trade.at) if row.template == "order_confirmed"]
    registration.undo(trade.session, order.id, house=trade.house, by=trade.by(), at=late - timedelta(seconds=1))
    assert (order.state, order.confirmed_at, delivery.state) == (OrderState.DRAFT, None, DeliveryState.CANCELLED)
    assert stock.available(trade.session, trade.article.id) == Decimal(1000)
    waiting = set(trade.session.scalars(select(OutboxRow.template).where(OutboxRow.state == OutboxState.WAITING)).all())
    assert waiting == {"order_recap", "order_card"}
    moot = trade.session.scalars(select(OutboxRow.template).where(OutboxRow.state == OutboxState.MOOT)).all()
    assert {"order_confirmed", "preparation_card"} <= set(moot)


def test_an_undone_order_can_be_confirmed_again_with_a_new_revision(trade: Trade) -> None:
    order = trade.confirm(trade.draft((trade.article, "2")))
    registration.undo(trade.session, order.id, house=trade.house, by=trade.by(), at=trade.later(seconds=10))
    trade.confirm(order)
    assert papers.latest(trade.session, DocumentKind.ORDER_CONFIRMATION, order.reference).revision == 1
    states = [delivery.state for delivery in deliveries.of_order(trade.session, order)]
    assert states == [DeliveryState.CANCELLED, DeliveryState.PREPARING]


def test_undo_is_refused_once_the_rows_may_leave(trade: Trade) -> None:
    order = trade.confirm(trade.draft((trade.article, "2")))
    with pytest.raises(Refused, match="undo_too_late"):
        registration.undo(trade.session, order.id, house=trade.house, by=trade.by(), at=trade.later(seconds=60))


def test_undo_is_refused_once_the_goods_have_left(trade: Trade) -> None:
    order = trade.confirm(trade.draft((trade.article, "2")))
    trade.ship(trade.preparing(order))
    with pytest.raises(Refused, match="undo_too_late"):
        registration.undo(trade.session, order.id, house=trade.house, by=trade.by(), at=trade.later(seconds=5))


def test_a_stale_card_confirms_nothing(trade: Trade) -> None:
    order = trade.draft((trade.article, "2"))
    orders.set_quantity(trade.session, order, 1, Decimal(3), by=trade.by(), at=trade.at)
    with pytest.raises(Refused, match="order_version_changed"):
        trade.confirm(order, version=1)
    assert trade.confirm(order, version=2).state is OrderState.CONFIRMED


def test_the_second_press_is_told_who_was_first_and_when(trade: Trade) -> None:
    order = trade.confirm(trade.draft((trade.article, "2")))
    with pytest.raises(Refused, match="already_confirmed") as refused:
        trade.confirm(order, by=trade.by(Role.MANAGER), at=trade.later(minutes=1))
    assert refused.value.data["by"] == trade.staff[Role.SALES].id
    assert refused.value.data["at"] == order.confirmed_at


def test_cancelling_a_confirmed_order_stops_its_preparation_and_its_confirmation(trade: Trade) -> None:
    order = trade.confirm(trade.draft((trade.article, "2")))
    orders.cancel(trade.session, order, reason="erreur de saisie", by=trade.by(), at=trade.later(seconds=5))
    assert trade.preparing(order).state is DeliveryState.CANCELLED
    assert stock.available(trade.session, trade.article.id) == Decimal(1000)
    rows = trade.session.scalars(select(OutboxRow).where(OutboxRow.template == "order_confirmed")).all()
    assert {row.state for row in rows} == {OutboxState.MOOT}
    entry = next(e for e in journal.entries_of(trade.session, order.subject) if e.action == "order_cancelled")
    assert (entry.private, "saisie" in entry.data) == ("erreur de saisie", False)


def test_an_order_of_which_something_left_is_not_cancelled(trade: Trade) -> None:
    order = trade.confirm(trade.draft((trade.article, "2")))
    trade.ship(trade.preparing(order))
    with pytest.raises(Refused, match="order_already_shipped"):
        orders.cancel(trade.session, order, reason="trop tard", by=trade.by(), at=trade.at)


def test_a_cancelled_order_is_over(trade: Trade) -> None:
    order = trade.draft((trade.article, "2"))
    orders.cancel(trade.session, order, reason="doublon", by=trade.by(), at=trade.at)
    with pytest.raises(IllegalTransition):
        trade.confirm(order)


def test_the_usual_order_is_never_one_that_was_given_up(trade: Trade) -> None:
    kept = trade.confirm(trade.draft((trade.article, "2")))
    given_up = trade.confirm(trade.draft((trade.article, "9")), at=trade.later(hours=1))
    orders.cancel(trade.session, given_up, reason="annulée", by=trade.by(), at=trade.at)
    assert orders.registered_of(trade.session, trade.customer, limit=3) == [kept]


def test_open_drafts_and_references(trade: Trade) -> None:
    order = trade.draft((trade.article, "2"))
    assert orders.open_drafts(trade.session) == [order]
    assert orders.by_reference(trade.session, f" {order.reference.lower()}") is order


def test_the_bytes_of_a_message_are_kept_once(trade: Trade) -> None:
    first, again = messages.keep(trade.session, b"abc"), messages.keep(trade.session, b"abc")
    assert first == again
    assert messages.content_of(trade.session, first) == b"abc"
