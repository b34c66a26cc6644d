"""Goods: what came in, what is there, and what is decided about a line that is short or falls on a wrong day."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from bot import cards, texts
from bot.cards import Content, plural
from bot.handlers import drafts
from bot.keyboards import Press
from core import catalogue, orders, receipts, stock
from core.checks import SURE
from core.clock import business_date
from core.errors import Refused
from core.orders import Order
from intake.understand.drafts import line_taker

if TYPE_CHECKING:
    from bot.turns import Turn
    from core.catalogue import Article
    from core.orders import AskedLine
    from core.receipts import Received
    from intake.reading import AskedLine as Said

Args = dict[str, Any]
#: A quantity below zero would be read without its sign, and nought as no quantity at all.
NOTHING = re.compile(r"(?:^|[\s,;])(-\s?\d[\d.,]*|0+(?:[.,]0+)?(?=\s))")

#: More decimals than stock counts: a reader might round them.
TOO_FINE = re.compile(r"\d+[.,]\d{5,}")


def receive(turn: Turn, said: str) -> None:
    """« 40 cartons CAF-250 »: every line of it comes in at once; where the article is not certain, it is asked."""
    if found := NOTHING.search(said):
        raise Refused("quantity_not_positive", quantity=found[1])
    if found := TOO_FINE.search(said):
        raise Refused("quantity_too_fine", quantity=found[0], places=catalogue.PLACES)
    lines = drafts.reading(turn, said).lines
    if not lines:
        raise Refused("receipt_words")
    taken = line_taker(turn.session, None)
    for number, line in enumerate(lines):
        key = f"chat:{turn.chat_id}:{turn.update_id}:{number}"
        asked = taken(line)
        if asked.article is None or asked.confidence < SURE:
            _which(turn, line, asked, key)
        else:
            _take_in(turn, asked.article, _units(asked, asked.article, line), key)


def _which(turn: Turn, line: Said, asked: AskedLine, key: str) -> None:
    """The articles it may be, each with the quantity it would come to."""
    own = [asked.article.sku] if asked.article is not None else []
    words = [] if own or asked.alternatives else catalogue.search_articles(turn.session, line.designation)
    taken = line_taker(turn.session, None)
    rows = []
    for sku in dict.fromkeys([*own, *asked.alternatives[:4], *(one.sku for one in words)]):
        article = catalogue.article_by_sku(turn.session, sku)
        counted = taken(replace(line, designation=sku, reference=sku, codes=(sku,), heading=""))
        if counted.article is article and counted.quantity is not None:
            args = {"article": article.id, "quantity": f"{counted.quantity:f}", "key": key}
            rows.append([Press("receive_goods", args, _named(article, counted.quantity))])
    if not rows:
        raise Refused("nothing_found", words=line.text.strip())
    turn.send(Content(texts.escape(texts.answer("which_received", said=line.text.strip())), rows))


def _named(article: Article, quantity: Decimal) -> dict[str, Any]:
    return {"quantity": quantity, "unit": plural(article.unit, quantity), "sku": article.sku, "name": article.name}


def _units(asked: AskedLine, article: Article, line: Said) -> Decimal:
    """How many sales units came; refuses a packaging that the article does not have."""
    if asked.quantity is None:
        known = ", ".join(pack.name for pack in article.packagings) or article.unit
        raise Refused("packaging_unknown", packaging=line.unit, sku=article.sku, unit=article.unit, known=known)
    return asked.quantity


def receive_goods(turn: Turn, args: Args, _thing: Any) -> None:
    """It is this article that came; a second press takes nothing in twice."""
    article = turn.session.get_one(catalogue.Article, args["article"])
    turn.show(Content(texts.escape(_said(_noted(turn, article, Decimal(args["quantity"]), args["key"])))))


def _take_in(turn: Turn, article: Article, quantity: Decimal, key: str) -> None:
    turn.send(Content(texts.escape(_said(_noted(turn, article, quantity, key)))))


def _noted(turn: Turn, article: Article, quantity: Decimal, key: str) -> Received:
    return receipts.receive(turn.session, article, quantity, by=turn.by, at=turn.at, reference=key)


def _said(received: Received) -> str:
    """The new stock, and which orders that wait could leave now."""
    named = _named(received.article, received.quantity)
    told = texts.answer("received", **named, on_hand=received.on_hand, available=received.available)
    ready = [f"{order.reference} ({order.customer.name})" for order in received.ready]
    return f"{told}\n" + (texts.answer("received_ready", orders=ready) if ready else texts.answer("received_none"))


def show_stock(turn: Turn, words: str) -> None:
    """What is there of the articles with these words, what is promised of it, and what is still to come."""
    from bot.handlers import search

    found = search.articles(turn, words)
    if not found:
        raise Refused("nothing_found", words=words)
    turn.send(Content(texts.escape("\n".join(stock_lines(turn, found)))))


def stock_lines(turn: Turn, found: list[Article]) -> list[str]:
    """A line for each article: what may be sold of it, and what is still to come."""
    ids = [article.id for article in found]
    shelves = stock.shelves(turn.session, ids)
    coming = receipts.expected(turn.session, ids, today=business_date(turn.at))
    lines = []
    for article in found:
        shelf = shelves[article.id]
        lines.append(
            texts.answer(
                "stock_line", sku=article.sku, name=article.name, unit=plural(article.unit, shelf.available),
                available=shelf.available, on_hand=shelf.on_hand, reserved=shelf.reserved,
            )
        )  # fmt: skip
        awaited = [texts.answer("stock_expected", quantity=q, day=day) for day, q in coming.get(article.id, [])]
        lines[-1] += "".join(f" · {text}" for text in awaited)
    return lines


def _go_on(turn: Turn, order: Order) -> None:
    """The next point to treat, then the next one that is only watched, or the card."""
    turn.session.flush()
    for watch in (False, True):
        point = cards.point_view(turn.session, order, 0, house=turn.house, at=turn.at, watch=watch)
        if point is not None:
            turn.show(point)
            return
    turn.show(cards.order_card(turn.session, order, house=turn.house, at=turn.at))


def treat_watched(turn: Turn, args: Args, order: Order) -> None:
    """What does not block and may yet be settled, one after the other."""
    point = cards.point_view(turn.session, order, args["index"], house=turn.house, at=turn.at, watch=True)
    turn.show(point or cards.order_card(turn.session, order, house=turn.house, at=turn.at))


def keep_backorder(turn: Turn, args: Args, order: Order) -> None:
    """What is there leaves, the rest follows."""
    orders.settle_shortage(turn.session, order, int(args["position"]), by=turn.by, at=turn.at)
    turn.toast = texts.answer("backorder_settled")
    _go_on(turn, order)


def wait_until(turn: Turn, args: Args, order: Order) -> None:
    """All of it later, together; the customer sees the new day in his recap."""
    day = date.fromisoformat(args["day"])
    orders.wait_until(turn.session, order, int(args["position"]), day, by=turn.by, at=turn.at)
    _go_on(turn, order)


def choose_substitute(turn: Turn, args: Args, order: Order) -> None:
    """Another article instead."""
    other = catalogue.article_by_sku(turn.session, args["other"])
    orders.choose_substitute(turn.session, order, int(args["position"]), other, by=turn.by, at=turn.at)
    _go_on(turn, order)


def cap_line(turn: Turn, args: Args, order: Order) -> None:
    """No more than is there."""
    position, quantity = int(args["position"]), Decimal(args["quantity"])
    orders.cap_line(turn.session, order, position, quantity, by=turn.by, at=turn.at)
    _go_on(turn, order)


def round_quantity(turn: Turn, args: Args, order: Order) -> None:
    """The next quantity that is sold."""
    orders.round_quantity(turn.session, order, int(args["position"]), by=turn.by, at=turn.at)
    _go_on(turn, order)


def deliver_on(turn: Turn, args: Args, order: Order) -> None:
    """The day that is possible."""
    orders.set_delivery_date(turn.session, order, date.fromisoformat(args["day"]), by=turn.by, at=turn.at)
    _go_on(turn, order)


ACTIONS: dict[str, tuple[str, Any]] = {
    **{
        act.__name__: ("order", act)
        for act in (
            treat_watched, keep_backorder, wait_until, choose_substitute, cap_line, round_quantity, deliver_on,
        )
    },
    "receive_goods": ("", receive_goods),
}  # fmt: skip
COMMANDS: dict[str, Any] = {"receive_goods": receive, "stock_of": show_stock}
