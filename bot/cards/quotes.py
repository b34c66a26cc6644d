"""A quote as sales sees it."""

from __future__ import annotations

from datetime import datetime

from bot import texts
from bot.cards.contents import Content, line_view
from bot.cards.orders import SHOWN_LINES
from bot.keyboards import Press, Rows
from core.clock import business_date
from core.quotes import Quote, QuoteState


def quote_card(quote: Quote, *, at: datetime) -> Content:
    """A quote as sales sees it: lines, prices, total, validity, state, and what may be done with it now."""
    today = business_date(at)
    missing = sum(not line.complete for line in quote.lines)
    html = texts.render(
        "quote_card", quote=quote, customer=quote.customer, lines=[line_view(line) for line in quote.lines],
        net=quote.net, missing=missing, expired=quote.state is QuoteState.SENT and quote.expired(today),
        days=(quote.valid_until - today).days if quote.valid_until is not None else None,
    )  # fmt: skip
    return Content(html, _quote_rows(quote))


def _quote_rows(quote: Quote) -> Rows:
    about = {"quote": quote.id}
    if quote.state is QuoteState.SENT:
        return [[Press("revise_quote", about)], [Press("take_up_quote", about), Press("decline_quote", about)]]
    if quote.state is QuoteState.DECLINED and quote.sent_on is not None:
        return [[Press("revise_quote", about)]]
    if quote.state is not QuoteState.DRAFT:
        return ()
    seen, rows = about | {"seen": quote.version}, list[list[Press]]()
    for line in [line for line in quote.lines if not line.complete][:SHOWN_LINES]:
        where, label = {"position": line.position}, {"position": line.position}
        settle = "search_quote_article" if line.article is None else "ask_quote_quantity"
        rows.append([Press(settle, about | where, label), Press("remove_quote_line", seen | where, label)])
    if not rows and quote.lines:
        rows.append([Press("send_quote", seen)])
    give_up = [] if quote.revision else [Press("decline_quote", about, label_key="give_up_quote")]
    return [*rows, [Press("ask_validity", about), *give_up]]
