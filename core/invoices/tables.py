"""The tables of invoices, and who asks for which of them."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import ColumnElement, ForeignKey, Index, Text, UniqueConstraint, select, text
from sqlalchemy.orm import Mapped, Session, aliased, mapped_column, relationship

from core import papers
from core.db import PERCENT, PRICE, Base, choice
from core.deliveries import Delivery, DeliveryLine
from core.documents import DocumentKind
from core.errors import Refused
from core.identifiers import Series
from core.money import Money, total
from core.orders import Order
from core.parties import Customer
from core.vat import VatCategory, VatRate

SERIES = {DocumentKind.INVOICE: "FA", DocumentKind.DEPOSIT_INVOICE: "AC", DocumentKind.CREDIT_NOTE: "AV"}
#: The series of internal credit notes: they never leave the house, so the series of the others shows no gap outside.
INTERNAL_SERIES = "AVI"


class Invoice(Base):
    """An issued invoice, deposit invoice or credit note; amounts are positive in all three.

    `order` is None where an invoice is about the deliveries of several orders. `internal` marks the credit note that
    cancels a document its buyer or his platform refused: booked, in its own series, neither transmitted nor sent.
    """

    __tablename__ = "invoice"
    # the day of the last document of a kind, before which none may be issued; the one internal note of an invoice
    __table_args__ = (
        Index(None, "kind", "internal", "issue_date"),
        Index(
            "ix_invoice_internal_note", "refers_to_id", unique=True, sqlite_where=text("internal = 1"),
            postgresql_where=text("internal"),
        ),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[DocumentKind] = mapped_column(choice(DocumentKind))
    number: Mapped[str] = mapped_column(unique=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"), index=True)
    order_id: Mapped[int | None] = mapped_column(ForeignKey("order.id"), index=True)
    refers_to_id: Mapped[int | None] = mapped_column(ForeignKey("invoice.id"), index=True)
    paper_id: Mapped[int] = mapped_column(ForeignKey("paper.id"), unique=True)
    issue_date: Mapped[date]
    due_date: Mapped[date]
    net: Mapped[Money]
    vat: Mapped[Money]
    gross: Mapped[Money]
    prepaid: Mapped[Money]
    reason: Mapped[str] = mapped_column(Text, default="")
    internal: Mapped[bool] = mapped_column(default=False)
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
    delivery_line_id: Mapped[int | None] = mapped_column(ForeignKey("delivery_line.id"), index=True)
    article_id: Mapped[int | None] = mapped_column(ForeignKey("article.id"))
    quantity: Mapped[Decimal]
    unit_price: Mapped[Decimal] = mapped_column(PRICE)
    net: Mapped[Money]
    vat_percent: Mapped[Decimal] = mapped_column(PERCENT)
    vat_category: Mapped[VatCategory] = mapped_column(choice(VatCategory), default=VatCategory.STANDARD)
    vat_code: Mapped[str] = mapped_column(default="")
    credits_line_id: Mapped[int | None] = mapped_column(ForeignKey("invoice_line.id"), index=True)

    @property
    def vat_rate(self) -> VatRate:
        """The category, the rate and the reason at which the line was invoiced."""
        return VatRate(self.vat_percent, self.vat_category, self.vat_code)


class InvoiceDelivery(Base):
    """A delivery that an invoice is about: once, and again only after the internal credit note that set it free.

    The database holds to it: one row of a delivery names no such credit note, each other row one of its own.
    """

    __tablename__ = "invoice_delivery"
    __table_args__ = (
        UniqueConstraint("delivery_id", "freed_by_id"),
        Index(
            "ix_invoice_delivery_first", "delivery_id", unique=True, sqlite_where=text("freed_by_id IS NULL"),
            postgresql_where=text("freed_by_id IS NULL"),
        ),
    )  # fmt: skip

    invoice_id: Mapped[int] = mapped_column(ForeignKey("invoice.id"), primary_key=True)
    delivery_id: Mapped[int] = mapped_column(ForeignKey("delivery.id"), primary_key=True)
    freed_by_id: Mapped[int | None] = mapped_column(ForeignKey("invoice.id"))


class DepositDeduction(Base):
    """The part of a deposit invoice that a final invoice deducts; below zero it takes back what another had deducted.

    Its parts per VAT rate are `DepositDeductionRate` rows.
    """

    __tablename__ = "deposit_deduction"

    invoice_id: Mapped[int] = mapped_column(ForeignKey("invoice.id"), primary_key=True)
    deposit_id: Mapped[int] = mapped_column(ForeignKey("invoice.id"), primary_key=True, index=True)
    amount: Mapped[Money]


class DepositDeductionRate(Base):
    """What a deduction comes to of one line of the deposit invoice, which is one VAT rate of it: base and VAT."""

    __tablename__ = "deposit_deduction_rate"

    invoice_id: Mapped[int] = mapped_column(ForeignKey("invoice.id"), primary_key=True)
    deposit_line_id: Mapped[int] = mapped_column(ForeignKey("invoice_line.id"), primary_key=True)
    deposit_id: Mapped[int] = mapped_column(ForeignKey("invoice.id"), index=True)
    net: Mapped[Money]
    vat: Mapped[Money]
    line: Mapped[InvoiceLine] = relationship()


def by_number(session: Session, number: str) -> Invoice:
    """The issued document with that number; refuses an unknown one."""
    found = session.scalar(select(Invoice).where(Invoice.number == number.strip().upper()))
    if found is None:
        raise Refused("invoice_unknown", number=number)
    return found


def missing_numbers(session: Session) -> list[str]:
    """The numbers that a series gave and no document has: a rollback gives its number back, so there are none.

    What was cancelled, credited or refused keeps its number, in its own series.
    """
    prefixes = {*SERIES.values(), INTERNAL_SERIES}
    there = set(session.scalars(select(Invoice.number)))
    return [
        number
        for name, last in session.execute(select(Series.name, Series.last).order_by(Series.name))
        if name.partition("-")[0] in prefixes
        for number in (f"{name}-{position:04d}" for position in range(1, last + 1))
        if number not in there
    ]


def of_order(session: Session, order: Order) -> list[Invoice]:
    """Everything invoiced or credited on an order, oldest first, also together with other orders."""
    together = (
        select(InvoiceDelivery.invoice_id)
        .join(Delivery, Delivery.id == InvoiceDelivery.delivery_id)
        .where(Delivery.order_id == order.id)
    )
    theirs = (Invoice.order_id == order.id) | Invoice.id.in_(together) | Invoice.refers_to_id.in_(together)
    return list(session.scalars(select(Invoice).where(theirs).order_by(Invoice.id)))


def deliveries_of(session: Session, invoice: Invoice) -> list[Delivery]:
    """The deliveries that an invoice is about, oldest first; a credit note has none of its own."""
    query = select(Delivery).join(InvoiceDelivery).where(InvoiceDelivery.invoice_id == invoice.id)
    return list(session.scalars(query.order_by(Delivery.id)))


def cancelled_internally() -> ColumnElement[bool]:
    """In a query: an internal credit note has taken back the whole of `InvoiceDelivery.invoice_id`."""
    note = aliased(Invoice)
    return select(note.id).where(note.refers_to_id == InvoiceDelivery.invoice_id, note.internal).exists()


def invoiced() -> ColumnElement[bool]:
    """In a query over `Delivery`: an invoice stands for it, which no internal credit note has taken back."""
    return (
        select(InvoiceDelivery.invoice_id)
        .where(InvoiceDelivery.delivery_id == Delivery.id, ~cancelled_internally())
        .exists()
    )


def invoice_of(session: Session, delivery: Delivery) -> Invoice | None:
    """The invoice that stands for a delivery, or None."""
    query = select(Invoice).join(InvoiceDelivery, InvoiceDelivery.invoice_id == Invoice.id)
    return session.scalar(query.where(InvoiceDelivery.delivery_id == delivery.id, ~cancelled_internally()))


def line_of(invoice: Invoice, delivered: DeliveryLine) -> InvoiceLine | None:
    """The line of the invoice that is about this delivered line, or None."""
    ours = [line for line in invoice.lines if line.order_line_id == delivered.order_line_id]
    exact = [line for line in ours if line.delivery_line_id == delivered.id]
    return next(iter(exact or [line for line in ours if line.delivery_line_id is None]), None)


def internal_note(session: Session, invoice: Invoice) -> Invoice | None:
    """The internal credit note that cancelled the document, or None."""
    return session.scalar(select(Invoice).where(Invoice.refers_to_id == invoice.id, Invoice.internal))


def deposits_of(session: Session, order: Order) -> list[Invoice]:
    """The deposit invoices of an order, oldest first."""
    query = select(Invoice).where(Invoice.order_id == order.id, Invoice.kind == DocumentKind.DEPOSIT_INVOICE)
    return list(session.scalars(query.order_by(Invoice.id)))


def deducted(session: Session, deposit: Invoice) -> Money:
    """What invoices have deducted of a deposit; what an internal credit note took back no longer counts."""
    return total(session.scalars(select(DepositDeduction.amount).where(DepositDeduction.deposit_id == deposit.id)))


def credited_quantity(session: Session, line: InvoiceLine) -> Decimal:
    """How much of an invoiced line credit notes have already given back; a lower price gives back no quantity."""
    query = select(InvoiceLine.quantity).where(InvoiceLine.credits_line_id == line.id)
    return sum(session.scalars(query), Decimal(0))


def creditable_quantity(session: Session, line: InvoiceLine) -> Decimal:
    """How much of an invoiced line may still be credited: none of it once its whole price was given back."""
    return line.quantity - credited_quantity(session, line) if left_net(session, line) else Decimal(0)


def credited_net(session: Session, line: InvoiceLine) -> Money:
    """What credit notes have given back of an invoiced line, without VAT."""
    return total(session.scalars(select(InvoiceLine.net).where(InvoiceLine.credits_line_id == line.id)))


def left_net(session: Session, line: InvoiceLine) -> Money:
    """What is left to credit of an invoiced line, without VAT: of a deposit, what no invoice deducts either."""
    taken = select(DepositDeductionRate.net).where(DepositDeductionRate.deposit_line_id == line.id)
    return line.net - credited_net(session, line) - total(session.scalars(taken))
