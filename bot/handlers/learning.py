"""What a colleague corrects is offered to be remembered for that customer, listed, and forgotten again by a press.

Nothing is remembered unasked: a correction may be right once only.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from bot import cards, texts
from bot.cards import Content
from bot.keyboards import Press
from core import aliases, catalogue, orders, parties
from core.aliases import SenderAlias, SenderKind
from core.errors import Refused
from core.messages import ASSIGNED, PROPOSED, Message, MessageState
from core.orders import Order, OrderLine
from core.parties import Contact, Customer
from intake import receive
from intake.matching.customers import is_ours, private_domains
from intake.requests import asked_in
from intake.understand import directories, drafts, opened

if TYPE_CHECKING:
    from bot.turns import Turn

Args = dict[str, Any]


def offer_name(turn: Turn, order: Order, line: OrderLine) -> Content | None:
    """« Retenir ? » for the words or the reference that the customer gave the article of this line."""
    said = line.customer_reference or drafts.own_words(line)
    if line.article is None or not said or not _is_new(turn, order, said, line.article.sku):
        return None
    named = {"reference": said, "sku": line.article.sku, "customer": order.customer.name}
    rows = [[Press("remember_alias", {"text": said, "sku": line.article.sku})], [Press("this_time_only")]]
    return Content(texts.escape(texts.answer("remember", **named)), rows, order)


def _is_new(turn: Turn, order: Order, said: str, sku: str) -> bool:
    known = [known for known in aliases.learned(turn.session, order.customer) if known.kind == "article"]
    return not any(one.text == said and one.meaning == sku for one in known)


def remember_alias(turn: Turn, args: Args, order: Order) -> None:
    """Keep the customer's own name of the article."""
    article = catalogue.article_by_sku(turn.session, args["sku"])
    aliases.learn_article(turn.session, order.customer, article, args["text"], by=turn.by, at=turn.at)
    _go_on(turn, order)


def offer_packaging(turn: Turn, order: Order, line: OrderLine, *, unit: str, count: Decimal | None) -> Content | None:
    """« Retenir ? » for what a packaging holds for him, where a quantity set by hand says it."""
    if line.article is None or line.quantity is None or not unit or not count:
        return None
    holds = line.quantity / count
    if holds != holds.quantize(Decimal("0.0001")) or holds <= 0:
        return None
    known = {pack.name: pack.quantity for pack in line.article.packagings}
    known |= aliases.customer_packagings(turn.session, order.customer).get(line.article.sku, {})
    if known.get(unit) == holds or unit == line.article.unit:  # more of its own unit says nothing of a packaging
        return None
    holds = holds.normalize()
    args = {"sku": line.article.sku, "unit": unit, "holds": f"{holds:f}"}
    asked = texts.answer(
        "remember_packaging", packaging=unit, sku=line.article.sku, customer=order.customer.name,
        holds=f"{texts.shown(holds)} {cards.plural(line.article.unit, holds)}",
    )  # fmt: skip
    return Content(texts.escape(asked), [[Press("remember_packaging", args)], [Press("this_time_only")]], order)


def remember_packaging(turn: Turn, args: Args, order: Order) -> None:
    """Keep what the packaging holds for this customer."""
    article = catalogue.article_by_sku(turn.session, args["sku"])
    holds = Decimal(args["holds"])
    aliases.learn_packaging(turn.session, order.customer, article, args["unit"], holds, by=turn.by, at=turn.at)
    _go_on(turn, order)


def confirm_customer(turn: Turn, _args: Args, order: Order) -> None:
    """It is he: from now on he hears of his order."""
    _set_customer(turn, order, order.customer)


def search_customer(turn: Turn, args: Args, order: Order | None) -> None:
    """Which name? The next text."""
    about = {"order": order.id} if order is not None else {"message": args["message"]}
    turn.ask("customer_words", "which_customer", **about)


def customer_words(turn: Turn, args: Args, text: str) -> None:
    """The customers with these words, as buttons."""
    found = parties.search_customers(turn.session, text)
    if not found:
        raise Refused("nothing_found", words=text)
    order = orders.lock(turn.session, args["order"]) if "order" in args else None
    action = "choose_customer" if order is not None else "assign_customer"
    about = {} if order is not None else {"message": args["message"]}
    rows = [[Press(action, {**about, "customer": c.id}, {"code": c.code, "name": c.name})] for c in found]
    turn.send(Content(texts.escape(texts.answer("which_one")), rows, order))


def choose_customer(turn: Turn, args: Args, order: Order) -> None:
    """It is another one: his prices, and the word goes to him."""
    _set_customer(turn, order, turn.session.get_one(Customer, args["customer"]))


def _set_customer(turn: Turn, order: Order, customer: Customer) -> None:
    message = turn.session.get(Message, order.message_id) if order.message_id is not None else None
    vouched = message is None or "authenticated" in message.flags.split()
    orders.set_customer(turn.session, order, customer, authenticated=vouched, by=turn.by, at=turn.at)
    if message is not None:
        message.customer = customer
    offer = _offer_sender(turn, message, customer, order) if message is not None else None
    if offer is None:
        _go_on(turn, order)
    else:
        turn.show(cards.kept(offer))


def assign_customer(turn: Turn, args: Args, message: Message) -> None:
    """Say whose message it is: it is read again for him."""
    if message.state is not MessageState.QUARANTINED:
        raise Refused("message_not_waiting")
    customer = turn.session.get_one(Customer, args["customer"])
    message.customer = customer
    message.unflag(PROPOSED)
    message.flag(ASSIGNED)
    receive.replay(turn.session, message, at=turn.at)
    offer = _offer_sender(turn, message, customer, None)
    turn.toast = texts.answer("assigned", customer=customer.name)
    if offer is not None:
        turn.send(offer)


def _offer_sender(turn: Turn, message: Message, customer: Customer, order: Order | None) -> Content | None:
    """« Retenir ? » for the address, the domain and the signature of who wrote, as far as they are new."""
    incoming = opened.incoming_of(turn.session, message, settings=turn.app.settings)
    sender = asked_in(incoming).sender
    if is_ours(sender.email, directories.ours(turn.session, turn.app.settings)):
        return None
    found = {SenderKind.ADDRESS: sender.email} if sender.email else {}
    found |= dict.fromkeys([SenderKind.DOMAIN] if found else [], next(iter(private_domains([sender.email])), ""))
    found |= {SenderKind.SIGNATURE: sender.name.strip()} if any(map(str.isalpha, sender.name)) else {}
    new = {kind: text for kind, text in found.items() if text and not _known(turn, customer, kind, text)}
    if not new:
        return None
    about: Args = {"customer": customer.id} | ({} if order is not None else {"message": message.id})
    rows = [
        [
            Press(
                "remember_sender", {**about, "kind": kind.value, "text": text}, {"text": text}, f"remember_{kind.value}"
            )
        ]
        for kind, text in new.items()
    ]
    rows.append([Press("this_time_only" if order is not None else "leave_sender", about if order is None else {})])
    return Content(texts.escape(texts.answer("remember_sender", customer=customer.name)), rows, order)


def _known(turn: Turn, customer: Customer, kind: SenderKind, text: str) -> bool:
    taught = select(SenderAlias.id).where(
        SenderAlias.customer_id == customer.id, SenderAlias.kind == kind, func.lower(SenderAlias.text) == text.lower()
    )
    mail = select(Contact.id).where(Contact.customer_id == customer.id, func.lower(Contact.email) == text.lower())
    found = turn.session.scalar(taught.limit(1))
    return found is not None or (kind is SenderKind.ADDRESS and turn.session.scalar(mail.limit(1)) is not None)


def remember_sender(turn: Turn, args: Args, order: Order | None) -> None:
    """Keep from where the customer writes."""
    customer = turn.session.get_one(Customer, args["customer"])
    kind = SenderKind(args["kind"])
    aliases.learn_sender(turn.session, customer, kind, args["text"], by=turn.by, at=turn.at)
    turn.toast = texts.answer("learned")
    if order is not None:
        _go_on(turn, order)
    else:
        turn.show(Content(texts.escape(texts.answer("learned_of", text=args["text"], customer=customer.name))))


def leave_sender(turn: Turn, args: Args, _thing: Any) -> None:
    """Not to be remembered."""
    customer = turn.session.get_one(Customer, args["customer"])
    turn.show(Content(texts.escape(texts.answer("assigned", customer=customer.name))))


def show_learned(turn: Turn, customer: Customer) -> None:
    """Everything that is remembered of a customer, each with its way out."""
    turn.send(_list(turn, customer))


def _list(turn: Turn, customer: Customer) -> Content:
    found = aliases.learned(turn.session, customer)
    rows = [
        [Press("forget_alias", {"customer": customer.id, "kind": one.kind, "id": one.id}, {"text": one.text})]
        for one in found
    ]
    return Content(texts.render("learned", customer=customer, learned=found), rows[:MAX_BUTTONS])


MAX_BUTTONS = 40  # a keyboard of a chat holds a hundred; a screen shows far fewer


def forget_alias(turn: Turn, args: Args, customer: Customer) -> None:
    """Take one thing back."""
    aliases.forget(turn.session, customer, args["kind"], int(args["id"]), by=turn.by, at=turn.at)
    turn.toast = texts.answer("forgotten")
    turn.show(_list(turn, customer))


def _go_on(turn: Turn, order: Order) -> None:
    """The next point to treat, or the card."""
    turn.session.flush()
    point = cards.point_view(turn.session, order, 0, house=turn.house, at=turn.at)
    turn.show(point or cards.order_card(turn.session, order, house=turn.house, at=turn.at))


ACTIONS: dict[str, tuple[str, Any]] = {
    "remember_alias": ("order", remember_alias),
    "remember_packaging": ("order", remember_packaging),
    "confirm_customer": ("order", confirm_customer),
    "search_customer": ("order", search_customer),
    "choose_customer": ("order", choose_customer),
    "assign_customer": ("message", assign_customer),
    "remember_sender": ("order", remember_sender),
    "leave_sender": ("message", leave_sender),
    "forget_alias": ("customer", forget_alias),
}
ANSWERS: dict[str, Any] = {"customer_words": customer_words}
