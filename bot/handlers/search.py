"""Finding by words: an order by its reference, articles and customers by what they are called; orders by telephone."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from bot import cards, living, texts
from bot.access import allowed
from bot.cards import Content
from bot.handlers import drafts, goods, quotes, staff
from bot.keyboards import NARROW, Press
from core import catalogue, deliveries, namesakes, orders, parties
from core.errors import Refused
from core.messages import MessageChannel
from core.orders import Asked, Order
from core.parties import Customer
from intake.reading import AskedLine, Evidence
from intake.understand.drafts import lines_of, matcher_for

if TYPE_CHECKING:
    from bot.turns import Turn
    from core.catalogue import Article

Args = dict[str, Any]
SHOWN = 5
#: So many of the words of an order are shown again where its customer is asked.
EXTRACT = 80


def reference(turn: Turn, text: str) -> bool:
    """« 0412 », « CMD-2026-0412 » or the customer's own number brings the order's card; False for other words."""
    found = orders.find(turn.session, text) if text and len(text) <= orders.LONGEST_NUMBER else []
    if len(found) > 1 and allowed(turn.link, "open_order"):
        rows = [[Press("open_order", {"order": one.id}, _named(one), "choose_edited", NARROW)] for one in found]
        turn.send(Content(texts.escape(texts.answer("which_order_found")), rows))
    elif found:
        _open(turn, found[0])
    return bool(found)


def _named(order: Order) -> dict[str, Any]:
    return {"reference": order.reference, "customer": order.customer.name}


def _open(turn: Turn, order: Order) -> None:
    """The card for who may treat it; for the warehouse its deliveries, for others its lines to read."""
    if allowed(turn.link, "open_order"):
        living.bring(turn, order, showing="")
        return
    shipped = deliveries.of_order(turn.session, order) if allowed(turn.link, "to_prepare") else []
    for delivery in shipped:
        turn.send(cards.preparation_card(delivery))
    if not shipped and allowed(turn.link, "show_account"):
        account = Press("show_account", {"customer": order.customer_id})
        turn.send(Content(cards.order_lines(order).html, [[account]]))
    elif not shipped:
        turn.say("order_state", reference=order.reference, state=texts.word(order.state.value))


def words(turn: Turn, text: str) -> bool:
    """« cherche drap 140 »: articles with their stock and customers, as far as the asker may see them."""
    form = texts.table("menus", "fr")["words"]["search"]
    found = re.match(form, text, re.IGNORECASE)
    if found is None:
        return False
    asked = text[found.end() :].strip(" ?.!")
    if reference(turn, asked):
        return True
    goods_found = articles(turn, asked) if allowed(turn.link, "stock_of") else []
    known = parties.search_customers(turn.session, asked) if allowed(turn.link, "show_account") else []
    if not goods_found and not known:
        raise Refused("nothing_found", words=asked)
    said = [texts.answer("found_articles"), *goods.stock_lines(turn, goods_found)] if goods_found else []
    said += [texts.answer("found_customers"), *(f"{one.code} {one.name}" for one in known)] if known else []
    rows = [[_customer("show_account", one)] for one in known]
    turn.send(Content(texts.escape("\n".join(said)), rows))
    return True


def articles(turn: Turn, asked: str) -> list[Article]:
    """The articles whose names hold these words, else those that a customer might mean by them, the likeliest first."""
    if not asked.strip():
        return []
    found = catalogue.search_articles(turn.session, asked, limit=SHOWN)
    if found:
        return found
    matcher = matcher_for(turn.session, None)
    matched = matcher.index.match(AskedLine(asked, asked, None, Evidence("body")), matcher.buyer)
    likely = [matched.row.sku] if matched.row is not None else []
    skus = dict.fromkeys([*likely, *(sku for sku, _ in matched.alternatives)])
    return [article for sku in list(skus)[:SHOWN] if (article := matcher.article(sku)) is not None]


def _customer(action: str, one: Customer, **args: Any) -> Press:
    named = {"code": one.code, "name": one.name}
    return Press(action, {"customer": one.id, **args}, named, "choose_customer", NARROW)


def account(turn: Turn, asked: str) -> None:
    """What the customer owes; where the words fit several, they are buttons, and where none, those that look alike."""
    found = parties.search_customers(turn.session, asked) if asked else []
    found = found or (namesakes.similar_customers(turn.session, asked) if asked else [])
    if len(found) < 2:
        staff.show_account(turn, {}, found[0] if found else quotes.customer_named(turn, asked))
        return
    turn.send(Content(texts.escape(texts.answer("which_one")), [[_customer("show_account", one)] for one in found]))


def take_order(turn: Turn, said: str) -> None:
    """An order taken by telephone: `CUSTOMER (FROM WHOM) : LINES`; who took it, from whom and when is kept.

    Without its colon the customer ends where the first quantity begins. A customer who is not the only one of his name,
    or not known, is chosen by a button; a reference alone brings its card.
    """
    if ":" not in said and reference(turn, said):
        return
    name, what = _parted(turn, said)
    called, whom = told_by(name)
    _ensure_lines(turn, what)
    found = parties.search_customers(turn.session, called) if called else []
    if len(found) == 1:
        _draft(turn, found[0], what, whom)
        return
    if not found and called and parties.search_customers(turn.session, called, active=False):
        quotes.customer_named(turn, called)  # says that the account is closed
    _whose(turn, found, called, what, whom)


def _parted(turn: Turn, said: str) -> tuple[str, str]:
    if ":" in said:
        name, _, what = said.partition(":")
        return name.strip(), what.strip()
    places = [found.start() for found in re.finditer(r"(?<!\S)\d", said)]
    for at in places:
        if len(parties.search_customers(turn.session, told_by(said[:at].strip(" ,"))[0])) == 1:
            return said[:at].strip(" ,"), said[at:]
    at = places[0] if places else len(said)
    return said[:at].strip(" ,"), said[at:]


def told_by(name: str) -> tuple[str, str]:
    """A customer's name and who spoke for him: « CUSTOMER (WHO) »; empty where nobody is named."""
    found = re.search(texts.table("menus", "fr")["words"]["from_whom"], name, re.IGNORECASE)
    if found is None:
        return name.strip(), ""
    return name[: found.start()].strip(), " ".join((found["bracketed"] or found["said"]).split())


def _ensure_lines(turn: Turn, what: str) -> None:
    lines = drafts.reading(turn, what).lines
    if not lines:
        raise Refused("no_lines_read", text=what.strip()[:60])
    if any(line.quantity is not None and line.quantity <= 0 for line in lines):
        raise Refused("quantity_not_positive")


def _draft(turn: Turn, customer: Customer, what: str, whom: str) -> None:
    said = drafts.reading(turn, what)
    asked = Asked(
        customer=customer, channel=MessageChannel.ORAL, lines=lines_of(turn.session, customer, said.lines),
        requested_delivery_date=said.requested_delivery_date, taken_by_id=turn.link.staff_id, taken_from=whom,
        taken_at=turn.at,
    )  # fmt: skip
    orders.draft(turn.session, asked, by=turn.by, at=turn.at)


def _whose(turn: Turn, found: list[Customer], called: str, what: str, whom: str) -> None:
    """The customers it may be for, and any other; the lines are kept in the buttons."""
    near = found or (namesakes.similar_customers(turn.session, called) if called else [])
    kept = {"what": what, "whom": whom}
    rows = [[_customer("take_order_for", one, **kept)] for one in near[:4]]
    rows.append([Press("take_order_whom", kept)])
    key = "whose_order" if near else "whose_order_unknown"
    turn.send(Content(texts.escape(texts.answer(key, words=called, what=what[:EXTRACT])), rows))


def take_order_for(turn: Turn, args: Args, customer: Customer) -> None:
    """It is he: his draft, whose card follows."""
    _draft(turn, customer, args["what"], args["whom"])
    turn.show(Content(texts.escape(texts.answer("order_taken", customer=customer.name, what=args["what"][:EXTRACT]))))


def take_order_whom(turn: Turn, args: Args, _thing: Any) -> None:
    """Which name? The next text."""
    turn.ask("order_whose", "which_customer", what=args["what"], whom=args["whom"])


def order_whose(turn: Turn, args: Args, text: str) -> None:
    """His name or code."""
    found = parties.search_customers(turn.session, text)
    if len(found) == 1:
        _draft(turn, found[0], args["what"], args["whom"])
    else:
        _whose(turn, found, text, args["what"], args["whom"])


ACTIONS: dict[str, tuple[str, Any]] = {
    "take_order_for": ("customer", take_order_for),
    "take_order_whom": ("", take_order_whom),
}
ANSWERS: dict[str, Any] = {"order_whose": order_whose}
