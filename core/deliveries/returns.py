"""Goods that come back: asked for with a reason, agreed, counted by the warehouse, then on the shelf and credited.

Never more comes back than was delivered, and never more is credited than was invoiced and is left to credit. What was
not invoiced yet is simply not invoiced. What a customer refused at the door comes back the same way, without a credit.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy import ForeignKey, Text, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from core import events, journal, orders, stock
from core.clock import business_date
from core.db import Base, choice
from core.deliveries.preparation import announce_backorders
from core.deliveries.tables import (
    GONE,
    Delivery,
    DeliveryLine,
    DeliveryState,
    hold,
    line_of,
    move,
    remaining_quantities,
)
from core.errors import IllegalTransition, Refused
from core.identifiers import next_number
from core.journal import Actor
from core.orders import OrderState
from core.stock import MovementKind

if TYPE_CHECKING:
    from core.invoices import Invoice, InvoiceLine
    from core.orders import Order
    from core.parties import Customer
    from core.settings import House


class ReturnState(StrEnum):
    """What was decided about a return."""

    REQUESTED = "requested"
    AGREED = "agreed"
    RECEIVED = "received"
    REFUSED = "refused"


NEXT: dict[ReturnState, frozenset[ReturnState]] = {
    ReturnState.REQUESTED: frozenset({ReturnState.AGREED, ReturnState.REFUSED}),
    ReturnState.AGREED: frozenset({ReturnState.RECEIVED, ReturnState.REFUSED}),
    ReturnState.RECEIVED: frozenset(),
    ReturnState.REFUSED: frozenset(),
}
assert set(NEXT) == set(ReturnState)  # noqa: S101 - the table is complete


class GoodsReturn(Base):
    """Goods of one delivery that come back, why, and what was answered; `credit_note_id` is what came of it."""

    __tablename__ = "goods_return"

    id: Mapped[int] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(unique=True)
    delivery_id: Mapped[int] = mapped_column(ForeignKey("delivery.id"), index=True)
    state: Mapped[ReturnState] = mapped_column(choice(ReturnState), default=ReturnState.REQUESTED, index=True)
    reason: Mapped[str] = mapped_column(Text)
    answer: Mapped[str] = mapped_column(Text, default="")
    requested_at: Mapped[datetime]
    requested_by: Mapped[str]
    decided_at: Mapped[datetime | None]
    received_at: Mapped[datetime | None]
    credit_note_id: Mapped[int | None] = mapped_column(ForeignKey("invoice.id"), index=True)
    delivery: Mapped[Delivery] = relationship()
    lines: Mapped[list[GoodsReturnLine]] = relationship(
        order_by="GoodsReturnLine.id", cascade="all, delete-orphan", back_populates="goods_return"
    )

    @property
    def subject(self) -> str:
        """The return as the subject of journal lines and outbox rows."""
        return f"goods_return:{self.id}"

    @property
    def order(self) -> Order:
        """The order that it comes from."""
        return self.delivery.order

    @property
    def customer(self) -> Customer:
        """Who sends it back."""
        return self.delivery.order.customer


class GoodsReturnLine(Base):
    """The units of a delivered line that come back: `quantity` as agreed, the others as the warehouse counted them.

    What is `quarantined` is neither sold nor thrown away until somebody has looked at it.
    """

    __tablename__ = "goods_return_line"

    id: Mapped[int] = mapped_column(primary_key=True)
    return_id: Mapped[int] = mapped_column(ForeignKey("goods_return.id"), index=True)
    delivery_line_id: Mapped[int] = mapped_column(ForeignKey("delivery_line.id"), index=True)
    quantity: Mapped[Decimal]
    good: Mapped[Decimal] = mapped_column(default=Decimal(0))
    scrapped: Mapped[Decimal] = mapped_column(default=Decimal(0))
    quarantined: Mapped[Decimal] = mapped_column(default=Decimal(0))
    credited: Mapped[bool] = mapped_column(default=False)
    goods_return: Mapped[GoodsReturn] = relationship(back_populates="lines")
    delivery_line: Mapped[DeliveryLine] = relationship(back_populates="returns")

    @property
    def received(self) -> Decimal:
        """Units that came back, whatever their state."""
        return self.good + self.scrapped + self.quarantined

    @property
    def expected(self) -> Decimal:
        """Units that count as back or on their way back."""
        if self.goods_return.state is ReturnState.REFUSED:
            return Decimal(0)
        return self.received if self.goods_return.state is ReturnState.RECEIVED else self.quantity


@dataclass(frozen=True, slots=True)
class Counted:
    """What the warehouse found of a line that came back, in sales units."""

    good: Decimal = Decimal(0)
    scrapped: Decimal = Decimal(0)
    quarantined: Decimal = Decimal(0)

    @property
    def total(self) -> Decimal:
        """All that came back."""
        return self.good + self.scrapped + self.quarantined


def _decide(
    session: Session, back: GoodsReturn, target: ReturnState, *, by: Actor, at: datetime, answer: str = ""
) -> None:
    session.refresh(back, attribute_names=["state"], with_for_update=True)
    if target not in NEXT[back.state]:
        raise IllegalTransition(thing="goods_return", state=back.state, target=target)
    back.state, back.answer = target, answer
    journal.write(
        session, f"return_{target}", subject=back.subject, by=by, at=at, reference=back.reference,
        delivery=back.delivery.reference, private=answer or None,
    )  # fmt: skip


def invoiced_line(session: Session, line: DeliveryLine) -> tuple[Invoice, InvoiceLine] | None:
    """Where the delivered line was invoiced, if it was."""
    from core import invoices

    invoice = invoices.invoice_of(session, session.get_one(Delivery, line.delivery_id))
    known = invoices.line_of(invoice, line) if invoice is not None else None
    return (invoice, known) if invoice is not None and known is not None else None


def returnable(session: Session, line: DeliveryLine) -> Decimal:
    """Units of a delivered line that may still come back: no remark waits or was granted for them, none is announced.

    Where it was invoiced, never more than is left to credit. What a remark is about is settled by its answer.
    """
    from core import invoices

    left = line.unremarked
    if (found := invoiced_line(session, line)) is not None:
        to_come = sum(
            (b.expected for b in line.returns if b.goods_return.state is not ReturnState.RECEIVED), Decimal(0)
        )
        left = min(left, found[1].quantity - invoices.credited_quantity(session, found[1]) - to_come)
    return max(left, Decimal(0))


def request(
    session: Session, delivery: Delivery, quantities: Mapping[int, Decimal], *, reason: str, by: Actor, at: datetime
) -> GoodsReturn:
    """Ask to send back units by order line position, for a reason; sales decides.

    Refuses a delivery that has not left, no reason, and more than may come back.
    """
    if not reason.strip():
        raise Refused("reason_missing")
    hold(session, delivery)
    if delivery.state not in GONE:
        raise IllegalTransition(thing="delivery", state=delivery.state, target=DeliveryState.VERIFIED)
    wanted = []
    for position, quantity in sorted(quantities.items()):
        line = line_of(delivery, position)
        left = returnable(session, line) if line is not None else Decimal(0)
        if line is None or not 0 < quantity <= left:
            raise Refused("return_above_left", reference=delivery.reference, position=position, left=left)
        wanted.append((line, quantity))
    back = _announce(delivery, reason=reason, by=by, at=at, reference=next_number(session, "RET", on=business_date(at)))
    back.lines += [_line(line, quantity) for line, quantity in wanted]
    session.add(back)
    session.flush()
    journal.write(
        session, "return_requested", subject=back.subject, by=by, at=at, reference=back.reference,
        delivery=delivery.reference, private=reason.strip(), lines={str(p): str(q) for p, q in quantities.items()},
    )  # fmt: skip
    events.emit(session, "return_requested", back, at=at)
    return back


def _announce(delivery: Delivery, *, reason: str, by: Actor, at: datetime, reference: str) -> GoodsReturn:
    return GoodsReturn(
        reference=reference, delivery=delivery, state=ReturnState.REQUESTED, reason=reason.strip(), requested_at=at,
        requested_by=str(by),
    )  # fmt: skip


def _line(line: DeliveryLine, quantity: Decimal) -> GoodsReturnLine:
    nothing = Decimal(0)
    return GoodsReturnLine(
        delivery_line=line, quantity=quantity, good=nothing, scrapped=nothing, quarantined=nothing, credited=False
    )


def agree(session: Session, back: GoodsReturn, *, by: Actor, at: datetime) -> None:
    """The goods may come back: the customer and the warehouse are told."""
    _decide(session, back, ReturnState.AGREED, by=by, at=at)
    back.decided_at = at
    events.emit(session, "return_agreed", back, at=at)


def refuse(session: Session, back: GoodsReturn, *, reason: str, by: Actor, at: datetime) -> None:
    """The goods stay where they are, for a reason that the customer reads."""
    if not reason.strip():
        raise Refused("reason_missing")
    _decide(session, back, ReturnState.REFUSED, by=by, at=at, answer=reason.strip())
    back.decided_at = at
    events.emit(session, "return_refused", back, at=at)


def receive(
    session: Session, back: GoodsReturn, counted: Mapping[int, Counted], *, house: House, by: Actor, at: datetime
) -> Invoice | None:
    """What came back, by order line position: the good goes on the shelf, what was invoiced is credited.

    Returns the credit note, if there is one. Refuses more than was agreed, and nothing at all.
    """
    if not any(found.total for found in counted.values()):
        raise Refused("quantity_not_positive", quantity=Decimal(0))
    from core import registration

    session.flush()
    delivered = [line.delivery_line for line in back.lines]
    articles = [one for line in delivered for one in (line.order_line.article_id, line.article_id)]
    registration.hold(session, [back.customer], order_id=back.delivery.order_id, articles=articles)
    _decide(session, back, ReturnState.RECEIVED, by=by, at=at)
    back.received_at = at
    for position, found in counted.items():
        line = next((known for known in back.lines if known.delivery_line.order_line.position == position), None)
        if line is None or min(found.good, found.scrapped, found.quarantined) < 0 or found.total > line.quantity:
            raise Refused("return_above_left", reference=back.reference, position=position,
                          left=line.quantity if line is not None else Decimal(0))  # fmt: skip
        line.good, line.scrapped, line.quarantined = found.good, found.scrapped, found.quarantined
    session.flush()
    note, taken = _credit(session, back, house=house, by=by, at=at)
    for line in back.lines:
        article = line.delivery_line.article
        assert article is not None  # noqa: S101 - only lines with an article are delivered
        if rest := line.received - taken.get(line.id, Decimal(0)):  # a credit note puts what it credits back by itself
            stock.move(session, article.id, MovementKind.RETURN, rest, source=back.subject, at=at)
        if line.scrapped:
            stock.move(session, article.id, MovementKind.LOSS, -line.scrapped, source=back.subject, at=at)
        if line.quarantined:
            stock.move(session, article.id, MovementKind.QUARANTINE, -line.quarantined, source=back.subject, at=at)
    events.emit(session, "return_received", back, at=at)
    fresh = {line.delivery_line.article.id for line in back.lines if line.good and line.delivery_line.article}
    if fresh:
        announce_backorders(session, at=at, articles=fresh)
    return note


def _credit(
    session: Session, back: GoodsReturn, *, house: House, by: Actor, at: datetime
) -> tuple[Invoice | None, dict[int, Decimal]]:
    """The credit note of what came back and was invoiced, and its units by line: they are on the shelf again.

    What was not invoiced is not invoiced any more.
    """
    from core import invoices

    parts: dict[int, Decimal] = {}
    taken: dict[int, Decimal] = {}
    invoice = None
    for line in back.lines:
        found = invoiced_line(session, line.delivery_line)
        # goods that are here are taken in, whatever was given back since they were announced
        units = min(line.received, invoices.creditable_quantity(session, found[1])) if found is not None else Decimal(0)
        if found is not None and units > 0:
            invoice, known = found
            parts[known.position], line.credited = units, True
            taken[line.id] = units
    if invoice is None:
        return None, taken
    note = invoices.issue_credit_note(
        session, invoice, parts, reason=back.reason, returned=True, house=house, by=by, at=at
    )
    back.credit_note_id = note.id
    session.flush()
    return note, taken


def in_quarantine(session: Session) -> list[GoodsReturnLine]:
    """The lines that came back of which something is set apart and waits for a look, oldest first."""
    query = select(GoodsReturnLine).where(GoodsReturnLine.quarantined > Decimal(0))
    return list(session.scalars(query.order_by(GoodsReturnLine.id)))


def clear_quarantine(
    session: Session, line: GoodsReturnLine, *, good: Decimal, scrapped: Decimal, by: Actor, at: datetime
) -> None:
    """Say what became of quarantined units: some go on the shelf, where backorders may wait for them, some are lost.

    Refuses more than is set apart: two who press at once are one after the other.
    """
    session.flush()
    orders.lock(session, line.goods_return.delivery.order_id)
    session.refresh(line, with_for_update=True)
    article = line.delivery_line.article
    if min(good, scrapped) < 0 or not 0 < good + scrapped <= line.quarantined or article is None:
        raise Refused("quarantine_above_left", left=line.quarantined)
    stock.hold(session, [article.id])
    line.quarantined -= good + scrapped
    line.good, line.scrapped = line.good + good, line.scrapped + scrapped
    back = line.goods_return
    journal.write(
        session, "quarantine_cleared", subject=back.subject, by=by, at=at, sku=article.sku, good=good,
        scrapped=scrapped,
    )  # fmt: skip
    if good:
        stock.move(session, article.id, MovementKind.RETURN, good, source=back.subject, at=at)
        session.flush()
        announce_backorders(session, at=at, articles={article.id})
    session.flush()


def ensure_not_announced(session: Session, invoice: Invoice, positions: Collection[int]) -> None:
    """Refuse to credit goods as returned that are announced and not counted yet: their count credits them, once."""
    from core import invoices

    for delivery in invoices.deliveries_of(session, invoice):
        for line in delivery.lines:
            invoiced = invoices.line_of(invoice, line)
            if invoiced is None or invoiced.position not in positions:
                continue
            for back in (known.goods_return for known in line.returns):
                if back.state in {ReturnState.REQUESTED, ReturnState.AGREED}:
                    raise Refused("return_announced", number=invoice.number, position=invoiced.position,
                                  reference=back.reference)  # fmt: skip


def refuse_delivery(session: Session, delivery: Delivery, *, reason: str, by: Actor, at: datetime) -> GoodsReturn:
    """The customer refuses the whole delivery, for a reason: nothing is invoiced, all of it comes back to be counted.

    What was ordered is still to be delivered; sales decides whether it is. Refuses one that was invoiced already.
    """
    from core import disputes

    if not reason.strip():
        raise Refused("reason_missing")
    session.flush()
    order = orders.lock(session, delivery.order_id)
    hold(session, delivery)
    invoice = disputes.invoice_of(session, delivery)
    if invoice is not None:
        raise Refused("delivery_already_invoiced", reference=delivery.reference)
    if order.state is not OrderState.CONFIRMED:
        raise Refused("order_not_confirmed", reference=order.reference)
    stock.hold(session, (line.order_line.article_id for line in delivery.lines))
    move(session, delivery, DeliveryState.REFUSED, by=by, at=at)
    delivery.refusal, delivery.correctable_until = reason.strip(), None
    session.flush()
    left = remaining_quantities(session, order)
    for line in delivery.lines:
        ordered = line.order_line
        if ordered.article_id is not None:
            stock.trim(session, ordered.id, ordered.article_id, left.get(ordered.id, Decimal(0)))
    back = _announce(delivery, reason=reason, by=by, at=at, reference=next_number(session, "RET", on=business_date(at)))
    back.state, back.decided_at = ReturnState.AGREED, at
    back.lines += [_line(line, line.quantity) for line in delivery.lines]
    session.add(back)
    session.flush()
    journal.write(
        session, "delivery_comes_back", subject=delivery.subject, by=by, at=at, reference=back.reference,
        private=reason.strip(),
    )  # fmt: skip
    events.emit(session, "delivery_refused", delivery, at=at)
    events.emit(session, "return_expected", back, at=at)
    return back
