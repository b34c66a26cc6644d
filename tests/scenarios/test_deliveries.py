"""What becomes of a delivery once it has left, told by the trade alone, on both databases."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from core import deliveries, disputes, exposure, invoices, journal, messages, orders, payments, revising, stock
from core.clock import PARIS
from core.deliveries import (
    Counted,
    Delivery,
    DeliveryState,
    FileKind,
    ReserveDecision,
    ReserveKind,
    ReturnState,
    Signature,
    reserves,
    returns,
)
from core.disputes import Dispute, DisputeState
from core.errors import IllegalTransition, Refused
from core.money import Money
from core.orders import OrderState
from core.outbox import OutboxRow, OutboxState
from core.parties import Role
from core.stock import MovementKind, StockMovement
from tests.core.builders import Trade

DAMAGED, MISSING, WRONG = ReserveKind.DAMAGED, ReserveKind.MISSING, ReserveKind.WRONG_ARTICLE
#: A photo as a phone sends it.
PHOTO = b"\xff\xd8\xff\xe0 a torn bag"


def told(session: Session, audience: str) -> list[str]:
    rows = select(OutboxRow.template).where(OutboxRow.audience == audience, OutboxRow.state != OutboxState.MOOT)
    return list(session.scalars(rows.order_by(OutboxRow.id)))


def actions(session: Session, subject: str) -> list[str]:
    return [entry.action for entry in journal.entries_of(session, subject)]


def shipped(trade: Trade, *quantities: str) -> Delivery:
    """A delivery that left of that many units of as many articles at 10 euros."""
    articles = [trade.add_article(f"A{number}", "10") for number in range(len(quantities))]
    order = trade.confirm(trade.draft(*zip(articles, quantities, strict=True)))
    delivery = trade.preparing(order)
    trade.ship(delivery)
    return delivery


def remark(
    trade: Trade, delivery: Delivery, position: int, kind: ReserveKind, quantity: str, text: str = "pas bon"
) -> None:
    reserves.state(
        trade.session, delivery, position, kind, Decimal(quantity), text, by=trade.buyer, at=trade.at
    )  # fmt: skip


def answer(trade: Trade, delivery: Delivery, number: int, decision: ReserveDecision, reason: str = "") -> None:
    reserves.decide(
        trade.session, delivery.reserves[number], decision, house=trade.house, by=trade.by(), at=trade.at, reason=reason
    )  # fmt: skip


def pass_six(trade: Trade) -> None:
    """Six in the evening passes and the desk sees to what is due."""
    trade.later(hours=11)
    deliveries.follow_up(trade.session, house=trade.house, at=trade.at)


def on_hand(trade: Trade, sku: str) -> Decimal:
    article = trade.skus[sku]
    return stock.shelves(trade.session, [article.id])[article.id].on_hand


def test_a_partial_delivery_is_signed_with_one_damaged_bag(trade: Trade) -> None:
    session, bag = trade.session, trade.add_article("FAR-25", "18.40", vat="5.5", on_hand="5")
    order = trade.confirm(trade.draft((bag, "8"), (trade.article, "2")))
    delivery = trade.preparing(order)
    trade.ship(delivery)
    assert deliveries.remaining_quantities(session, order) == {order.lines[0].id: 3}

    early = deliveries.keep_file(
        session, delivery, FileKind.PHOTO, name="sac.jpg", content=PHOTO, by=trade.buyer, at=trade.at
    )
    remark(trade, delivery, 1, DAMAGED, "1", "1 sac percé sur le côté, 10 kg perdus")
    remark(trade, delivery, 2, MISSING, "1", "un drap manque")
    assert [(one.kind, len(one.files)) for one in delivery.reserves] == [(DAMAGED, 1), (MISSING, 0)]
    assert messages.content_of(session, early.sha256) == PHOTO
    with pytest.raises(Refused, match="reserve_not_possible"):  # one line never has more wrong than was delivered
        remark(trade, delivery, 1, MISSING, "5")
    with pytest.raises(Refused, match="reserve_not_precise"):  # « sous réserve » and a number say nothing
        remark(trade, delivery, 2, DAMAGED, "1", "1 abîmé")
    with pytest.raises(Refused, match="reserves_stated"):  # his own button of before is no receipt any more
        trade.verify(delivery)
    reserves.withdraw(session, delivery.reserves[1], by=trade.buyer, at=trade.at)  # it was in the other box
    signed = Signature("Julie Martin", "chat:7001:12", "Julie Martin")
    reserves.finish(session, delivery, by=trade.buyer, at=trade.at, signature=signed)
    assert (delivery.state, delivery.signed_name) == (DeliveryState.SHIPPED, "Julie Martin")
    assert delivery.correctable_until == datetime(2026, 3, 10, 18, tzinfo=PARIS)
    assert told(session, Role.SALES).count("reserve_stated") == 1
    assert invoices.of_order(session, order) == []  # he may still correct it

    pass_six(trade)
    assert delivery.state is DeliveryState.VERIFIED
    (invoice,) = invoices.of_order(session, order)
    assert [(line.quantity, line.net) for line in invoice.lines] == [(5, Money.of(92)), (2, Money.of(200))]
    dispute = session.scalars(select(Dispute)).one()
    assert (dispute.amount, dispute.reserve_id) == (Money.of("19.41"), delivery.reserves[0].id)
    assert (dispute.owner, dispute.answer_by) == (Role.SALES, date(2026, 3, 12))
    assert invoice.gross == Money.of("337.06")
    (owed,) = disputes.claimable(session, trade.customer)
    assert owed.due == Money.of("317.65")
    assert exposure.of(session, trade.customer, None, counted=exposure.stages(trade.house)).unpaid == invoice.gross

    answer(trade, delivery, 0, ReserveDecision.CREDIT)
    assert dispute.state is DisputeState.SETTLED
    (note,) = [one for one in invoices.of_order(session, order) if one.refers_to_id == invoice.id]
    assert (note.gross, note.reason) == (
        Money.of("19.41"),
        f"Réserve à la livraison {delivery.reference}. 1 sac percé sur le côté, 10 kg perdus",
    )
    assert payments.amount_due(session, invoice) == Money.of("317.65")
    assert order.state is OrderState.CONFIRMED  # three bags are still to come
    revising.close_line(session, order.id, 1, house=trade.house, by=trade.buyer, at=trade.at)  # he gives them up
    assert (order.state, order.lines[0].closed_quantity) == (OrderState.CLOSED, 3)
    with pytest.raises(Refused, match="reserve_already_decided"):
        answer(trade, delivery, 0, ReserveDecision.REPLACE)
    assert "receipt_signed" in actions(session, delivery.subject)
    assert journal.first_broken(session) is None


def test_what_is_missing_is_sent_again_and_paid_once(trade: Trade) -> None:
    session, delivery = trade.session, shipped(trade, "10", "4")
    order = delivery.order
    remark(trade, delivery, 1, MISSING, "3")
    remark(trade, delivery, 2, DAMAGED, "4")
    reserves.finish(session, delivery, by=trade.buyer, at=trade.at)
    answer(trade, delivery, 0, ReserveDecision.REPLACE)  # an answer ends the time to correct
    assert delivery.state is DeliveryState.VERIFIED
    again = trade.preparing(order)
    assert [(line.order_line.position, line.quantity) for line in again.lines] == [(1, 3)]
    counted = exposure.stages(trade.house)
    seen = exposure.of(session, trade.customer, None, counted=counted)
    assert (seen.unpaid, seen.confirmed_not_delivered) == (Money.of(132), Money.of(36))
    answer(trade, delivery, 1, ReserveDecision.REPLACE)  # invoiced already: the credit goes before the second invoice
    trade.ship(again)
    trade.verify(again)
    rest = deliveries.prepare(session, order, house=trade.house, by=trade.by(), at=trade.at)
    trade.ship(rest)
    trade.verify(rest)
    found = invoices.of_order(session, order)
    nets = [invoice.net if invoice.refers_to_id is None else -invoice.net for invoice in found]
    assert sum((net.amount for net in nets), Decimal(0)) == 140  # ten and four at ten euros, once
    assert order.state is OrderState.CLOSED
    assert (on_hand(trade, "A0"), on_hand(trade, "A1")) == (987, 992)
    assert told(session, "customer").count("reserve_decided") == 2


def test_a_remark_that_is_not_accepted_is_invoiced_and_the_reason_told(trade: Trade) -> None:
    session, delivery = trade.session, shipped(trade, "10", "4")
    remark(trade, delivery, 1, MISSING, "3")
    remark(trade, delivery, 2, WRONG, "1")
    with pytest.raises(Refused, match="reason_missing"):
        answer(trade, delivery, 0, ReserveDecision.REFUSE)
    answer(trade, delivery, 0, ReserveDecision.REFUSE, "Compté deux fois, photo du quai à l'appui")
    (invoice,) = invoices.of_order(session, delivery.order)
    assert [line.quantity for line in invoice.lines] == [10, 3]
    with pytest.raises(Refused, match="reserve_already_invoiced"):  # that one left the invoice
        answer(trade, delivery, 1, ReserveDecision.REFUSE, "non")
    assert delivery.order.state is OrderState.CONFIRMED
    answer(trade, delivery, 1, ReserveDecision.CREDIT)
    assert len(invoices.of_order(session, delivery.order)) == 1  # it never was invoiced: there is nothing to credit
    assert delivery.order.state is OrderState.CLOSED


def test_nobody_answers_and_the_delivery_is_presumed_received(trade: Trade) -> None:
    session = trade.session
    trade.at = datetime(2026, 3, 12, 15, 0, tzinfo=UTC)  # a Thursday
    delivery = shipped(trade, "10")
    friday, early = datetime(2026, 3, 13, 14, 0, tzinfo=UTC), datetime(2026, 3, 16, 6, 0, tzinfo=UTC)
    for quiet in (friday, friday + timedelta(hours=5), friday + timedelta(days=1), friday + timedelta(days=2), early):
        deliveries.follow_up(session, house=trade.house, at=quiet)  # not a day yet, evening, weekend, before eight
        assert delivery.asked_again_at is None
    trade.at = datetime(2026, 3, 16, 9, 0, tzinfo=UTC)
    deliveries.follow_up(session, house=trade.house, at=trade.at)
    deliveries.follow_up(session, house=trade.house, at=trade.later(hours=2))
    assert told(session, "customer").count("receipt_reminded") == 1
    assert deliveries.presume_received(session, at=trade.at) == []
    trade.later(days=1)  # Tuesday is the third business day: it still is his
    assert deliveries.presume_received(session, at=trade.at) == []
    trade.later(days=1)
    assert deliveries.presume_received(session, at=trade.at) == [delivery]
    assert deliveries.presume_received(session, at=trade.later(days=1)) == []
    assert (delivery.state, delivery.presumed_at is not None) == (DeliveryState.SHIPPED, True)
    assert "delivery_presumed_received" in actions(session, delivery.subject)
    assert told(session, "customer")[-1] == "delivery_presumed"
    assert delivery.order.state is OrderState.CLOSED
    remark(trade, delivery, 1, MISSING, "2", "deux manquent")  # what is presumed takes no right away
    pass_six(trade)
    (invoice,) = invoices.of_order(session, delivery.order)
    assert [line.quantity for line in invoice.lines] == [8]


def test_he_is_asked_sooner_or_later_as_his_record_says(trade: Trade) -> None:
    trade.customer.receipt_days = 1
    delivery = shipped(trade, "1")  # on a Tuesday
    trade.later(days=1)
    deliveries.remind(trade.session, at=trade.at)
    assert deliveries.presume_received(trade.session, at=trade.at) == []
    assert deliveries.presume_received(trade.session, at=trade.later(days=1)) == [delivery]


def test_a_refused_delivery_comes_back_and_nothing_is_invoiced(trade: Trade) -> None:
    session, delivery = trade.session, shipped(trade, "10", "4")
    order = delivery.order
    with pytest.raises(Refused, match="reason_missing"):
        deliveries.refuse_delivery(session, delivery, reason=" ", by=trade.buyer, at=trade.at)
    back = deliveries.refuse_delivery(session, delivery, reason="Palette renversée", by=trade.buyer, at=trade.at)
    assert (delivery.state, back.state) == (DeliveryState.REFUSED, ReturnState.AGREED)
    with pytest.raises(IllegalTransition):
        trade.verify(delivery)
    assert deliveries.remaining_quantities(session, order) == {order.lines[0].id: 10, order.lines[1].id: 4}
    assert on_hand(trade, "A0") == 990  # it is on the lorry
    assert "delivery_refused_info" in told(session, Role.SALES)
    assert "return_expected" in told(session, Role.WAREHOUSE)
    counted = {1: Counted(good=Decimal(7), scrapped=Decimal(2), quarantined=Decimal(1)), 2: Counted(good=Decimal(4))}
    by = trade.by(Role.WAREHOUSE)
    with pytest.raises(Refused, match="return_above_left"), session.begin_nested():
        returns.receive(session, back, {1: Counted(Decimal(11))}, house=trade.house, by=by, at=trade.at)
    assert returns.receive(session, back, counted, house=trade.house, by=by, at=trade.at) is None
    assert (on_hand(trade, "A0"), on_hand(trade, "A1")) == (997, 1000)
    assert invoices.of_order(session, order) == []
    returns.clear_quarantine(session, back.lines[0], good=Decimal(1), scrapped=Decimal(0), by=by, at=trade.at)
    with pytest.raises(Refused, match="quarantine_above_left"):
        returns.clear_quarantine(session, back.lines[0], good=Decimal(1), scrapped=Decimal(0), by=by, at=trade.at)
    assert on_hand(trade, "A0") == 998
    second = deliveries.prepare(session, order, house=trade.house, by=trade.by(), at=trade.at)
    assert [line.quantity for line in second.lines] == [10, 4]  # what was ordered is still owed
    trade.ship(second)
    trade.verify(second)
    assert order.state is OrderState.CLOSED


def test_a_return_leads_to_stock_and_a_credit_note(trade: Trade) -> None:
    session, delivery = trade.session, shipped(trade, "10")
    trade.verify(delivery)
    (invoice,) = invoices.of_order(session, delivery.order)

    def ask(quantity: str, reason: str = "Erreur de commande") -> returns.GoodsReturn:
        wanted = {1: Decimal(quantity)}
        return returns.request(session, delivery, wanted, reason=reason, by=trade.buyer, at=trade.at)

    with pytest.raises(Refused, match="reason_missing"):
        ask("1", " ")
    with pytest.raises(Refused, match="return_above_left"):
        ask("11")
    first, refused = ask("4"), ask("6")
    with pytest.raises(Refused, match="return_above_left"):  # all of it is announced
        ask("1")
    returns.refuse(session, refused, reason="Délai dépassé", by=trade.by(), at=trade.at)
    invoices.issue_credit_note(
        session, invoice, {1: Decimal(5)}, reason="geste", returned=False, house=trade.house, by=trade.by(), at=trade.at
    )
    with pytest.raises(Refused, match="return_above_left"):  # five are credited and four announced: one is left
        ask("2")
    with pytest.raises(IllegalTransition):  # nobody has agreed to it
        returns.receive(session, first, {1: Counted(Decimal(4))}, house=trade.house, by=trade.by(), at=trade.at)
    returns.agree(session, first, by=trade.by(), at=trade.at)
    counted = {1: Counted(good=Decimal(2), scrapped=Decimal(1))}
    note = returns.receive(session, first, counted, house=trade.house, by=trade.by(Role.WAREHOUSE), at=trade.at)
    assert note is not None
    assert (note.net, note.reason, note.refers_to) == (Money.of(30), "Erreur de commande", invoice)
    assert on_hand(trade, "A0") == 992
    moves = session.execute(select(StockMovement.kind, StockMovement.quantity).order_by(StockMovement.id)).all()
    assert moves[-2:] == [(MovementKind.RETURN, 3), (MovementKind.LOSS, -1)]
    with pytest.raises(IllegalTransition):  # pressed twice
        returns.receive(session, first, counted, house=trade.house, by=trade.by(Role.WAREHOUSE), at=trade.at)
    assert payments.amount_due(session, invoice) == Money.of(24)
    assert returns.returnable(session, delivery.lines[0]) == 2
    assert {"return_noted", "return_agreed", "return_refused", "return_received"} <= set(told(session, "customer"))


def test_goods_that_came_back_are_taken_in_whatever_was_credited_since_they_were_announced(trade: Trade) -> None:
    session, delivery, who = trade.session, shipped(trade, "10", "3"), {"house": trade.house, "at": trade.at}
    trade.verify(delivery)
    (invoice,) = invoices.of_order(session, delivery.order)
    wanted = {1: Decimal(4), 2: Decimal(2)}
    back = returns.request(session, delivery, wanted, reason="trop", by=trade.buyer, at=trade.at)
    returns.agree(session, back, by=trade.by(), at=trade.at)
    credit = {"reason": "geste", "by": trade.by(), **who}
    invoices.issue_credit_note(session, invoice, {1: Decimal(7)}, returned=False, **credit)
    invoices.credit_price(session, invoice, 2, amount=invoice.lines[1].net, **credit)
    before = on_hand(trade, "A0"), on_hand(trade, "A1")
    counted = {position: Counted(good=units) for position, units in wanted.items()}
    note = returns.receive(session, back, counted, by=trade.by(Role.WAREHOUSE), **who)
    assert note is not None
    assert [(line.position, line.quantity) for line in note.lines] == [(1, 3)]  # what was left to credit
    assert (on_hand(trade, "A0"), on_hand(trade, "A1")) == (before[0] + 4, before[1] + 2)
    assert not payments.amount_due(session, invoice)


def test_what_comes_back_before_it_is_invoiced_is_not_invoiced(trade: Trade) -> None:
    session, delivery = trade.session, shipped(trade, "10")
    back = returns.request(session, delivery, {1: Decimal(4)}, reason="trop", by=trade.buyer, at=trade.at)
    returns.agree(session, back, by=trade.by(), at=trade.at)
    counted = {1: Counted(good=Decimal(4))}
    assert returns.receive(session, back, counted, house=trade.house, by=trade.by(), at=trade.at) is None
    counting = exposure.stages(trade.house)
    assert exposure.of(session, trade.customer, None, counted=counting).delivered_not_invoiced == Money.of(72)
    trade.verify(delivery)
    (invoice,) = invoices.of_order(session, delivery.order)
    assert (invoice.net, on_hand(trade, "A0")) == (Money.of(60), Decimal(994))
    assert returns.returnable(session, delivery.lines[0]) == 6


def test_the_photo_of_the_signed_note_is_the_proof(trade: Trade) -> None:
    session, delivery = trade.session, shipped(trade, "10")
    by = trade.by(Role.WAREHOUSE)

    def post(*, clean: bool) -> deliveries.DeliveryFile:
        given = {"name": "bl.jpg", "content": PHOTO, "house": trade.house, "by": by, "at": trade.at}
        return deliveries.file_signed_note(session, delivery, clean=clean, **given)

    post(clean=False)
    assert delivery.state is DeliveryState.SHIPPED
    kept = post(clean=True)
    assert (delivery.state, delivery.signed_via) == (DeliveryState.VERIFIED, f"delivery_file:{kept.id}")
    assert (delivery.verified_by, delivery.verified_at) == (str(by), trade.at)
    assert len(invoices.of_order(session, delivery.order)) == 1
    post(clean=True)  # the other page
    assert [file.kind for file in delivery.files] == [FileKind.SIGNED_NOTE] * 3
    waiting = trade.preparing(trade.confirm(trade.draft((trade.article, "1"))))
    with pytest.raises(IllegalTransition):
        deliveries.file_signed_note(
            session, waiting, name="x", content=PHOTO, house=trade.house, by=by, at=trade.at
        )  # fmt: skip


@pytest.mark.parametrize(
    ("said", "ends"),
    [
        (datetime(2026, 3, 10, 8, 0, tzinfo=UTC), datetime(2026, 3, 10, 18, tzinfo=PARIS)),
        (datetime(2026, 3, 10, 17, 30, tzinfo=UTC), datetime(2026, 3, 11, 18, tzinfo=PARIS)),
        (datetime(2026, 7, 10, 15, 0, tzinfo=UTC), datetime(2026, 7, 10, 18, tzinfo=PARIS)),
    ],
)
def test_remarks_may_be_corrected_until_six(said: datetime, ends: datetime) -> None:
    assert reserves.correction_ends(said) == ends


def test_a_deposit_of_which_nothing_is_left_to_invoice_is_told_to_accounting(trade: Trade) -> None:
    session, who = trade.session, {"house": trade.house, "by": trade.by(Role.ACCOUNTING), "at": trade.at}
    order = trade.draft((trade.article, "10"))
    order.deposit_percent = Decimal(30)
    orders.accept_recap(session, order, by=trade.buyer, at=trade.at)
    deposit = invoices.issue_deposit(session, order, label="Acompte", **who)
    payments.record(session, trade.customer, deposit.gross, settles=deposit, received_on=trade.at.date(), **who)
    delivery = trade.preparing(trade.confirm(order))
    trade.ship(delivery)
    trade.verify(delivery, reserves={1: (ReserveKind.MISSING, Decimal(10), "rien")})
    assert "deposit_to_credit" not in told(session, Role.ACCOUNTING)
    reserves.decide(session, delivery.reserves[0], ReserveDecision.CREDIT, **(who | {"by": trade.by()}))
    assert order.state is OrderState.CLOSED
    assert "deposit_to_credit" in told(session, Role.ACCOUNTING)
    (note,) = invoices.credit_deposits(session, order, reason="rien livré", **who)
    assert note.gross == payments.usable_credit(session, trade.customer) == deposit.gross
