"""A receipt is never refused for a mention that our own records lack: the invoice is held, told, and tried again."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sqlalchemy import select

from core import invoices, invoicing
from core.deliveries import DeliveryState
from core.invoices import Invoice
from core.outbox import OutboxRow


def test_a_receipt_stands_when_a_mention_is_missing_and_the_invoice_follows_once_it_is_there(trade: Any) -> None:
    butter = trade.add_article("BEU")
    session, customer = trade.session, trade.customer
    siren, customer.siren = customer.siren, ""
    order = trade.confirm(trade.draft((butter, "10")))
    delivery = trade.preparing(order)
    trade.ship(delivery)
    trade.verify(delivery)
    assert delivery.state is DeliveryState.VERIFIED
    assert session.scalars(select(Invoice)).all() == []
    held = session.scalars(select(OutboxRow).where(OutboxRow.template == "invoice_held")).all()
    assert [row.arguments["field"] for row in held] == ["buyer.siren"]
    customer.siren = siren
    for _ in range(2):
        invoicing.try_again(session, house=trade.house, at=trade.at)
    (invoice,) = session.scalars(select(Invoice)).all()
    assert invoice.number.endswith("-0001")
    assert invoice.lines[0].quantity == Decimal(10)
    assert invoices.of_order(session, order) == [invoice]
