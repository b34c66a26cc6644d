"""The tables of invoices, and who asks for which of them."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import ForeignKey, Text, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from core import papers
from core.db import PERCENT, PRICE, Base, choice
from core.documents import DocumentKind
from core.errors import Refused
from core.money import Money, total
from core.orders import Order
from core.parties import Customer

SERIES = {DocumentKind.INVOICE: "FA", DocumentKind.DEPOSIT_INVOICE: "AC", DocumentKind.CREDIT_NOTE: "AV"}


class Invoice(Base):
    """An issued invoice, deposit invoice or credit note; amounts are positive in all three."""

    __tablename__ = "invoice"

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[DocumentKind] = mapped_column(choice(DocumentKind))
    number: Mapped[str] = mapped_column(unique=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"), index=True)
    order_id: Mapped[int | None] = mapped_column(ForeignKey("order.id"), index=True)
    delivery_id: Mapped[int | None] = mapped_column(ForeignKey("delivery.id"), unique=True)
    refers_to_id: Mapped[int | None] = mapped_column(ForeignKey("invoice.id"), index=True)
    paper_id: Mapped[int] = mapped_column(ForeignKey("paper.id"), unique=True)
    issue_date: Mapped[date]
    due_date: Mapped[date]
    net: Mapped[Money]
    vat: Mapped[Money]
    gross: Mapped[Money]
    prepaid: Mapped[Money]
    reason: Mapped[str] = mapped_column(Text, default="")
    issued_at: Mapped[datetime]
    customer: Mapped[Customer] = relationship()
    order: Mapped[Order | None] = relationship()
    paper: Mapped[papers.Paper] = relationship()
    refers_to: Mapped[Invoice | None] = relationship(remote_side="Invoice.id")
    lines: Mapped[list[InvoiceLine]] = relationship(order_by="InvoiceLine.position")

    @property
    def subject(self) -> str:
        """The invoice as the subject of journal lines and outbox rows."""
        return f"invoice:{self.id}"

    @property
    def payable(self) -> Money:
        """What was to be paid when it was issued: gross less the deposits it deducts."""
        return self.gross - self.prepaid


class InvoiceLine(Base):
    """One invoiced line, kept beside the frozen paper so that it can be credited and counted."""

    __tablename__ = "invoice_line"

    id: Mapped[int] = mapped_column(primary_key=True)
    invoice_id: Mapped[int] = mapped_column(ForeignKey("invoice.id"), index=True)
    position: Mapped[int]
    order_line_id: Mapped[int | None] = mapped_column(ForeignKey("order_line.id"), index=True)
    article_id: Mapped[int | None] = mapped_column(ForeignKey("article.id"))
    quantity: Mapped[Decimal]
    unit_price: Mapped[Decimal] = mapped_column(PRICE)
    net: Mapped[Money]
    vat_percent: Mapped[Decimal] = mapped_column(PERCENT)
    credits_line_id: Mapped[int | None] = mapped_column(ForeignKey("invoice_line.id"), index=True)


class DepositDeduction(Base):
    """The part of a deposit invoice that a final invoice deducts."""

    __tablename__ = "deposit_deduction"

    invoice_id: Mapped[int] = mapped_column(ForeignKey("invoice.id"), primary_key=True)
    deposit_id: Mapped[int] = mapped_column(ForeignKey("invoice.id"), primary_key=True, index=True)
    amount: Mapped[Money]


def by_number(session: Session, number: str) -> Invoice:
    """The issued document with that number; refuses an unknown one."""
    found = session.scalar(select(Invoice).where(Invoice.number == number.strip().upper()))
    if found is None:
        raise Refused("invoice_unknown", number=number)
    return found


def of_order(session: Session, order: Order) -> list[Invoice]:
    """Everything invoiced or credited on an order, oldest first."""
    return list(session.scalars(select(Invoice).where(Invoice.order_id == order.id).order_by(Invoice.id)))


def deposits_of(session: Session, order: Order) -> list[Invoice]:
    """The deposit invoices of an order, oldest first."""
    query = select(Invoice).where(Invoice.order_id == order.id, Invoice.kind == DocumentKind.DEPOSIT_INVOICE)
    return list(session.scalars(query.order_by(Invoice.id)))


def deducted(session: Session, deposit: Invoice) -> Money:
    """What invoices have already deducted of a deposit."""
    return total(session.scalars(select(DepositDeduction.amount).where(DepositDeduction.deposit_id == deposit.id)))


def credited_quantity(session: Session, line: InvoiceLine) -> Decimal:
    """How much of an invoiced line credit notes have already given back."""
    query = select(InvoiceLine.quantity).where(InvoiceLine.credits_line_id == line.id)
    return sum(session.scalars(query), Decimal(0))


def credited_net(session: Session, line: InvoiceLine) -> Money:
    """What credit notes have given back of an invoiced line, without VAT."""
    return total(session.scalars(select(InvoiceLine.net).where(InvoiceLine.credits_line_id == line.id)))
