"""What rows about quotes and about messages say."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from bot import cards, folding, texts
from bot.keyboards import Press
from bot.letters.makers import Made, Maker
from core import card_changes, hours
from core.card_changes import CardChange, CardChangeState
from core.clock import business_date
from core.messages import Message
from core.outbox import OutboxRow
from core.parties import Staff
from core.quotes import Quote, QuoteState

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from core.settings import House


def _quote(_session: Session, quote: Quote, row: OutboxRow, _house: House, _at: datetime, language: str) -> Made:
    given = {
        "quote": quote, "lines": [cards.line_view(line, language) for line in quote.lines], "net": quote.net,
        "saved": cards.saved(quote.lines), "off_order": quote.discount_percent,
    }  # fmt: skip
    about = {"quote": quote.id}
    match row.template:
        case "quote_sent":
            return given, [[Press("accept_quote", about)], [Press("decline_quote", about), Press("human")]]
        case "quote_late":
            return given, [[Press("take_up_quote", about)], [Press("revise_quote", about)]]
        case "quote_declined":
            return given, [[Press("revise_quote", about)]]
    return given, []


def _which_quote(
    session: Session, message: Message, row: OutboxRow, _house: House, at: datetime, _language: str
) -> Made:
    told, today = row.arguments, business_date(at)
    known = [session.get_one(Quote, int(number)) for number in told.get("quotes", [])]
    found = [quote for quote in known if quote.state is QuoteState.SENT and not quote.expired(today)]
    declines = told.get("consent") == "declined"
    said = "decline_quote" if declines else "accept_quote" if row.audience == "customer" else "take_up_quote"
    buttons = [
        [Press(said, {"quote": quote.id}, {"quote": quote.reference, "amount": quote.net}, f"{said}_named")]
        for quote in found
    ]
    extract = " ".join(message.extract.split())[: cards.EXTRACT]
    return {"quotes": found, "declines": declines, "extract": extract}, buttons


def _message(_session: Session, message: Any, row: OutboxRow, house: House, at: datetime, language: str) -> Made:
    extract, reason = str(getattr(message, "extract", "")), str(getattr(message, "reason", ""))
    said = " ".join(extract.split())[: cards.EXTRACT]
    kept = texts.sentence("kept", reason, language) if reason else None
    if kept:
        answered = hours.answer_by(house, row.created_at, at=at)
        kept = texts.fill(kept, language, answer_by=texts.before(answered, language, at=at))
    given = {"extract": said, "reason": reason, "kept": kept or "", "reader": row.arguments.get("reader", "sales")}
    return given, [[Press("specify"), Press("human")]] if row.template == "message_kept" else []


def _human(_session: Session, customer: Any, _row: OutboxRow, _house: House, _at: datetime, _language: str) -> Made:
    return {"of": customer}, [[Press("my_orders_list")]]


def _card_change(
    session: Session, change: CardChange, _row: OutboxRow, _house: House, _at: datetime, _language: str
) -> Made:
    args, message = {"card_change": change.id}, change.message
    people = {number: session.get(Staff, number) for number in (change.called_by_id, change.decided_by_id) if number}
    names = {number: person.name for number, person in people.items() if person is not None}
    given = {
        "extract": " ".join(message.extract.split())[: cards.EXTRACT], "sender": message.sender,
        "vouched": "authenticated" in message.flags.split(), "proposed": card_changes.proposed(change),
        "phones": [contact.phone for contact in change.customer.contacts if contact.phone],
        "caller": names.get(change.called_by_id or 0, ""), "decider": names.get(change.decided_by_id or 0, ""),
    }  # fmt: skip
    refuse = Press("refuse_card_change", args)
    match change.state:
        case CardChangeState.ASKED:
            return given, [[Press("card_called_back", args)], [refuse]]
        case CardChangeState.CALLED_BACK:
            return given, [[Press("approve_card_change", args)], [refuse]]
    return given, []


MAKERS: dict[str, Maker] = {
    "human_wanted": _human,
    folding.FOLDING: lambda session, _thing, row, _house, _at, _language: folding.made(session, row),
    "which_quote": _which_quote, "which_quote_info": _which_quote, "quote_sent": _quote, "quote_declined": _quote,
    "quote_late": _quote, "quote_wanted_late": _quote, "quote_superseded": _quote, "message_kept": _message,
    "receipt_only": _message, "customer_message": _message, "address_failed": _message,
    "card_change": _card_change,
}  # fmt: skip
