"""The living cards: what each of them says now and which buttons it carries, from the session and its thing alone.

Order of information: who, what, for when, how much, what is missing, then one primary button, alone in its row.
"""

from bot.cards.changing import change_view, line_view_of
from bot.cards.contents import (
    EXTRACT,
    Content,
    counted,
    line_view,
    order_context,
    parcelled,
    plural,
    rounding_told,
    saved,
    terms_named,
)
from bot.cards.orders import order_card, order_lines
from bot.cards.points import completable, notes_view, point_view, treatable, watched
from bot.cards.preparations import preparation_card
from bot.cards.quotes import quote_card
from bot.cards.views import kept, order_view

__all__ = [
    "EXTRACT",
    "Content",
    "change_view",
    "completable",
    "counted",
    "kept",
    "line_view",
    "line_view_of",
    "notes_view",
    "order_card",
    "order_context",
    "order_lines",
    "order_view",
    "parcelled",
    "plural",
    "point_view",
    "preparation_card",
    "quote_card",
    "rounding_told",
    "saved",
    "terms_named",
    "treatable",
    "watched",
]
