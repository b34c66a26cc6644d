"""Papers of the gallery about what is sold and delivered."""

from __future__ import annotations

import dataclasses
from datetime import date
from decimal import Decimal

from bot.gallery.samples import batched, data, delivered, discounted, lines_of, long, paper, party, untaxed
from core.documents import (
    Document,
    DocumentKind,
    Reference,
)


def sales() -> dict[str, Document]:
    """Quotes and order confirmations."""
    texts = data()["texts"]
    return {
        "quote": paper(
            DocumentKind.QUOTE, "DV-2026-00058", lines_of(6), valid_until=date(2026, 12, 24), order_reference="",
            buyer_order_number="", buyer_order_date=None, payment_terms=texts["terms"], deposit_percent=Decimal(30),
        ),
        "quote-english": paper(
            DocumentKind.QUOTE, "DV-2026-00059", untaxed(lines_of(3)), valid_until=date(2026, 12, 24), language="en",
            order_reference="", buyer_order_number="", buyer_order_date=None, buyer=party("buyers", "english"),
        ),
        "quote-discounts-english": paper(
            DocumentKind.QUOTE, "DV-2026-00060", discounted(lines_of(4)), valid_until=date(2026, 12, 24), revision=1,
            order_reference="", buyer_order_number="", buyer_order_date=None, buyer=party("buyers", "british"),
            language="en", payment_terms=texts["terms_english"],
        ),
        "quote-40-lines": paper(
            DocumentKind.QUOTE, "DV-2026-00061", lines_of(40), valid_until=date(2026, 12, 24), order_reference="",
            buyer_order_number="", buyer_order_date=None, buyer=party("buyers", "long"),
        ),
        "order-confirmation-english": paper(
            DocumentKind.ORDER_CONFIRMATION, texts["order"], untaxed(lines_of(5)), payment_terms=texts["terms_english"],
            requested_delivery_date=date(2026, 11, 27), language="en", buyer=party("buyers", "english"),
        ),
        "order-confirmation-revised": paper(
            DocumentKind.ORDER_CONFIRMATION, texts["order"], discounted(lines_of(3)), payment_terms=texts["terms"],
            revision=2, replaces=Reference(texts["order"], date(2026, 11, 20)),
        ),
        "order-confirmation": paper(
            DocumentKind.ORDER_CONFIRMATION, texts["order"], lines_of(8), payment_terms=texts["terms"],
            requested_delivery_date=date(2026, 11, 27), quote=Reference("DV-2026-00058", date(2026, 11, 12)),
            notes=(texts["note"],), deliver_to=party("places", "depot"),
        ),
    }  # fmt: skip


def deliveries() -> dict[str, Document]:
    """Preparation slips and delivery notes."""
    whole, partial = lines_of(6, priced=False), list(lines_of(5, priced=False))
    partial[1] = dataclasses.replace(partial[1], quantity=Decimal(4), remaining=partial[1].quantity - 4)
    partial[3] = dataclasses.replace(partial[3], quantity=Decimal(0), remaining=partial[3].quantity)
    partial[4] = dataclasses.replace(partial[4], ordered=partial[4].quantity + 12, delivered=Decimal(12))
    return {
        "preparation-slip": paper(
            DocumentKind.PREPARATION_SLIP, "BL-2026-00187", whole, requested_delivery_date=date(2026, 11, 27)
        ),
        "preparation-slip-english": paper(
            DocumentKind.PREPARATION_SLIP, "BL-2026-00191", whole[:4], language="en", buyer=party("buyers", "english")
        ),
        "preparation-slip-40-lines": paper(DocumentKind.PREPARATION_SLIP, "BL-2026-00190", lines_of(40, priced=False)),
        "delivery-note": paper(
            DocumentKind.DELIVERY_NOTE, "BL-2026-00187", batched(whole), delivery_date=date(2026, 11, 23), packages=7,
            deliver_to=party("places", "depot"), carrier=data()["texts"]["carrier"], tracking="6A 04417 82911 3",
        ),
        "delivery-note-english": paper(
            DocumentKind.DELIVERY_NOTE, "BL-2026-00191", tuple(partial), delivery_date=date(2026, 11, 23), packages=3,
            language="en", buyer=party("buyers", "english"), carrier=data()["texts"]["carrier"], tracking="1Z 999",
        ),
        "delivery-note-prices": paper(
            DocumentKind.DELIVERY_NOTE, "BL-2026-00192", delivered(lines_of(4)), delivery_date=date(2026, 11, 23),
            shows_prices=True,
        ),
        "delivery-note-long-names": paper(
            DocumentKind.DELIVERY_NOTE, "BL-2026-00193", long(lines_of(3, priced=False)), packages=2,
            delivery_date=date(2026, 11, 23), buyer=party("buyers", "long"), deliver_to=party("buyers", "long"),
        ),
        "delivery-note-backorder": paper(
            DocumentKind.DELIVERY_NOTE, "BL-2026-00188", tuple(partial), delivery_date=date(2026, 11, 23), packages=4,
        ),
        "delivery-note-40-lines": paper(
            DocumentKind.DELIVERY_NOTE, "BL-2026-00190", lines_of(40, priced=False), delivery_date=date(2026, 11, 24)
        ),
    }  # fmt: skip
