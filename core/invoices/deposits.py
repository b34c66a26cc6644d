"""Deposit invoices: asked for, deducted by the invoices of what was delivered, given back by credit notes."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import deposits, journal, orders
from core.clock import business_date
from core.deliveries import Delivery, DeliveryState, shipped_quantities
from core.documents import DocumentKind, DocumentLine
from core.errors import Refused
from core.invoices.credit_notes import credit, credited, spread
from core.invoices.issuing import Source, head, issue
from core.invoices.tables import (
    DepositDeduction,
    DepositDeductionRate,
    Invoice,
    InvoiceLine,
    credited_net,
    deducted,
    deposits_of,
    invoice_of,
)
from core.journal import Actor
from core.money import ZERO, Money, rounded
from core.orders import Order, OrderState
from core.quotes import Quote, QuoteState
from core.vat import business_process, totals

if TYPE_CHECKING:
    from core.settings import House


@dataclasses.dataclass(frozen=True, slots=True)
class Deduction:
    """How much of a deposit an invoice deducts, VAT included."""

    deposit: Invoice
    amount: Money


@dataclasses.dataclass(frozen=True, slots=True)
class RatePart:
    """What an amount of a deposit comes to at one VAT rate: the base and the VAT that were invoiced with it."""

    line: InvoiceLine
    net: Money
    vat: Money


def deductible(
    session: Session, order: Order, gross: Money, *, house: House, but: Sequence[Delivery] = ()
) -> list[Deduction]:
    """Which deposits an invoice of `gross` absorbs, and how much of each; only what was paid is deducted.

    The first invoices absorb them up to their total; pro rata, each takes the share that it has in what is still to
    invoice of the order, so that the last one takes what is left. `but` are the deliveries of this very invoice.
    """
    from core import payments

    parts = []
    share = _share(session, order, gross, but=but) if house.deposit_absorption == "pro_rata" else None
    for deposit in deposits_of(session, order):
        kept = min(payments.allocated(session, deposit), deposit.gross - credited(session, deposit))
        left = kept - deducted(session, deposit)
        part = min(left if share is None else left * share, left, gross)
        if part > ZERO:
            parts.append(Deduction(deposit, part))
            gross -= part
    return parts


def _share(session: Session, order: Order, gross: Money, *, but: Sequence[Delivery]) -> Decimal:
    """What `gross` is of all that is still to invoice of the order, this invoice included: 1 for the last one."""
    from core.deliveries import of_order, remaining_quantities

    to_come = dict(remaining_quantities(session, order))
    ours = {delivery.id for delivery in but}
    for delivery in of_order(session, order):
        gone = delivery.state in {DeliveryState.SHIPPED, DeliveryState.VERIFIED}
        if gone and delivery.id not in ours and invoice_of(session, delivery) is None:
            for line in delivery.lines:
                to_come[line.order_line_id] = to_come.get(line.order_line_id, Decimal(0)) + line.invoiceable
    later = totals(
        (order.customer.vat_on(line.article), Money.of(to_come.get(line.id, Decimal(0)) * line.unit_price))
        for line in order.kept_lines
        if line.article is not None and line.unit_price is not None
    ).gross
    return gross.amount / (gross + later).amount if gross else Decimal(0)


def deduct(session: Session, invoice: Invoice, deduction: Deduction) -> None:
    """Note what an invoice deducts of a deposit, rate by rate."""
    deposit, amount = deduction.deposit, deduction.amount
    parts = spread(session, deposit, amount)
    for line in deposit.lines:  # a deposit invoice has one line for each of its rates
        net, vat = parts[line.vat_rate]
        session.add(
            DepositDeductionRate(
                invoice_id=invoice.id, deposit_id=deposit.id, deposit_line_id=line.id, net=net, vat=vat
            )
        )
    session.add(DepositDeduction(invoice_id=invoice.id, deposit_id=deposit.id, amount=amount))
    session.flush()


def give_back_deductions(session: Session, invoice: Invoice, note: Invoice) -> None:
    """Set the deposits of an invoice free again: its internal credit note takes back what the invoice deducted."""
    of_invoice = DepositDeduction.invoice_id == invoice.id
    for deduction in session.scalars(select(DepositDeduction).where(of_invoice)).all():
        session.add(DepositDeduction(invoice_id=note.id, deposit_id=deduction.deposit_id, amount=-deduction.amount))
    for part in deducted_by_rate(session, invoice):
        session.add(
            DepositDeductionRate(
                invoice_id=note.id, deposit_id=part.line.invoice_id, deposit_line_id=part.line.id, net=-part.net,
                vat=-part.vat,
            )
        )  # fmt: skip
    session.flush()


def deducted_by_rate(session: Session, invoice: Invoice) -> list[RatePart]:
    """What the invoice deducts of its deposits, per deposit and VAT rate: base and VAT add up to its prepaid amount.

    Below zero on an internal credit note, which takes deductions back. The deposit is `line.invoice_id`.
    """
    query = select(DepositDeductionRate).where(DepositDeductionRate.invoice_id == invoice.id)
    found = session.scalars(query.order_by(DepositDeductionRate.deposit_line_id))
    return [RatePart(row.line, row.net, row.vat) for row in found]


def issue_deposit(session: Session, order: Order, *, house: House, by: Actor, at: datetime, label: str) -> Invoice:
    """Issue the deposit invoice of an order that its customer accepted; VAT is due at receipt (since 01/01/2023).

    Accepted is a draft with its recap or its quote; a registered order may still ask for what blocks its preparation
    or its shipping, while nothing has left, and one that was made to ask for more while something is left to ship.
    `label` is the printed text of its lines. One line per VAT rate of the order; an order that grew since its first
    deposit invoice gets one for the difference.
    """
    orders.lock(session, order.id)
    asked = deposits.bases(order)
    if order.state not in {OrderState.DRAFT, OrderState.CONFIRMED} or not any(asked.values()):
        raise Refused("no_deposit_due", reference=order.reference)
    if order.state is OrderState.CONFIRMED and shipped_quantities(session, order) and not _grows_on(session, order):
        raise Refused("order_already_shipped", reference=order.reference)
    if order.state is OrderState.DRAFT and not _accepted(session, order):
        raise Refused("recap_not_accepted", reference=order.reference)
    missing = totals(asked.items()).gross
    bases = dict(asked)
    for deposit in deposits_of(session, order):
        missing -= deposit.gross - credited(session, deposit)
        for known in deposit.lines:
            rate, left = known.vat_rate, known.net - credited_net(session, known)
            bases[rate] = bases.get(rate, ZERO) - left
    bases = {rate: net for rate, net in bases.items() if net > ZERO}
    if totals(bases.items()).gross > missing:  # lines went from one rate to another: no more than what is missing
        bases = deposits.spread(max(missing, ZERO), bases)
    sources: list[Source] = []
    for rate, net in bases.items():
        if net <= ZERO:
            continue
        line = DocumentLine(
            position=len(sources) + 1, sku="", name=label, quantity=Decimal(1), unit="", unit_price=net.amount,
            net=net, vat=rate,
        )  # fmt: skip
        sources.append(Source(line))
    if not sources:
        raise Refused("deposit_already_invoiced", reference=order.reference)
    document = dataclasses.replace(
        head(session, DocumentKind.DEPOSIT_INVOICE, order.customer, order, house, at=at),
        due_date=business_date(at), payment_terms="", deposit_percent=order.deposit_percent,
        business_process=business_process(line.article.nature for line in order.kept_lines if line.article is not None),
    )  # fmt: skip
    return issue(session, document, sources, customer=order.customer, order=order, by=by, at=at, event="deposit_issued")


def _grows_on(session: Session, order: Order) -> bool:
    """The order was revised since it was registered, and something of it is still to leave."""
    from core.deliveries import remaining_quantities

    return bool(order.revision and remaining_quantities(session, order))


def _accepted(session: Session, order: Order) -> bool:
    """The customer said yes to the recap of this draft, or to the quote it was made from."""
    if order.recap_accepted_at is not None:
        return True
    quote = session.get(Quote, order.quote_id) if order.quote_id is not None else None
    return quote is not None and quote.state is QuoteState.ACCEPTED


def uncredited_deposits(session: Session, order: Order) -> list[tuple[Invoice, Money]]:
    """The deposit invoices of the order with what neither an invoice deducted nor a credit note gave back."""
    found = (
        (deposit, deposit.gross - credited(session, deposit) - deducted(session, deposit))
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

    registration.hold(session, [order.customer])
    journal.hold(session)  # two colleagues who press at once: each must see what the other gave back
    if order.state is not OrderState.CANCELLED and still_to_invoice(session, order):
        raise Refused("deposit_still_to_deduct", reference=order.reference)
    notes = [
        _credit_deposit(session, deposit, left, reason=reason, house=house, by=by, at=at)
        for deposit, left in uncredited_deposits(session, order)
    ]
    if not notes:
        raise Refused("no_deposit_to_credit", reference=order.reference)
    registration.look_again(session, order.customer, house=house, at=at)
    return notes


def still_to_invoice(session: Session, order: Order) -> bool:
    """Something of the order is still to leave, on its way, or received and not invoiced."""
    from core.deliveries import of_order, remaining_quantities

    known = of_order(session, order)
    open_states = {DeliveryState.PREPARING, DeliveryState.SHIPPED}
    waits = [d for d in known if d.state in {*open_states, DeliveryState.VERIFIED} and invoice_of(session, d) is None]
    held = any(
        delivery.state is DeliveryState.VERIFIED and any(line.invoiceable > 0 for line in delivery.lines)
        for delivery in waits
    )
    return held or any(d.state in open_states for d in waits) or bool(remaining_quantities(session, order))


def credit_deposit(
    session: Session, deposit: Invoice, amount: Money, *, reason: str, house: House, by: Actor, at: datetime
) -> Invoice:
    """Give back a part of a deposit, VAT included, by a credit note (503), never more than no invoice has deducted."""
    from core import registration

    registration.hold(session, [deposit.customer])
    journal.hold(session)
    if not reason.strip():
        raise Refused("reason_missing")
    left = deposit.gross - credited(session, deposit) - deducted(session, deposit)
    if not ZERO < amount <= left:
        raise Refused("credit_above_amount", number=deposit.number, left=max(left, ZERO))
    note = _credit_deposit(session, deposit, amount, reason=reason, house=house, by=by, at=at)
    session.flush()
    registration.look_again(session, deposit.customer, house=house, at=at)
    return note


def _credit_deposit(
    session: Session, deposit: Invoice, amount: Money, *, reason: str, house: House, by: Actor, at: datetime
) -> Invoice:
    """A credit note of a part of a deposit, VAT included, spread over its rates as they are left, to the cent."""
    frozen = {line.position: line for line in deposit.paper.document.lines}
    parts = spread(session, deposit, amount)
    sources: list[Source] = []
    for line in deposit.lines:
        net, _ = parts[line.vat_rate]
        if net > ZERO:
            printed = dataclasses.replace(
                frozen[line.position], position=len(sources) + 1, quantity=Decimal(1), unit_price=net.amount, net=net
            )
            sources.append(Source(printed, credits_line_id=line.id, counted=rounded(net.amount / line.net.amount, 4)))
    vat = {rate: tax for rate, (_, tax) in parts.items()}
    return credit(session, deposit, sources, reason=reason, house=house, by=by, at=at, vat=vat)
