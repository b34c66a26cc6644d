"""Quotes: lines at prices that hold until a day; an order that refers to one is priced by it."""

from __future__ import annotations

from core.quotes.decisions import (
    accept,
    ask_late,
    by_reference,
    decline,
    move,
    newest_revision,
    open_quotes,
    ordered_as,
    quoted_price,
    revise,
    send,
    take_up,
)
from core.quotes.differences import Beside, Difference, Gap, QuotedLine, beside, compare, gap_of
from core.quotes.drafts import (
    append_lines,
    draft,
    line_at,
    lock,
    remove_line,
    set_article,
    set_price,
    set_quantity,
    set_validity,
)
from core.quotes.tables import NEXT, Quote, QuoteLine, QuoteState, packed

__all__ = [
    "NEXT",
    "Beside",
    "Difference",
    "Gap",
    "Quote",
    "QuoteLine",
    "QuoteState",
    "QuotedLine",
    "accept",
    "append_lines",
    "ask_late",
    "beside",
    "by_reference",
    "compare",
    "decline",
    "draft",
    "gap_of",
    "line_at",
    "lock",
    "move",
    "newest_revision",
    "open_quotes",
    "ordered_as",
    "packed",
    "quoted_price",
    "remove_line",
    "revise",
    "send",
    "set_article",
    "set_price",
    "set_quantity",
    "set_validity",
    "take_up",
]
