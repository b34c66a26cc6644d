"""Quotes in chat: made, listed, changed, sent, revised, taken up or declined; an order beside its quote."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from bot import cards, texts
from bot.cards import Content
from bot.handlers import drafts
from bot.handlers.sales import number
from bot.keyboards import Press
from core import catalogue, conversations, parties, quotes
from core.clock import business_date
from core.errors import Refused
from core.facts import quote as quoted
from core.journal import ActorKind
from core.messages import MessageChannel
from core.orders import Asked, Order
from core.quotes import Quote, QuoteState
from intake.reading import dates
from intake.understand.drafts import lines_of

if TYPE_CHECKING:
    from datetime import date

    from bot.turns import Turn

Args = dict[str, Any]
SHOWN = 10
POSITION = re.compile(r"[Ll](\d+)\s+(-?\d+(?:[.,]\d+)?)")
CENT_OF_CENT = Decimal("0.0001")


def run(turn: Turn, said: str) -> None:
    """`CUSTOMER : LINES` makes a quote, a reference shows its card, nothing lists the open ones."""
    if not said.strip():
        _list(turn)
        return
    if (known := quotes.by_reference(turn.session, said)) is not None:
        turn.send(cards.quote_card(known, at=turn.at))
        return
    name, _, what = said.partition(":")
    customer = customer_named(turn, name)
    reading = drafts.reading(turn, what)
    if not reading.lines:
        raise Refused("no_lines_read", text=what.strip()[:60])
    asked = Asked(
        customer=customer, channel=MessageChannel.ORAL, lines=lines_of(turn.session, customer, reading.lines),
        taken_by_id=turn.link.staff_id,
    )  # fmt: skip
    made = quotes.draft(turn.session, asked, by=turn.by, at=turn.at)
    if (day := _validity(turn, what)) is not None:
        quotes.set_validity(turn.session, made, day, by=turn.by, at=turn.at)


def customer_named(turn: Turn, words: str) -> parties.Customer:
    """The one active customer with these words in his name; refuses none, several, and one whose account is closed."""
    found = parties.search_customers(turn.session, words.strip()) if words.strip() else []
    if len(found) == 1:
        return found[0]
    closed = parties.search_customers(turn.session, words.strip(), active=False) if words.strip() else []
    if not found and len(closed) == 1:
        raise Refused("customer_account_closed", customer=closed[0].name)
    names = ", ".join(customer.name for customer in found)
    raise Refused("customer_not_one" if found else "customer_unknown", customer=words.strip(), found=names)


def _list(turn: Turn) -> None:
    """The open ones, with the days that are left."""
    found, today = quotes.open_quotes(turn.session), business_date(turn.at)
    if not found:
        turn.say("no_quote")
        return
    rows = [(quote, (quote.valid_until - today).days if quote.valid_until else None) for quote in found[:SHOWN]]
    buttons = [[Press("show_quote", {"quote": quote.id}, {"quote": quote.reference})] for quote, _ in rows]
    turn.send(Content(texts.render("open_quotes", rows=rows, more=max(len(found) - SHOWN, 0)), buttons))


def show_quote(turn: Turn, _args: Args, quote: Quote) -> None:
    """Its card, as a new message."""
    turn.send(cards.quote_card(quote, at=turn.at))


def reply(turn: Turn, quote_id: int, text: str) -> None:
    """A colleague's words in reply to the card: `L2 140`, a price, a discount, a line less or more, the validity."""
    quote, said = quotes.lock(turn.session, quote_id), text.strip()
    if (found := POSITION.fullmatch(said)) is not None:
        count = Decimal(found[2].replace(",", "."))
        quotes.set_quantity(turn.session, quote, int(found[1]), count, by=turn.by, at=turn.at)
        return
    if (found := _words("quote_price").fullmatch(said)) is not None:
        price = number(found["price"])
        quotes.set_price(turn.session, quote, int(found["line"]), price, by=turn.by, at=turn.at)
        return
    if (found := _words("quote_discount").fullmatch(said)) is not None:
        _discount(turn, quote, found["line"], number(found["percent"]))
        return
    if (found := _words("quote_remove").fullmatch(said)) is not None:
        quotes.remove_line(turn.session, quote, int(found["line"] or found["first"]), by=turn.by, at=turn.at)
        return
    if (day := _validity(turn, said)) is not None:
        quotes.set_validity(turn.session, quote, day, by=turn.by, at=turn.at)
        return
    lines = lines_of(turn.session, quote.customer, drafts.reading(turn, said).lines)
    if not lines:
        raise Refused("quote_nothing_to_change", quote=quote.reference)
    quotes.append_lines(turn.session, quote, lines, by=turn.by, at=turn.at)


def _words(name: str) -> re.Pattern[str]:
    return re.compile(texts.table("menus", "fr")["words"][name], re.IGNORECASE)


def _validity(turn: Turn, text: str) -> date | None:
    """The day up to which the words let the offer hold; refuses one that is not understood."""
    found = _words("quote_validity").search(text)
    if found is None:
        return None
    today = business_date(turn.at)
    if found["days"]:
        return today + timedelta(days=int(found["days"]))
    return _day(found["day"], today)


def _day(text: str, today: date) -> date:
    day = dates.wanted(text, today=today)
    if day is None:
        raise Refused("date_not_understood")
    return day


def _discount(turn: Turn, quote: Quote, position: str | None, percent: Decimal) -> None:
    """A line's price, or every line's, less that percentage of it, to a hundredth of a cent."""
    if not 0 < percent < 100:
        raise Refused("discount_out_of_range", percent=percent)
    lines = [quotes.line_at(quote, int(position))] if position else list(quote.lines)
    # read first: a price that is given takes its line out of what the rules discount
    given = {line.position: line.unit_price for line in lines if line.unit_price is not None}
    for number_of, price in given.items():
        less = (price * (100 - percent) / 100).quantize(CENT_OF_CENT)
        quotes.set_price(turn.session, quote, number_of, less, by=turn.by, at=turn.at)


def send_quote(turn: Turn, args: Args, quote: Quote) -> None:
    """Freeze the version that the agent saw, and send it."""
    quotes.send(turn.session, quote, house=turn.house, by=turn.by, at=turn.at, version=args.get("seen"))


def revise_quote(turn: Turn, _args: Args, quote: Quote) -> None:
    """The next revision of the same number, as a draft: its card follows."""
    following = quotes.revise(turn.session, quote, by=turn.by, at=turn.at)
    turn.toast = texts.answer("quote_revised", quote=following.reference)


def search_article(turn: Turn, args: Args, quote: Quote) -> None:
    """Which words? The next text."""
    turn.ask("quote_words", "which_article", quote=quote.id, position=args["position"])


def quote_words(turn: Turn, args: Args, text: str) -> None:
    """The articles with these words, as buttons."""
    found = catalogue.search_articles(turn.session, text)
    if not found:
        raise Refused("nothing_found", words=text)
    rows = [
        [Press("choose_quote_article", {**args, "sku": a.sku}, {"sku": a.sku, "name": a.name}, "choose_article")]
        for a in found
    ]
    turn.send(Content(texts.escape(texts.answer("which_one")), rows))


def choose_article(turn: Turn, args: Args, quote: Quote) -> None:
    """Say which article the line means."""
    article = catalogue.article_by_sku(turn.session, args["sku"])
    held = quotes.lock(turn.session, quote.id)
    quotes.set_article(turn.session, held, int(args["position"]), article, by=turn.by, at=turn.at)


def ask_quantity(turn: Turn, args: Args, quote: Quote) -> None:
    """How many? The next text."""
    turn.ask("quote_quantity", "how_many", quote=quote.id, position=args["position"])


def quote_quantity(turn: Turn, args: Args, text: str) -> None:
    """The answer: a number of sales units."""
    held = quotes.lock(turn.session, args["quote"])
    quotes.set_quantity(turn.session, held, int(args["position"]), number(text), by=turn.by, at=turn.at)


def remove_line(turn: Turn, args: Args, quote: Quote) -> None:
    """Take the line out of the version that the agent saw."""
    held = quotes.lock(turn.session, quote.id, version=args.get("seen"))
    quotes.remove_line(turn.session, held, int(args["position"]), by=turn.by, at=turn.at)


def ask_validity(turn: Turn, args: Args, _quote: Quote) -> None:
    """Some lengths as buttons, or a day in words."""
    rows = [[Press("set_validity", {"quote": args["quote"], "days": days}, {"days": days}) for days in (15, 30, 60)]]
    turn.send(Content(texts.escape(texts.answer("valid_until_when")), rows))
    turn.ask("validity_day", "or_write_day", quote=args["quote"])


def set_validity(turn: Turn, args: Args, quote: Quote) -> None:
    """So many days from today; nobody waits for a written day any more."""
    conversations.answered(turn.session, chat_id=turn.chat_id, at=turn.at)
    day = business_date(turn.at) + timedelta(days=int(args["days"]))
    quotes.set_validity(turn.session, quotes.lock(turn.session, quote.id), day, by=turn.by, at=turn.at)


def validity_day(turn: Turn, args: Args, text: str) -> None:
    """The day that was written."""
    held = quotes.lock(turn.session, args["quote"])
    day = _validity(turn, text) or _day(text, business_date(turn.at))
    quotes.set_validity(turn.session, held, day, by=turn.by, at=turn.at)


def accept_quote(turn: Turn, _args: Args, quote: Quote) -> None:
    """The customer's yes: a draft order of the quote's lines at its prices, once; after its day a person decides."""
    held = quotes.lock(turn.session, quote.id)
    if held.state is QuoteState.SENT and held.expired(business_date(turn.at)):
        quotes.ask_late(turn.session, held, by=turn.by, at=turn.at)
        turn.toast = texts.answer("quote_late", turn.language)
        return
    quotes.take_up(
        turn.session, held, channel=MessageChannel.CHAT, how="button", reply_chat_id=turn.chat_id, accord=True,
        by=turn.by, at=turn.at,
    )  # fmt: skip
    turn.toast = texts.answer("recap_accepted", turn.language)


def take_up_quote(turn: Turn, _args: Args, quote: Quote) -> None:
    """A colleague notes the customer's word, even after the quote's day; the recap asks the customer himself."""
    order = quotes.take_up(
        turn.session, quote, channel=MessageChannel.ORAL, how="colleague", late=True, taken_by_id=turn.link.staff_id,
        taken_at=turn.at, by=turn.by, at=turn.at,
    )  # fmt: skip
    turn.toast = texts.answer("quote_taken_up", quote=quote.reference, reference=order.reference)


def decline_quote(turn: Turn, args: Args, quote: Quote) -> None:
    """Why not? The next text is the reason that is kept."""
    if quote.state not in {QuoteState.SENT, QuoteState.DRAFT}:
        raise Refused(
            "quote_replaced" if quote.state is QuoteState.REPLACED else "quote_not_open", quote=quote.reference
        )
    turn.ask("decline_reason", "why_decline", quote=args["quote"])


def decline_reason(turn: Turn, args: Args, text: str) -> bool:
    """The quote is declined; False when a customer's words are an order, or the quote is not his."""
    quote = quotes.lock(turn.session, args["quote"])
    customer = turn.by.kind is ActorKind.CUSTOMER
    if customer and (quote.customer_id != turn.link.customer_id or drafts.reading(turn, text).lines):
        return False
    quotes.decline(turn.session, quote, reason=text, by=turn.by, at=turn.at)
    turn.say("quote_declined", quote=quote.reference)
    return True


def compare_quote(turn: Turn, _args: Args, order: Order) -> None:
    """The order beside its quote, line by line, with the gaps."""
    quote = turn.session.get(Quote, order.quote_id) if order.quote_id is not None else None
    if quote is None:
        raise Refused("no_quote_to_compare", reference=order.reference)
    from core.facts import lines as ordered

    offered = quoted.lines_of(turn.session, quote)
    names = {line.sku: line.name for line in offered}
    names |= {line.article.sku: line.article.name for line in order.kept_lines if line.article is not None}
    rows = quotes.beside(offered, ordered.gather(turn.session, order, today=business_date(turn.at)), names)
    html = texts.render(
        "quote_comparison", quote=quote, order=order, rows=rows, gap=quotes.gap_of(rows),
        unknown=[line.text for line in order.kept_lines if line.article is None],
    )  # fmt: skip
    turn.show(Content(html, [[Press("show_order")]], order))


ACTIONS: dict[str, tuple[str, Any]] = {
    "show_quote": ("quote", show_quote),
    "send_quote": ("quote", send_quote),
    "revise_quote": ("quote", revise_quote),
    "search_quote_article": ("quote", search_article),
    "choose_quote_article": ("quote", choose_article),
    "ask_quote_quantity": ("quote", ask_quantity),
    "remove_quote_line": ("quote", remove_line),
    "ask_validity": ("quote", ask_validity),
    "set_validity": ("quote", set_validity),
    "accept_quote": ("quote", accept_quote),
    "take_up_quote": ("quote", take_up_quote),
    "decline_quote": ("quote", decline_quote),
    "compare_quote": ("order", compare_quote),
}
ANSWERS: dict[str, Any] = {
    "quote_words": quote_words,
    "quote_quantity": quote_quantity,
    "validity_day": validity_day,
    "decline_reason": decline_reason,
}
