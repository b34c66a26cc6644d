"""Receipt: what the customer says he received, with its proof, and the order that closes once all of it is settled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from sqlalchemy.orm import Session

from core import deposits, events, journal, messages, orders
from core.deliveries.tables import (
    Delivery,
    DeliveryFile,
    DeliveryState,
    FileKind,
    Reserve,
    ReserveKind,
    hold,
    line_of,
    move,
    of_order,
    remaining_quantities,
)
from core.errors import IllegalTransition, Refused
from core.journal import Actor, ActorKind
from core.orders import Order, OrderState

if TYPE_CHECKING:
    from core.settings import House


@dataclass(frozen=True, slots=True)
class Signature:
    """The proof of a receipt: the name as it was typed, where it was said (`chat:7001:55`, `mail:<…>`), the words."""

    name: str = ""
    via: str = ""
    text: str = ""


def verify(
    session: Session, delivery: Delivery, *, house: House, by: Actor, at: datetime,
    reserves: Mapping[int, tuple[ReserveKind, Decimal, str]] | None = None, signature: Signature | None = None,
) -> None:  # fmt: skip
    """The customer's word on what he received: all, or reserves by order line position; then it is invoiced.

    Saying it twice changes nothing. Refuses the customer's plain yes to what he remarked on himself: he withdraws his
    remarks first.
    """
    hold(session, delivery)
    if delivery.state is DeliveryState.VERIFIED:
        return
    if by.kind is ActorKind.CUSTOMER and delivery.reserves:
        raise Refused("reserves_stated", reference=delivery.reference)
    for position, (kind, quantity, text) in (reserves or {}).items():
        line = line_of(delivery, position)
        if line is None or not 0 < quantity <= line.unremarked:
            raise Refused("reserve_not_possible", reference=delivery.reference, position=position)
        line.reserves.append(Reserve(kind=kind, quantity=quantity, text=text, at=at))
    if reserves:
        delivery.stated_at = at
    settle(session, delivery, house=house, by=by, at=at, signature=signature)


def settle(
    session: Session, delivery: Delivery, *, house: House, by: Actor, at: datetime, signature: Signature | None = None,
    told: bool = False,
) -> None:  # fmt: skip
    """What the customer said counts from now on: it is told unless it was, it is invoiced, damage is disputed."""
    from core import automation, disputes, invoicing

    move(session, delivery, DeliveryState.VERIFIED, by=by, at=at)
    delivery.verified_at, delivery.verified_by, delivery.correctable_until = at, str(by), None
    if signature is not None:
        sign(session, delivery, signature, by=by, at=at)
    session.flush()
    if any(reserve.kind is ReserveKind.WRONG_ARTICLE for reserve in delivery.reserves):
        automation.corrected(session, delivery.order, reason="wrong_article", by=by, at=at)
    if not told:
        events.emit(session, "reserve_stated" if delivery.reserves else "delivery_verified", delivery, at=at)
    if disputes.invoice_of(session, delivery) is None:
        invoicing.invoice_received(session, delivery, house=house, by=by, at=at)
    disputes.open_for_reserves(session, delivery, by=by, at=at)
    close_when_done(session, delivery.order, by=by, at=at)


def sign(session: Session, delivery: Delivery, signature: Signature, *, by: Actor, at: datetime) -> None:
    """Keep who signed, where and in which words; the journal holds them outside its chained data."""
    delivery.signed_name, delivery.signed_via = signature.name.strip(), signature.via
    delivery.signed_text = signature.text.strip()
    journal.write(
        session, "receipt_signed", subject=delivery.subject, by=by, at=at, via=signature.via,
        private=f"{delivery.signed_name}\n{delivery.signed_text}".strip() or None,
    )  # fmt: skip


def keep_file(
    session: Session, delivery: Delivery, kind: FileKind, *, name: str, content: bytes, by: Actor, at: datetime,
    reserve: Reserve | None = None,
) -> DeliveryFile:  # fmt: skip
    """Keep a photo with the delivery, or with one of its reserves; its bytes are kept once, by their hash."""
    sha256 = messages.keep(session, content)
    kept = DeliveryFile(
        delivery_id=delivery.id, reserve_id=reserve.id if reserve is not None else None, kind=kind, name=name[:100],
        sha256=sha256, added_at=at, added_by=str(by),
    )  # fmt: skip
    session.add(kept)
    session.flush()
    session.expire(delivery, ["files"])
    if reserve is not None:
        session.expire(reserve, ["files"])
    journal.write(session, "delivery_file_kept", subject=delivery.subject, by=by, at=at, kind=kind, sha256=sha256)
    return kept


def file_signed_note(
    session: Session, delivery: Delivery, *, name: str, content: bytes, house: House, by: Actor, at: datetime,
    clean: bool = True,
) -> DeliveryFile:  # fmt: skip
    """Keep the photo of the signed note; a `clean` one, without any remark, is the proof that verifies the delivery.

    Refuses a delivery that has not left. What was verified before only gets the photo.
    """
    hold(session, delivery)
    if delivery.state in {DeliveryState.PREPARING, DeliveryState.CANCELLED}:
        raise IllegalTransition(thing="delivery", state=delivery.state, target=DeliveryState.VERIFIED)
    kept = keep_file(session, delivery, FileKind.SIGNED_NOTE, name=name, content=content, by=by, at=at)
    proof = Signature(via=f"delivery_file:{kept.id}")
    if clean and delivery.state is DeliveryState.SHIPPED and not delivery.reserves:
        settle(session, delivery, house=house, by=by, at=at, signature=proof)
    return kept


def close_when_done(session: Session, order: Order, *, by: Actor, at: datetime) -> None:
    """Close an order once nothing remains to ship, every delivery was received and every reserve is answered."""
    known = of_order(session, order)
    under_way = any(
        delivery.state is DeliveryState.PREPARING
        or (delivery.state is DeliveryState.SHIPPED and delivery.presumed_at is None)
        for delivery in known
    )
    unanswered = any(reserve.decision is None for delivery in known for reserve in delivery.reserves)
    if (
        order.state is OrderState.CONFIRMED
        and not under_way
        and not unanswered
        and not remaining_quantities(session, order)
    ):
        orders.move(session, order, OrderState.CLOSED, by=by, at=at)
        deposits.tell_of_closed(session, order, at=at)
