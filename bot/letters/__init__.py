"""What each outbox row says, from the thing it is about as it stands now: one table from template to content."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy.orm import object_session

from bot import cards, changes, digests, inbox, recaps, texts
from bot.cards import Content
from bot.keyboards import Press
from bot.letters import goods, money, orders, words
from bot.letters.makers import Maker
from core import conversations, events, hours
from core.bank import BankEntry
from core.calls import Call
from core.card_changes import CardChange
from core.clock import business_date
from core.deliveries import Delivery, GoodsReturn
from core.digests import Digest
from core.disputes import Dispute
from core.invoices import Invoice
from core.messages import Message
from core.orders import Order, OrderRevision
from core.outbox import OutboxChannel, OutboxRow
from core.overrides import OverrideRequest
from core.parties import ChatLink, Customer, Staff
from core.payments import OpenItem, Payment
from core.quotes import Quote
from core.refunds import Refund
from core.reminders import Promise, Reminder
from core.reversals import PaymentReversal
from core.stock import StockLevel

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from core.settings import House

KINDS: dict[str, type[Any]] = {
    "order": Order, "quote": Quote, "delivery": Delivery, "invoice": Invoice, "payment": Payment,
    "reminder": Reminder, "promise": Promise, "dispute": Dispute, "override_request": OverrideRequest,
    "message": Message, "customer": Customer, "staff": Staff, "open_item": OpenItem, "outbox": OutboxRow,
    "stock_level": StockLevel,
    "card_change": CardChange,
    "digest": Digest, "call": Call,
    "order_revision": OrderRevision,
    "goods_return": GoodsReturn,
    "bank_entry": BankEntry, "refund": Refund, "payment_reversal": PaymentReversal,
}  # fmt: skip


def thing_of(session: Session, subject: str) -> Any:
    """The thing a subject (`order:12`) names; None for one that is no row, such as a mailbox."""
    kind, _, number = subject.partition(":")
    return session.get(KINDS[kind], int(number)) if kind in KINDS and number.isdigit() else None


def language_of(row: OutboxRow, thing: Any) -> str:
    """Customers read the language of their chat or their record, the house reads French."""
    session = object_session(row)
    link = session.get(ChatLink, row.chat_id) if session is not None and row.chat_id is not None else None
    if row.audience == "customer" and row.channel is OutboxChannel.CHAT and link is not None and link.language:
        return texts.language_of(link.language)
    customer = events.customer_of(thing)
    return texts.language_of(customer.language) if row.audience == "customer" and customer is not None else "fr"


def content(  # noqa: PLR0911 - one line a card
    session: Session, row: OutboxRow, *, house: House, at: datetime
) -> Content:
    """The text and buttons of a row, with the data of this instant."""
    thing = thing_of(session, row.subject)
    match row.template:
        case "order_card":
            card = conversations.card_of(session, chat_id=row.chat_id, subject=row.subject) if row.chat_id else None
            showing = card.showing if card is not None else ""
            return cards.order_view(session, thing, showing, house=house, at=at)
        case "order_recap":
            return recaps.recap_card(session, thing, house=house, at=at, language=language_of(row, thing))
        case "quote_card":
            return cards.quote_card(thing, at=at)
        case "quarantine_card":
            return inbox.message_card(session, thing)
        case "revision_card":
            return changes.revision_card(session, thing, house=house, at=at)
        case "preparation_card":
            return cards.preparation_card(thing)
        case "digest":
            return digests.content(thing)
        case "still_waiting":
            return inbox.still_waiting(session, thing, row.arguments["items"], at=at)
    language = language_of(row, thing)
    given, rows = context(session, row, thing, house=house, at=at, language=language)
    rows = [*rows, *inbox.calls_rows(session, row)]
    order = thing if isinstance(thing, Order) else getattr(thing, "order", None)
    return Content(texts.render(row.template, language, **given), rows, order, language)


def context(
    session: Session, row: OutboxRow, thing: Any, *, house: House, at: datetime, language: str
) -> tuple[dict[str, Any], list[list[Press]]]:
    """What the template of a row may use, and its buttons."""
    given: dict[str, Any] = {
        "thing": thing, "house": house, "customer": events.customer_of(thing), "params": row.arguments,
        "answer_by": texts.before(hours.answer_by(house, row.created_at, at=at), language, at=at),
        "answer_day": hours.accounting_by(row.created_at),
        "today": business_date(at), "mail": row.channel.value == "mail", "paper": row.paper_id is not None,
    }  # fmt: skip
    maker = MAKERS.get(row.template)
    if isinstance(thing, Order):
        given |= cards.order_context(thing, language)
    if maker is None:
        return given, []
    more, rows = maker(session, thing, row, house, at, language)
    return given | more, rows


#: Each thing has its own module: its makers stand there, beside their table.
MAKERS: dict[str, Maker] = {**orders.MAKERS, **goods.MAKERS, **money.MAKERS, **words.MAKERS}


def subject_data(thing: Any, row: OutboxRow) -> dict[str, Any]:
    """What a mail's subject line may name: the reference of the thing, and what it is about."""
    reference = str(getattr(thing, "reference", "") or getattr(thing, "number", ""))
    invoice = getattr(thing, "invoice", None)
    return {
        "reference": reference, "number": str(getattr(invoice, "number", "")) or reference,
        "customer_reference": str(getattr(thing, "customer_reference", "")), **row.arguments,
    }  # fmt: skip
