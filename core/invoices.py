"""Invoices, deposit invoices and credit notes: they exist only once issued, and never change.

A preview is a pure computation (`document_for_delivery` without a number). Issuing takes the number, writes the row,
its lines, the frozen paper, the journal line and the outbox rows in one transaction. There is no delete: a credit note.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sqlalchemy import ForeignKey, Text, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from core import deposits, early_discounts, events, facturx, journal, mentions, orders, papers, sale_terms, stock, terms
from core.clock import business_date
from core.db import PERCENT, PRICE, Base, choice
from core.deliveries import Delivery, DeliveryState, delivery_place, shipped_quantities
from core.documents import Document, DocumentKind, DocumentLine, Reference
from core.errors import Refused, TryLater
from core.identifiers import next_number
from core.journal import Actor
from core.means import PaymentMeans
from core.money import ZERO, Money, rounded, total
from core.orders import Order, OrderState
from core.parties import Customer
from core.quotes import Quote, QuoteState, packed
from core.vat import VatRate, totals

if TYPE_CHECKING:
    from core.settings import House

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


@dataclasses.dataclass(frozen=True, slots=True)
class _Source:
    """Where a document line comes from, beside what it prints; `counted` is which part of a line it credits."""

    line: DocumentLine
    order_line_id: int | None = None
    article_id: int | None = None
    credits_line_id: int | None = None
    counted: Decimal | None = None


def _issue(
    session: Session,
    document: Document,
    sources: list[_Source],
    *,
    customer: Customer,
    order: Order | None,
    by: Actor,
    at: datetime,
    delivery: Delivery | None = None,
    refers_to: Invoice | None = None,
    event: str,
) -> Invoice:
    if not sources:
        raise Refused("nothing_to_invoice")
    facturx.ensure_complete(dataclasses.replace(document, lines=tuple(source.line for source in sources)))
    number = next_number(session, SERIES[document.kind], on=document.issue_date)
    latest = session.scalar(select(func.max(Invoice.issue_date)).where(Invoice.kind == document.kind))
    if latest is not None and latest > document.issue_date:  # at midnight another issuer was faster
        raise TryLater("issue_date_before_last", latest=latest)
    document = dataclasses.replace(document, number=number, lines=tuple(source.line for source in sources))
    sums = document.totals
    paper = papers.freeze(
        session, document, customer_id=customer.id, order_id=order.id if order is not None else None, at=at
    )
    assert document.due_date is not None  # noqa: S101 - every invoice document is built with one
    invoice = Invoice(
        kind=document.kind, number=number, customer=customer, order=order, refers_to=refers_to, paper=paper,
        delivery_id=delivery.id if delivery is not None else None,
        issue_date=document.issue_date, due_date=document.due_date, net=sums.net, vat=sums.vat,
        gross=sums.gross, prepaid=document.prepaid, reason=document.reason, issued_at=at,
    )  # fmt: skip
    session.add(invoice)
    session.flush()
    for source in sources:
        line = source.line
        assert line.unit_price is not None and line.net is not None and line.vat is not None  # noqa: S101, PT018 - priced
        session.add(
            InvoiceLine(
                invoice_id=invoice.id,
                position=line.position,
                order_line_id=source.order_line_id,
                article_id=source.article_id,
                quantity=source.counted if source.counted is not None else line.quantity,
                unit_price=line.unit_price,
                net=line.net,
                vat_percent=line.vat.percent,
                credits_line_id=source.credits_line_id,
            )
        )
    journal.write(
        session, f"{document.kind}_issued", subject=invoice.subject, by=by, at=at, number=number,
        gross=sums.gross, payload_hash=paper.payload_hash,
    )  # fmt: skip
    events.emit(session, event, invoice, at=at, paper=paper)
    return invoice


def _head(
    session: Session, kind: DocumentKind, customer: Customer, order: Order | None, house: House, *, at: datetime
) -> Document:
    today = business_date(at)
    agreed = order.payment_terms if order is not None else customer.payment_terms
    return Document(
        kind=kind, number="", issue_date=today, seller=house.as_party(), accent=house.accent, buyer=customer.as_party(),
        logo=house.emblem,
        language=customer.language, due_date=terms.parse(agreed).due_date(today),
        payment_terms=agreed, penalty_rate=house.penalty_rate,
        terms_version=sale_terms.version_on(session, house, on=today),
        **early_discounts.printed(customer, house, kind, on=today), **payment_means(customer, house),
        deliver_to=delivery_place(order) if order is not None else None,
        order_reference=order.reference if order is not None else "",
        buyer_order_number=order.customer_reference if order is not None else "",
        buyer_order_date=order.customer_reference_date if order is not None else None,
    )  # fmt: skip


def payment_means(customer: Customer, house: House) -> dict[str, Any]:
    """How the customer pays, as fields of a `Document`: a direct debit names its mandate, creditor and account."""
    if customer.payment_means is not PaymentMeans.DIRECT_DEBIT:
        return {"payment_means": customer.payment_means.value}
    return {
        "payment_means": customer.payment_means.value, "mandate_reference": customer.mandate_reference,
        "creditor_id": house.creditor_id, "debited_account": customer.debited_iban,
    }  # fmt: skip


def document_for_delivery(session: Session, delivery: Delivery, *, house: House, at: datetime) -> Document:
    """What the invoice of a delivery would say if it were issued now: pure, numberless, nothing written."""
    order = delivery.order
    document = dataclasses.replace(
        _head(session, DocumentKind.INVOICE, order.customer, order, house, at=at),
        delivery_date=business_date(delivery.shipped_at) if delivery.shipped_at else None,
        delivery_notes=(Reference(delivery.reference, business_date(delivery.shipped_at or at)),),
        lines=tuple(source.line for source in _delivered(delivery)),
    )
    deposits = _deductible(session, order, document.totals.gross)
    if not deposits:
        return document
    return dataclasses.replace(
        document, business_process="B4",
        deposits=tuple(Reference(d.number, d.issue_date, amount) for d, amount in deposits),
    )  # fmt: skip


def _delivered(delivery: Delivery) -> list[_Source]:
    sources: list[_Source] = []
    for line in delivery.lines:
        ordered, quantity = line.order_line, line.invoiceable
        article = ordered.article
        if article is None or ordered.unit_price is None or quantity <= 0:
            continue
        printed = DocumentLine(
            position=len(sources) + 1, sku=article.sku, name=article.name, quantity=quantity, unit=article.unit,
            packaging=packed(ordered.packaging, ordered.packaging_count) if quantity == ordered.quantity else "",
            unit_price=ordered.unit_price, net=Money.of(quantity * ordered.unit_price), vat=article.vat_rate,
            buyer_reference=ordered.customer_reference, gtin=article.gtin, list_price=ordered.gross_price,
        )  # fmt: skip
        sources.append(_Source(printed, order_line_id=ordered.id, article_id=article.id))
    return sources


def issue_for_delivery(session: Session, delivery: Delivery, *, house: House, by: Actor, at: datetime) -> Invoice:
    """Issue the invoice of a verified delivery, once; deposits are absorbed by the first invoices."""
    if delivery.state is not DeliveryState.VERIFIED:
        raise Refused("delivery_not_verified", reference=delivery.reference)
    if session.scalar(select(Invoice.id).where(Invoice.delivery_id == delivery.id)) is not None:
        raise Refused("delivery_already_invoiced", reference=delivery.reference)
    document = document_for_delivery(session, delivery, house=house, at=at)
    invoice = _issue(
        session, document, _delivered(delivery), customer=delivery.order.customer, order=delivery.order, by=by, at=at,
        delivery=delivery, event="invoice_issued",
    )  # fmt: skip
    for deposit, amount in _deductible(session, delivery.order, document.totals.gross):
        session.add(DepositDeduction(invoice_id=invoice.id, deposit_id=deposit.id, amount=amount))
    session.flush()
    # a deposit let through unpaid, or more than came: beside the last invoice it would be owed a second time
    if not _to_invoice(session, delivery.order) and uncredited_deposits(session, delivery.order):
        reason = mentions.wording(
            "deposit_given_back", on=invoice.issue_date, language=invoice.customer.language, number=invoice.number
        )
        credit_deposits(session, delivery.order, reason=reason, house=house, by=by, at=at)
    return invoice


def deposits_of(session: Session, order: Order) -> list[Invoice]:
    """The deposit invoices of an order, oldest first."""
    query = select(Invoice).where(Invoice.order_id == order.id, Invoice.kind == DocumentKind.DEPOSIT_INVOICE)
    return list(session.scalars(query.order_by(Invoice.id)))


def _deductible(session: Session, order: Order, gross: Money) -> list[tuple[Invoice, Money]]:
    """Which deposits an invoice of `gross` absorbs, and how much of each; only what was paid is deducted."""
    from core import payments

    parts = []
    for deposit in deposits_of(session, order):
        kept = min(payments.allocated(session, deposit), deposit.gross - payments.credited(session, deposit))
        part = min(kept - deducted(session, deposit), gross)
        if part > ZERO:
            parts.append((deposit, part))
            gross -= part
    return parts


def deducted(session: Session, deposit: Invoice) -> Money:
    """What invoices have already deducted of a deposit."""
    return total(session.scalars(select(DepositDeduction.amount).where(DepositDeduction.deposit_id == deposit.id)))


def issue_deposit(session: Session, order: Order, *, house: House, by: Actor, at: datetime, label: str) -> Invoice:
    """Issue the deposit invoice of an order that its customer accepted; VAT is due at receipt (since 01/01/2023).

    Accepted is a draft with its recap or its quote; a registered order may still ask for what blocks its preparation
    or its shipping, while nothing has left. `label` is the printed text of its lines. One line per VAT rate of the
    order; an order that grew since its first deposit invoice gets one for the difference.
    """
    orders.lock(session, order.id)
    asked = deposits.bases(order)
    if order.state not in {OrderState.DRAFT, OrderState.CONFIRMED} or not any(asked.values()):
        raise Refused("no_deposit_due", reference=order.reference)
    if order.state is OrderState.CONFIRMED and shipped_quantities(session, order):
        raise Refused("order_already_shipped", reference=order.reference)
    if order.state is OrderState.DRAFT and not _accepted(session, order):
        raise Refused("recap_not_accepted", reference=order.reference)
    missing = totals(asked.items()).gross
    bases = dict(asked)
    for deposit in deposits_of(session, order):
        missing -= deposit.gross - _credited(session, deposit)
        for known in deposit.lines:
            rate, left = VatRate(known.vat_percent), known.net - _credited_net(session, known)
            bases[rate] = bases.get(rate, ZERO) - left
    bases = {rate: net for rate, net in bases.items() if net > ZERO}
    if totals(bases.items()).gross > missing:  # lines went from one rate to another: no more than what is missing
        bases = deposits.spread(max(missing, ZERO), bases)
    sources: list[_Source] = []
    for rate, net in bases.items():
        if net <= ZERO:
            continue
        line = DocumentLine(
            position=len(sources) + 1, sku="", name=label, quantity=Decimal(1), unit="", unit_price=net.amount,
            net=net, vat=rate,
        )  # fmt: skip
        sources.append(_Source(line))
    if not sources:
        raise Refused("deposit_already_invoiced", reference=order.reference)
    document = dataclasses.replace(
        _head(session, DocumentKind.DEPOSIT_INVOICE, order.customer, order, house, at=at),
        due_date=business_date(at), payment_terms="", deposit_percent=order.deposit_percent,
    )  # fmt: skip
    return _issue(
        session, document, sources, customer=order.customer, order=order, by=by, at=at, event="deposit_issued"
    )


def _accepted(session: Session, order: Order) -> bool:
    """The customer said yes to the recap of this draft, or to the quote it was made from."""
    if order.recap_accepted_at is not None:
        return True
    quote = session.get(Quote, order.quote_id) if order.quote_id is not None else None
    return quote is not None and quote.state is QuoteState.ACCEPTED


def uncredited_deposits(session: Session, order: Order) -> list[tuple[Invoice, Money]]:
    """The deposit invoices of the order with what neither an invoice deducted nor a credit note gave back."""
    found = (
        (deposit, deposit.gross - _credited(session, deposit) - deducted(session, deposit))
        for deposit in deposits_of(session, order)
    )
    return [(deposit, left) for deposit, left in found if left > ZERO]


def credit_deposits(
    session: Session, order: Order, *, reason: str, house: House, by: Actor, at: datetime
) -> list[Invoice]:
    """Give back by credit notes what no invoice will deduct of the order's deposits; what was paid of it stays his.

    Refuses an order that may still be invoiced.
    """
    from core import registration

    # two colleagues who press at once, or one who credits a line: each must see what the other gave back
    held = select(Invoice.id).where(Invoice.order_id == order.id, Invoice.kind == DocumentKind.DEPOSIT_INVOICE)
    session.execute(held.order_by(Invoice.id).with_for_update())
    if order.state is not OrderState.CANCELLED and _to_invoice(session, order):
        raise Refused("deposit_still_to_deduct", reference=order.reference)
    notes = [
        _credit_deposit(session, deposit, left, reason=reason, house=house, by=by, at=at)
        for deposit, left in uncredited_deposits(session, order)
    ]
    if not notes:
        raise Refused("no_deposit_to_credit", reference=order.reference)
    registration.look_again(session, order.customer, house=house, at=at)
    return notes


def _to_invoice(session: Session, order: Order) -> bool:
    """Something of the order is still to leave, on its way, or received and not invoiced."""
    from core.deliveries import of_order, remaining_quantities

    open_states = {DeliveryState.PREPARING, DeliveryState.SHIPPED}
    known = of_order(session, order)
    invoiced = set(session.scalars(select(Invoice.delivery_id).where(Invoice.order_id == order.id)))
    held = any(
        delivery.state is DeliveryState.VERIFIED and delivery.id not in invoiced
        and any(line.invoiceable > 0 for line in delivery.lines)
        for delivery in known
    )  # fmt: skip
    return held or any(d.state in open_states for d in known) or bool(remaining_quantities(session, order))


def _credit_deposit(
    session: Session, deposit: Invoice, left: Money, *, reason: str, house: House, by: Actor, at: datetime
) -> Invoice:
    """A credit note of a part of a deposit, VAT included, spread over its rates as they are left.

    Where the VAT of no base comes to that amount it is one cent more: nobody is ever reminded of a cent.
    """
    frozen = {line.position: line for line in deposit.paper.document.lines}
    nets = {line.position: line.net - _credited_net(session, line) for line in deposit.lines}
    rates = {VatRate(line.vat_percent): nets[line.position] for line in deposit.lines}
    whole = totals(rates.items()).gross == left
    parts = rates if whole else deposits.spread(left, rates, at_least=True)
    sources: list[_Source] = []
    for line in deposit.lines:
        net = parts.get(VatRate(line.vat_percent), ZERO)
        if net > ZERO:
            printed = dataclasses.replace(
                frozen[line.position], position=len(sources) + 1, quantity=Decimal(1), unit_price=net.amount, net=net
            )
            sources.append(_Source(printed, credits_line_id=line.id, counted=rounded(net.amount / line.net.amount, 4)))
    return _credit(session, deposit, sources, reason=reason, house=house, by=by, at=at)


def credited_quantity(session: Session, line: InvoiceLine) -> Decimal:
    """How much of an invoiced line credit notes have already given back."""
    query = select(InvoiceLine.quantity).where(InvoiceLine.credits_line_id == line.id)
    return sum(session.scalars(query), Decimal(0))


def _credited(session: Session, invoice: Invoice) -> Money:
    from core import payments

    return payments.credited(session, invoice)


def _credited_net(session: Session, line: InvoiceLine) -> Money:
    return total(session.scalars(select(InvoiceLine.net).where(InvoiceLine.credits_line_id == line.id)))


def issue_credit_note(
    session: Session, invoice: Invoice, quantities: Mapping[int, Decimal], *, reason: str, returned: bool,
    house: House, by: Actor, at: datetime,
) -> Invoice:  # fmt: skip
    """Credit quantities of an invoice's lines by position, never more than is left; returned goods go back in stock.

    The credit note names the original's number and date (BR-FR-CO-04).
    """
    from core import registration

    if invoice.kind is DocumentKind.CREDIT_NOTE:
        raise Refused("credit_of_credit", number=invoice.number)
    if not reason.strip():
        raise Refused("reason_missing")
    if returned:  # levels are locked before the journal, as everywhere
        stock.hold(session, (line.article_id for line in invoice.lines if line.position in quantities))
    # two credit notes of one invoice are issued one after the other: each must see what the other gave back
    session.execute(select(Invoice.id).where(Invoice.id == invoice.id).with_for_update())
    frozen = {line.position: line for line in invoice.paper.document.lines}
    sources: list[_Source] = []
    for position, quantity in sorted(quantities.items()):
        original = next((line for line in invoice.lines if line.position == position), None)
        if original is None:
            raise Refused("line_unknown", reference=invoice.number, position=position)
        left = original.quantity - credited_quantity(session, original)
        if not 0 < quantity <= left:
            raise Refused("credit_above_left", number=invoice.number, position=position, left=left)
        net_left = original.net - _credited_net(session, original)  # parts are rounded: together never above the line
        net = net_left if quantity == left else min(Money.of(quantity * original.unit_price), net_left)
        printed = dataclasses.replace(
            frozen[position], position=len(sources) + 1, quantity=quantity, net=net,
            packaging=frozen[position].packaging if quantity == original.quantity else "",
        )  # fmt: skip
        sources.append(
            _Source(
                printed,
                order_line_id=original.order_line_id,
                article_id=original.article_id,
                credits_line_id=original.id,
            )
        )
    note = _credit(session, invoice, sources, reason=reason, house=house, by=by, at=at)
    if returned:
        for source in sources:
            if source.article_id is not None:
                stock.move(
                    session, source.article_id, stock.MovementKind.RETURN, source.line.quantity, source=note.subject,
                    at=at,
                )  # fmt: skip
    session.flush()
    registration.look_again(session, invoice.customer, house=house, at=at)
    return note


def _credit(
    session: Session, invoice: Invoice, sources: list[_Source], *, reason: str, house: House, by: Actor, at: datetime
) -> Invoice:
    from core import registration

    registration.note_verdicts(session, invoice.customer, house=house, at=at)
    document = dataclasses.replace(
        _head(session, DocumentKind.CREDIT_NOTE, invoice.customer, invoice.order, house, at=at),
        preceding_invoices=(Reference(invoice.number, invoice.issue_date),), reason=reason, payment_terms="",
        type_code="503" if invoice.kind is DocumentKind.DEPOSIT_INVOICE else "",
    )  # fmt: skip
    return _issue(
        session, document, sources, customer=invoice.customer, order=invoice.order, by=by, at=at,
        refers_to=invoice, event="credit_note_issued",
    )  # fmt: skip


def by_number(session: Session, number: str) -> Invoice:
    """The issued document with that number; refuses an unknown one."""
    found = session.scalar(select(Invoice).where(Invoice.number == number.strip().upper()))
    if found is None:
        raise Refused("invoice_unknown", number=number)
    return found


def of_order(session: Session, order: Order) -> list[Invoice]:
    """Everything invoiced or credited on an order, oldest first."""
    return list(session.scalars(select(Invoice).where(Invoice.order_id == order.id).order_by(Invoice.id)))
