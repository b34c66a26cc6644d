"""Preparing line by line: more and less, batches, another article, what is given up, how it leaves."""

from __future__ import annotations

from decimal import Decimal

import pytest
from sqlalchemy import select

from core import deliveries, exposure, invoices, papers, stock
from core.catalogue import Article, Substitute
from core.deliveries import Delivery, DeliveryState, Parcels, substitutes
from core.documents import DocumentKind
from core.errors import IllegalTransition, Refused
from core.money import Money
from core.orders import OrderState
from core.outbox import OutboxRow
from core.parties import Role
from core.stock import MovementKind, Reservation
from tests.core.builders import Trade


def prepared(trade: Trade, delivery: Delivery, position: int, quantity: str) -> None:
    deliveries.set_prepared(
        trade.session, delivery, position, Decimal(quantity), by=trade.by(Role.WAREHOUSE), at=trade.at
    )  # fmt: skip


def batches(trade: Trade, delivery: Delivery, *taken: tuple[str, str | None], position: int = 1) -> None:
    found = [(number, None if quantity is None else Decimal(quantity)) for number, quantity in taken]
    deliveries.set_batches(
        trade.session, delivery, position, found, by=trade.by(Role.WAREHOUSE), at=trade.at
    )  # fmt: skip


def templates(trade: Trade, audience: str) -> list[str]:
    rows = select(OutboxRow.template).where(OutboxRow.audience == audience).order_by(OutboxRow.id)
    return list(trade.session.scalars(rows))


def test_goods_that_came_meanwhile_are_promised_when_more_is_prepared(trade: Trade) -> None:
    article = trade.add_article("A", on_hand="6")
    delivery = trade.preparing(trade.confirm(trade.draft((article, "10"))))
    with pytest.raises(Refused, match="quantity_not_promised"):
        prepared(trade, delivery, 1, "8")
    stock.move(trade.session, article.id, MovementKind.RECEIPT, Decimal(3), source="truck", at=trade.at)
    prepared(trade, delivery, 1, "8")
    assert stock.shelves(trade.session, [article.id])[article.id].available == 0  # all nine are his now
    with pytest.raises(Refused, match="quantity_above_ordered"):
        prepared(trade, delivery, 1, "11")
    trade.ship(delivery)
    assert deliveries.remaining_quantities(trade.session, delivery.order) == {delivery.lines[0].order_line_id: 2}


def test_batches_add_up_to_the_line_and_lead_to_who_received_them(trade: Trade) -> None:
    session, other = trade.session, trade.add_article("A")
    delivery = trade.preparing(trade.confirm(trade.draft((trade.article, "10"), (other, "2"))))
    for wrong in ([("A123", "6")], [("A123", "6"), ("B77", "5")], [("A123", "0"), ("B77", None)], [(" ", None)], []):
        with pytest.raises(Refused, match="batches_differ"), session.begin_nested():
            batches(trade, delivery, *wrong)
    batches(trade, delivery, ("a123", "6"), ("B77", None))
    batches(trade, delivery, ("C1", None), position=2)
    prepared(trade, delivery, 2, "1")  # another quantity: its batches are to be noted again
    assert [len(line.batches) for line in delivery.lines] == [2, 0]
    assert deliveries.of_batch(session, "A123") == []  # it has not left
    note = trade.ship(delivery)
    assert [line.note for line in note.document.lines] == ["LOT A123 (6), B77 (4)", ""]
    ((found, line, batch),) = deliveries.of_batch(session, " b77")
    assert (found, line.order_line.position, batch.quantity) == (delivery, 1, 4)
    trade.verify(delivery)
    (invoice,) = invoices.of_order(session, delivery.order)
    assert invoice.paper.document.lines[0].note == "LOT A123 (6), B77 (4)"
    with pytest.raises(IllegalTransition):
        batches(trade, delivery, ("Z", None))


def test_packages_carrier_and_tracking_stand_on_the_note(trade: Trade) -> None:
    delivery, by = trade.preparing(trade.confirm(trade.draft((trade.article, "1")))), trade.by(Role.WAREHOUSE)
    with pytest.raises(Refused, match="quantity_not_positive"):
        deliveries.set_parcels(trade.session, delivery, Parcels(0), by=by, at=trade.at)
    deliveries.set_parcels(trade.session, delivery, Parcels(16, "Chronopost"), by=by, at=trade.at)
    deliveries.set_parcels(trade.session, delivery, Parcels(tracking="12345"), by=by, at=trade.at)
    note = trade.ship(delivery).document
    assert (note.packages, note.carrier, note.tracking) == (16, "Chronopost", "12345")
    with pytest.raises(IllegalTransition):
        deliveries.set_parcels(trade.session, delivery, Parcels(1), by=by, at=trade.at)


def test_the_rest_that_is_given_up_closes_when_the_delivery_leaves(trade: Trade) -> None:
    session, delivery = trade.session, trade.preparing(trade.confirm(trade.draft((trade.article, "12"))))
    prepared(trade, delivery, 1, "9")
    by = trade.by(Role.WAREHOUSE)
    deliveries.close_rest(session, delivery, 1, close=True, by=by, at=trade.at)
    order = delivery.order
    assert deliveries.remaining_quantities(session, order) == {order.lines[0].id: 12}  # nothing has left yet
    note = trade.ship(delivery)
    assert [(line.quantity, line.remaining) for line in note.document.lines] == [(9, 0)]
    assert (order.lines[0].closed_quantity, stock.available(session, trade.article.id)) == (3, 991)
    assert "order_revised" in templates(trade, "customer")
    trade.verify(delivery)
    assert order.state is OrderState.CLOSED


def short_line(trade: Trade, *, price: str = "8", unit: str = "C62") -> tuple[Delivery, Article]:
    """A line of 10 at 10 euros of which the warehouse finds nothing, and an article that may stand in for it."""
    own, other = trade.add_article("OWN", "10"), trade.add_article("OTHER", price, on_hand="50")
    other.unit = unit
    trade.session.add(Substitute(article_id=own.id, other_id=other.id, rank=0))
    return trade.preparing(trade.confirm(trade.draft((own, "10")))), other


@pytest.mark.parametrize(
    ("price", "given", "invoiced"), [("8", None, "8"), ("12", None, "10"), ("12", "11", "11"), ("10", None, "10")]
)
def test_another_article_is_invoiced_at_the_lower_price_or_the_one_an_agent_sets(
    trade: Trade, price: str, given: str | None, invoiced: str
) -> None:
    session, (delivery, other) = trade.session, short_line(trade, price=price)
    assert substitutes.possible(session, delivery.lines[0]) == [other]
    with pytest.raises(Refused, match="substitute_not_proposed"):
        substitutes.accept(session, delivery, 1, by=trade.by(), at=trade.at)
    substitutes.propose(session, delivery, 1, other, by=trade.by(Role.WAREHOUSE), at=trade.at)
    with pytest.raises(Refused, match="substitute_waits"):
        trade.ship(delivery)
    substitutes.ask_customer(session, delivery, 1, by=trade.by(), at=trade.at)
    set_to = None if given is None else Decimal(given)
    substitutes.accept(session, delivery, 1, by=trade.buyer, at=trade.at, price=set_to)
    assert (stock.available(session, trade.skus["OWN"].id), stock.available(session, other.id)) == (1000, 40)
    batches(trade, delivery, ("L9", None))
    note = trade.ship(delivery)
    assert [(line.sku, line.note) for line in note.document.lines] == [("OTHER", "LOT L9 (10) (≠ OWN Article OWN)")]
    counted = exposure.stages(trade.house)
    seen = exposure.of(session, trade.customer, None, counted=counted)
    assert seen.delivered_not_invoiced == Money.of(Decimal(invoiced) * 12)
    trade.verify(delivery)
    (invoice,) = invoices.of_order(session, delivery.order)
    assert [(line.article_id, line.unit_price) for line in invoice.lines] == [(other.id, Decimal(invoiced))]
    assert delivery.order.state is OrderState.CLOSED
    assert templates(trade, Role.SALES).count("substitute_proposed") == 1
    assert "substitute_asked" in templates(trade, "customer")


def test_less_of_another_article_leaves_and_the_rest_waits_for_the_ordered_one(trade: Trade) -> None:
    session, (delivery, other) = trade.session, short_line(trade)
    prepared(trade, delivery, 1, "6")
    substitutes.propose(session, delivery, 1, other, by=trade.by(Role.WAREHOUSE), at=trade.at)
    substitutes.accept(session, delivery, 1, by=trade.by(), at=trade.at)
    prepared(trade, delivery, 1, "5")
    trade.ship(delivery)
    assert session.scalars(select(Reservation)).all() == []
    own = trade.skus["OWN"].id
    assert (stock.available(session, own), stock.available(session, other.id)) == (1000, 45)
    rest = deliveries.prepare(session, delivery.order, house=trade.house, by=trade.by(), at=trade.at)
    assert [(line.quantity, line.article_id) for line in rest.lines] == [(5, None)]
    assert stock.available(session, own) == 995


def test_a_substitute_that_does_not_fit_is_refused_and_a_no_changes_nothing(trade: Trade) -> None:
    session, (delivery, other) = trade.session, short_line(trade, unit="KGM")
    by, own = trade.by(Role.WAREHOUSE), trade.skus["OWN"]
    assert substitutes.possible(session, delivery.lines[0]) == []
    few = trade.add_article("FEW", on_hand="9")
    for article, why in ((other, "substitute_other_unit"), (own, "substitute_same"), (few, "substitute_short")):
        with pytest.raises(Refused, match=why):
            substitutes.propose(session, delivery, 1, article, by=by, at=trade.at)
    stock.move(session, few.id, MovementKind.RECEIPT, Decimal(5), source="truck", at=trade.at)
    substitutes.propose(session, delivery, 1, few, by=by, at=trade.at)
    substitutes.refuse(session, delivery, 1, by=trade.buyer, at=trade.at)
    with pytest.raises(Refused, match="substitute_not_proposed"):
        substitutes.refuse(session, delivery, 1, by=trade.buyer, at=trade.at)
    assert [line.sku for line in trade.ship(delivery).document.lines] == ["OWN"]


def test_a_preparation_given_up_gives_the_substitute_back(trade: Trade) -> None:
    session, (delivery, other) = trade.session, short_line(trade)
    substitutes.propose(session, delivery, 1, other, by=trade.by(Role.WAREHOUSE), at=trade.at)
    substitutes.accept(session, delivery, 1, by=trade.by(), at=trade.at)
    deliveries.cancel(session, delivery, by=trade.by(), at=trade.at)
    assert (delivery.state, stock.available(session, other.id)) == (DeliveryState.CANCELLED, 50)
    again = deliveries.prepare(session, delivery.order, house=trade.house, by=trade.by(), at=trade.at)
    assert [line.article for line in again.lines] == [trade.skus["OWN"]]
    slip = papers.latest(session, DocumentKind.PREPARATION_SLIP, again.reference)
    assert slip is not None
    assert [line.sku for line in slip.document.lines] == ["OWN"]
