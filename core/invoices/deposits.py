"""Deposit invoices: asked for, deducted by the invoices of what was delivered, given back by credit notes."""

from __future__ import annotations

import dataclasses
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import deposits, orders
from core.clock import business_date
from core.deliveries import DeliveryState, shipped_quantities
from core.documents import DocumentKind, DocumentLine
from core.errors import Refused
from core.invoices.credit_notes import credit, credited
from core.invoices.issuing import Source, head, issue
from core.invoices.tables import Invoice, credited_net, deducted, deposits_of
from core.journal import Actor
from core.money import ZERO, Money, rounded
from core.orders import Order, OrderState
from core.quotes import Quote, QuoteState
from core.vat import VatRate, totals

if TYPE_CHECKING:
    from core.settings import House


def deductible(session: Session, order: Order, gross: Money) -> list[tuple[Invoice, Money]]:
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
        missing -= deposit.gross - credited(session, deposit)
        for known in deposit.lines:
            rate, left = VatRate(known.vat_percent), known.net - credited_net(session, known)
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
    )  # fmt: skip
    return issue(session, document, sources, customer=order.customer, order=order, by=by, at=at, event="deposit_issued")


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

    # two colleagues who press at once, or one who credits a line: each must see what the other gave back
    held = select(Invoice.id).where(Invoice.order_id == order.id, Invoice.kind == DocumentKind.DEPOSIT_INVOICE)
    session.execute(held.order_by(Invoice.id).with_for_update())
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
    nets = {line.position: line.net - credited_net(session, line) for line in deposit.lines}
    rates = {VatRate(line.vat_percent): nets[line.position] for line in deposit.lines}
    whole = totals(rates.items()).gross == left
    parts = rates if whole else deposits.spread(left, rates, at_least=True)
    sources: list[Source] = []
    for line in deposit.lines:
        net = parts.get(VatRate(line.vat_percent), ZERO)
        if net > ZERO:
            printed = dataclasses.replace(
                frozen[line.position], position=len(sources) + 1, quantity=Decimal(1), unit_price=net.amount, net=net
            )
            sources.append(Source(printed, credits_line_id=line.id, counted=rounded(net.amount / line.net.amount, 4)))
    return credit(session, deposit, sources, reason=reason, house=house, by=by, at=at)
