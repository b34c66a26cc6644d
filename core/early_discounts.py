"""Early-payment discounts (escompte): what paying early earns, as the invoice promised it, and what was granted.

A discount is not deducted on the invoice: granted at payment, it lowers price and VAT then (accounts 665 and 44571).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sqlalchemy import ForeignKey, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from core import deposits, formats, mentions
from core.db import PERCENT, Base
from core.documents import Document, DocumentKind
from core.money import ZERO, Money

if TYPE_CHECKING:
    from core.invoices import Invoice
    from core.parties import Customer
    from core.payments import Payment
    from core.reversals import PaymentReversal
    from core.settings import House


@dataclass(frozen=True, slots=True)
class Offer:
    """What paying a document early earns: a share of what is due, until a day."""

    percent: Decimal
    until: date

    def on(self, due: Money, *, paid_on: date) -> Money:
        """The discount on that amount; zero after the last day."""
        return Money.of(due.amount * self.percent / 100) if paid_on <= self.until else ZERO


class EarlyDiscount(Base):
    """What a payment within the time earned on one invoice, VAT included; below zero when that payment was rejected."""

    __tablename__ = "early_discount"

    id: Mapped[int] = mapped_column(primary_key=True)
    payment_id: Mapped[int] = mapped_column(ForeignKey("payment.id"), index=True)
    invoice_id: Mapped[int] = mapped_column(ForeignKey("invoice.id"), index=True)
    reversal_id: Mapped[int | None] = mapped_column(ForeignKey("payment_reversal.id"), index=True)
    amount: Mapped[Money]
    granted_on: Mapped[date]
    granted_at: Mapped[datetime]
    parts: Mapped[list[EarlyDiscountPart]] = relationship(order_by="EarlyDiscountPart.id")

    @property
    def subject(self) -> str:
        """The discount as the subject of journal lines."""
        return f"early_discount:{self.id}"


class EarlyDiscountPart(Base):
    """The part of a discount at one VAT rate: net (665) and VAT (44571) together are exact to the cent."""

    __tablename__ = "early_discount_part"

    id: Mapped[int] = mapped_column(primary_key=True)
    early_discount_id: Mapped[int] = mapped_column(ForeignKey("early_discount.id"), index=True)
    vat_percent: Mapped[Decimal] = mapped_column(PERCENT)
    net: Mapped[Money]
    vat: Mapped[Money]


def printed(customer: Customer, house: House, kind: DocumentKind, *, on: date) -> dict[str, Any]:
    """What an invoice of that day promises for early payment, as fields of a `Document`; empty when it earns nothing.

    The customer's own terms come before the house's; deposits and credit notes earn nothing.
    """
    percent = house.early_discount_percent if customer.discount_percent is None else customer.discount_percent
    days = house.early_discount_days if customer.discount_days is None else customer.discount_days
    if not percent or days <= 0 or kind is not DocumentKind.INVOICE:
        return {}
    shown = formats.percent(percent, customer.language, places=2)
    words = mentions.wording("early_discount", on=on, language=customer.language, percent=shown, days=str(days))
    return {"early_percent": percent, "early_days": days, "discount_terms": words}


def offer(document: Document) -> Offer | None:
    """What the issued document promised; None when early payment earns nothing."""
    if not document.early_percent:
        return None
    return Offer(document.early_percent, document.issue_date + timedelta(days=document.early_days))


def earned(invoice: Invoice, due: Money, *, paid_on: date) -> Money:
    """What paying all that is due on that day earns; zero when nothing was promised or the day has passed."""
    promised = offer(invoice.paper.document)
    return promised.on(due, paid_on=paid_on) if promised is not None else ZERO


def grant(session: Session, payment: Payment, invoice: Invoice, amount: Money, *, at: datetime) -> EarlyDiscount:
    """Note the discount with its VAT, split over the invoice's rates as they are in its total; settles that much."""
    from core.payments import Allocation

    rows = invoice.paper.document.totals.breakdown
    shares = deposits.shares(amount, [row.base + row.vat for row in rows])
    discount = EarlyDiscount(
        payment_id=payment.id, invoice_id=invoice.id, amount=amount, granted_on=payment.received_on, granted_at=at
    )
    for row, share in zip(rows, shares, strict=True):
        vat = Money.of(share.amount * row.rate.percent / (100 + row.rate.percent))
        discount.parts.append(EarlyDiscountPart(vat_percent=row.rate.percent, net=share - vat, vat=vat))
    session.add(discount)
    session.flush()
    session.add(Allocation(invoice_id=invoice.id, amount=amount, settled_at=at, early_discount_id=discount.id))
    return discount


def take_back(session: Session, reversal: PaymentReversal, *, at: datetime) -> None:
    """Undo what a payment that came back had earned: the same discounts below zero."""
    from core.payments import Allocation

    query = select(EarlyDiscount).where(
        EarlyDiscount.payment_id == reversal.payment_id, EarlyDiscount.reversal_id.is_(None)
    )
    for granted in list(session.scalars(query)):
        undone = EarlyDiscount(
            payment_id=granted.payment_id, invoice_id=granted.invoice_id, reversal_id=reversal.id,
            amount=-granted.amount, granted_on=reversal.reversed_on, granted_at=at,
        )  # fmt: skip
        undone.parts = [
            EarlyDiscountPart(vat_percent=part.vat_percent, net=-part.net, vat=-part.vat) for part in granted.parts
        ]
        session.add(undone)
        session.flush()
        session.add(
            Allocation(
                invoice_id=undone.invoice_id, amount=undone.amount, settled_at=at, early_discount_id=undone.id,
                reversal_id=reversal.id,
            )
        )  # fmt: skip
