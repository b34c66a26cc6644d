"""What makes a purchase order conform, by buttons: its number, its buyer, its place, its clauses, who accepted what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bot import cards, texts
from bot.cards import Content
from bot.handlers.sales import treat_points
from bot.keyboards import Press
from core import orders, sale_terms
from core.clauses import ClauseKind
from core.clock import business_date
from core.errors import Refused
from core.orders import Order, questions
from core.parties import Contact, DeliveryAddress, Role
from core.sale_terms import HowAccepted
from intake.reading import dates

if TYPE_CHECKING:
    from bot.turns import Turn

Args = dict[str, Any]


def show_notes(turn: Turn, _args: Args, order: Order) -> None:
    """What is only noted, with what can be done about it."""
    turn.session.flush()
    turn.show(cards.notes_view(turn.session, order, house=turn.house, at=turn.at))


def ask_number(turn: Turn, _args: Args, order: Order) -> None:
    """Which number? The next text."""
    turn.ask("order_number", "which_number", order=order.id)


def order_number(turn: Turn, args: Args, text: str) -> None:
    """The number of the customer's purchase order."""
    order = orders.lock(turn.session, args["order"])
    orders.set_order_number(turn.session, order, text, by=turn.by, at=turn.at)


def ask_date(turn: Turn, _args: Args, order: Order) -> None:
    """Which date? The next text."""
    turn.ask("order_date", "which_date", order=order.id)


def order_date(turn: Turn, args: Args, text: str) -> None:
    """The date of the customer's purchase order."""
    order = orders.lock(turn.session, args["order"])
    day = dates.issued(f"{texts.word('dated')} {text}", today=business_date(turn.at))
    if day is None:
        raise Refused("date_not_understood")
    orders.set_order_date(turn.session, order, day, by=turn.by, at=turn.at)


def who_ordered(turn: Turn, _args: Args, order: Order) -> None:
    """The customer's contacts, as buttons."""
    rows = [
        [Press("choose_buyer", {"contact": c.id}, {"name": c.name or c.email or c.phone})]
        for c in order.customer.contacts[:8]
    ]
    turn.send(Content(texts.escape(texts.answer("which_buyer")), rows, order))


def choose_buyer(turn: Turn, args: Args, order: Order) -> None:
    """The press names who ordered."""
    contact = turn.session.get_one(Contact, args["contact"])
    orders.set_buyer(turn.session, order, contact, by=turn.by, at=turn.at)
    treat_points(turn, {}, order)


def which_address(turn: Turn, _args: Args, order: Order) -> None:
    """The customer's places, as buttons."""
    own = order.customer
    rows = [
        [Press("choose_address", {"address": place.id}, {"place": f"{place.name} {place.street} {place.city}".strip()})]
        for place in own.addresses[:8]
    ]
    rows.append([Press("choose_address", {"address": 0}, {"place": f"{own.street} {own.city}".strip() or own.name})])
    turn.send(Content(texts.escape(texts.answer("which_address")), rows, order))


def choose_address(turn: Turn, args: Args, order: Order) -> None:
    """There."""
    place = turn.session.get_one(DeliveryAddress, args["address"]) if args["address"] else None
    orders.set_delivery_address(turn.session, order, place, by=turn.by, at=turn.at)
    treat_points(turn, {}, order)


def ask_customer(turn: Turn, args: Args, order: Order) -> None:
    """Put the question to the customer, by the way his order came."""
    about = str(args["about"])
    questions.ask(turn.session, order, about, by=turn.by, at=turn.at)
    turn.toast = texts.answer("customer_asked")


def keep_clause(turn: Turn, args: Args, order: Order) -> None:
    """Our clause stands; the confirmation says so."""
    orders.keep_ours(turn.session, order, ClauseKind(args["clause"]), by=turn.by, at=turn.at)
    treat_points(turn, {}, order)


def accept_clause(turn: Turn, args: Args, order: Order) -> None:
    """Why? The next text goes to the manager, or is his own reason."""
    turn.ask("clause_reason", "why_their_clause", order=order.id, clause=args["clause"])


def clause_reason(turn: Turn, args: Args, text: str) -> None:
    """The manager decides at once, anybody else asks him."""
    order, kind = orders.lock(turn.session, args["order"]), ClauseKind(args["clause"])
    if Role.MANAGER.value in turn.by.roles:
        orders.accept_theirs(turn.session, order, kind, reason=text, by=turn.by, at=turn.at)
        return
    orders.ask_for_theirs(turn.session, order, kind, reason=text, by=turn.by, at=turn.at)
    turn.say("clause_asked", reference=order.reference)


def note_acceptance(turn: Turn, _args: Args, order: Order) -> None:
    """What proves it? The next text."""
    turn.ask("acceptance_proof", "which_proof", order=order.id)


def acceptance_proof(turn: Turn, args: Args, text: str) -> None:
    """The customer signed the version in force; the words say where the signed paper is."""
    order = orders.lock(turn.session, args["order"])
    terms = sale_terms.in_force(turn.session, on=business_date(turn.at))
    if terms is None:
        raise Refused("sale_terms_missing")
    how = HowAccepted.SIGNED
    sale_terms.accept(turn.session, order.customer, terms, how=how, proof=text, by=turn.by, at=turn.at)
    turn.say("acceptance_kept", customer=order.customer.name, version=terms.version)


ACTIONS: dict[str, tuple[str, Any]] = {
    act.__name__: ("order", act)
    for act in (
        show_notes, ask_number, ask_date, who_ordered, choose_buyer, which_address, choose_address, ask_customer,
        keep_clause, accept_clause, note_acceptance,
    )
}  # fmt: skip
ANSWERS: dict[str, Any] = {
    "order_number": order_number,
    "order_date": order_date,
    "clause_reason": clause_reason,
    "acceptance_proof": acceptance_proof,
}
