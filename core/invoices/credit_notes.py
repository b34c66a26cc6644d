"""Credit notes: they name the original, and never give back more than is left of it.

A return gives back quantities, a lower price gives back an amount of one line and none of its quantity, a goodwill
gesture gives back an amount of the whole invoice. Per line no more is credited than was invoiced, in quantity and
without VAT; per invoice no more than it came to, VAT included.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import deposits, journal, stock
from core.documents import Document, DocumentKind, DocumentLine, Reference, VatOff
from core.errors import Refused
from core.invoices.issuing import Source, head, issue
from core.invoices.tables import (
    DepositDeductionRate,
    Invoice,
    InvoiceLine,
    credited_quantity,
    internal_note,
    left_net,
)
from core.journal import Actor
from core.money import ZERO, Money, rounded, total
from core.vat import Totals, VatRate, totals

if TYPE_CHECKING:
    from core.settings import House


def credited(session: Session, invoice: Invoice) -> Money:
    """What credit notes have given back on the invoice, VAT included."""
    from core import payments

    return payments.credited(session, invoice)


def issue_credit_note(
    session: Session, invoice: Invoice, quantities: Mapping[int, Decimal], *, reason: str, returned: bool,
    house: House, by: Actor, at: datetime,
) -> Invoice:  # fmt: skip
    """Credit quantities of an invoice's lines by position, never more than is left; returned goods go back in stock.

    A quantity is worth what is left of its price after the credit notes that lowered it. The credit note names the
    original's number and date (BR-FR-CO-04).
    """
    back = (line.article_id for line in invoice.lines if line.position in quantities) if returned else ()
    _open(session, invoice, reason, articles=back)
    sources: list[Source] = []
    for position, quantity in sorted(quantities.items()):
        left = left_of_line(session, _line(invoice, position))
        if not 0 < quantity <= left.quantity:
            raise Refused("credit_above_left", number=invoice.number, position=position, left=left.quantity)
        # parts are rounded: together never above the line
        net = left.net if quantity == left.quantity else min(Money.of(quantity * left.price), left.net)
        if net <= ZERO:
            raise Refused("credit_above_amount", number=invoice.number, left=ZERO)
        sources.append(_part_of(invoice, left, quantity, net, position=len(sources) + 1))
    note = _credit_and_look(session, invoice, sources, reason=reason, house=house, by=by, at=at)
    if returned:
        for source in sources:
            if source.article_id is not None:
                stock.move(
                    session, source.article_id, stock.MovementKind.RETURN, source.line.quantity, source=note.subject,
                    at=at,
                )  # fmt: skip
    session.flush()
    return note


@dataclasses.dataclass(frozen=True, slots=True)
class LeftOfLine:
    """What credit notes have left of an invoiced line: units, their amount without VAT, and what one of them costs."""

    line: InvoiceLine
    quantity: Decimal
    net: Money

    @property
    def price(self) -> Decimal:
        """The unit price: the invoiced one, unless a credit note lowered it."""
        lowered = self.quantity > 0 and self.net < Money.of(self.quantity * self.line.unit_price)
        return rounded(self.net.amount / self.quantity, 6) if lowered else self.line.unit_price


def left_of_line(session: Session, line: InvoiceLine) -> LeftOfLine:
    """What is left to credit of an invoiced line."""
    return LeftOfLine(line, line.quantity - credited_quantity(session, line), left_net(session, line))


def all_left(session: Session, invoice: Invoice) -> list[Source]:
    """The lines of a credit note of all that is left of an invoice; none when all of it was given back."""
    sources: list[Source] = []
    for line in invoice.lines:
        left = left_of_line(session, line)
        if left.net <= ZERO:
            continue
        source = _part_of(invoice, left, left.quantity, left.net, position=len(sources) + 1)
        if invoice.kind is DocumentKind.DEPOSIT_INVOICE:  # its line is an amount: parts of it are no units
            printed = dataclasses.replace(source.line, quantity=Decimal(1), unit_price=left.net.amount)
            source = dataclasses.replace(source, line=printed, counted=max(left.quantity, Decimal(0)))
        sources.append(source)
    return sources


def _part_of(invoice: Invoice, left: LeftOfLine, quantity: Decimal, net: Money, *, position: int) -> Source:
    """A line that gives back a part of an invoiced one."""
    original = left.line
    known = _printed(invoice.paper.document, original.position)
    printed = dataclasses.replace(
        known, position=position, quantity=quantity, net=net, unit_price=left.price,
        packaging=known.packaging if quantity == original.quantity else "",
        list_price=known.list_price if left.price == known.unit_price else None,
    )  # fmt: skip
    return Source(
        printed, order_line_id=original.order_line_id, article_id=original.article_id, credits_line_id=original.id
    )


def credit_price(
    session: Session, invoice: Invoice, position: int, *, reason: str, house: House, by: Actor, at: datetime,
    per_unit: Decimal | None = None, amount: Money | None = None,
) -> Invoice:  # fmt: skip
    """Lower the price of a line, by an amount per unit that is left of it or by an amount in all, both without VAT.

    Its quantity stays creditable, for what it is then still worth.
    """
    _open(session, invoice, reason)
    original = _line(invoice, position)
    left, net_left = original.quantity - credited_quantity(session, original), left_net(session, original)
    if per_unit is not None:
        quantity, price, net = left, per_unit, Money.of(left * per_unit)
    else:
        net = amount or ZERO
        quantity, price = Decimal(1), net.amount
    if not ZERO < net <= net_left:
        raise Refused("credit_above_line", number=invoice.number, position=position, left=net_left)
    printed = dataclasses.replace(
        _printed(invoice.paper.document, position), position=1, quantity=quantity, unit_price=price, net=net,
        packaging="", list_price=None,
    )  # fmt: skip
    source = Source(
        printed, order_line_id=original.order_line_id, article_id=original.article_id, credits_line_id=original.id,
        counted=Decimal(0),
    )  # fmt: skip
    return _credit_and_look(session, invoice, [source], reason=reason, house=house, by=by, at=at)


def credit_goodwill(
    session: Session, invoice: Invoice, amount: Money, *, label: str, reason: str, house: House, by: Actor, at: datetime
) -> Invoice:
    """Give back an amount VAT included, spread over the invoice's VAT rates as they are left; `label` is printed.

    No quantity is given back; each line bears its share, so that no line is ever credited above what it came to.
    """
    _open(session, invoice, reason)
    left = invoice.gross - credited(session, invoice)
    if not ZERO < amount <= left:
        raise Refused("credit_above_amount", number=invoice.number, left=max(left, ZERO))
    parts = spread(session, invoice, amount)
    free = {line: left_net(session, line) for line in invoice.lines}
    sources: list[Source] = []
    for rate, (net, _) in parts.items():
        lines = [line for line in free if line.vat_rate == rate and free[line] > ZERO]
        if net <= ZERO:
            continue
        shared = zip(lines, deposits.shares(net, [free[line] for line in lines]), strict=True)
        printed = DocumentLine(
            position=len(sources) + 1, sku="", name=label, quantity=Decimal(1), unit="", unit_price=net.amount, net=net,
            vat=rate,
        )  # fmt: skip
        each = tuple((line.id, part) for line, part in shared if part > ZERO)
        sources.append(Source(printed, counted=Decimal(0), spread=each))
    if not sources:
        raise Refused("credit_above_amount", number=invoice.number, left=left)
    vat = {rate: tax for rate, (_, tax) in parts.items()}
    return _credit_and_look(session, invoice, sources, reason=reason, house=house, by=by, at=at, vat=vat)


def _open(session: Session, invoice: Invoice, reason: str, *, articles: Iterable[int | None] = ()) -> None:
    """Refuse what cannot be credited, and wait for whoever credits the same invoice now."""
    from core import registration

    if invoice.kind is DocumentKind.CREDIT_NOTE:
        raise Refused("credit_of_credit", number=invoice.number)
    if not reason.strip():
        raise Refused("reason_missing")
    registration.hold(session, [invoice.customer], articles=articles)
    # credit notes are issued one after the other: each must see what the other gave back
    journal.hold(session)
    if internal_note(session, invoice) is not None:
        raise Refused("invoice_cancelled_internally", number=invoice.number)


def _line(invoice: Invoice, position: int) -> InvoiceLine:
    original = next((line for line in invoice.lines if line.position == position), None)
    if original is None:
        raise Refused("line_unknown", reference=invoice.number, position=position)
    return original


def _printed(document: Document, position: int) -> DocumentLine:
    return next(line for line in document.lines if line.position == position)


def _credit_and_look(
    session: Session, invoice: Invoice, sources: list[Source], *, reason: str, house: House, by: Actor, at: datetime,
    vat: Mapping[VatRate, Money] | None = None,
) -> Invoice:  # fmt: skip
    from core import registration

    note = credit(session, invoice, sources, reason=reason, house=house, by=by, at=at, vat=vat)
    session.flush()
    registration.look_again(session, invoice.customer, house=house, at=at)
    return note


def left_by_vat_rate(session: Session, invoice: Invoice) -> dict[VatRate, tuple[Money, Money]]:
    """What is left to credit of an invoice at each VAT rate, base and VAT; of a deposit, what is not deducted."""
    left = {row.rate: (row.base, row.vat) for row in invoice.paper.document.totals.breakdown}
    for note in session.scalars(select(Invoice).where(Invoice.refers_to_id == invoice.id)):
        for row in note.paper.document.totals.breakdown:
            base, vat = left[row.rate]
            left[row.rate] = base - row.base, vat - row.vat
    taken = select(DepositDeductionRate).where(DepositDeductionRate.deposit_id == invoice.id)
    for part in session.scalars(taken):
        base, vat = left[part.line.vat_rate]
        left[part.line.vat_rate] = base - part.net, vat - part.vat
    return left


def spread(session: Session, invoice: Invoice, amount: Money) -> dict[VatRate, tuple[Money, Money]]:
    """An amount VAT included as base and VAT at each rate, as they are left of the invoice, to the cent."""
    left = left_by_vat_rate(session, invoice)
    weights = [max(base + vat, ZERO) for base, vat in left.values()]
    if amount >= total(weights):
        return left
    parts = {}
    for (rate, (base, vat)), gross in zip(left.items(), deposits.shares(amount, weights), strict=True):
        # while something is left, some of it is base: VAT alone cannot be credited
        keep = Money.from_cents(gross < base + vat)
        net = min(Money.of(gross.amount / (1 + rate.percent / 100)), max(base - keep, ZERO))
        tax = min(gross - net, vat)
        parts[rate] = gross - tax, tax
    return parts


def _vat_off(session: Session, invoice: Invoice, bases: Totals, wanted: Mapping[VatRate, Money]) -> tuple[VatOff, ...]:
    """By how many cents the VAT of a note differs from its bases': as wanted, or never above what is left."""
    left = left_by_vat_rate(session, invoice)
    found = []
    for row in bases.breakdown:
        base, vat = left[row.rate]
        given = wanted.get(row.rate, vat if row.base == base else min(row.vat, vat))
        if given != row.vat:
            found.append(VatOff(row.rate, given - row.vat))
    return tuple(found)


def credit(
    session: Session, invoice: Invoice, sources: list[Source], *, reason: str, house: House, by: Actor, at: datetime,
    internal: bool = False, vat: Mapping[VatRate, Money] | None = None,
    then: Callable[[Invoice], None] | None = None,
) -> Invoice:  # fmt: skip
    """Issue a credit note of these lines of an invoice, whoever decided on them; `vat` where it was decided too."""
    from core import registration

    registration.note_verdicts(session, invoice.customer, house=house, at=at)
    frozen = invoice.paper.document
    bases = totals((s.line.vat, s.line.net) for s in sources if s.line.vat is not None and s.line.net is not None)
    document = dataclasses.replace(
        head(session, DocumentKind.CREDIT_NOTE, invoice.customer, invoice.order, house, at=at),
        preceding_invoices=(Reference(invoice.number, invoice.issue_date),), reason=reason, payment_terms="",
        delivery_date=frozen.delivery_date, vat_on_debits=frozen.vat_on_debits,
        business_process=f"{frozen.process[0]}1",
        type_code="503" if invoice.kind is DocumentKind.DEPOSIT_INVOICE else "",
        # what the original deducted is set free by its internal credit note only
        deposits=frozen.deposits if internal else (),
        vat_off=_vat_off(session, invoice, bases, vat or {}),
    )  # fmt: skip
    return issue(
        session, document, sources, customer=invoice.customer, order=invoice.order, by=by, at=at, refers_to=invoice,
        internal=internal, event="credit_note_booked" if internal else "credit_note_issued", then=then,
    )  # fmt: skip
